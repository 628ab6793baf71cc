"""`segment_folder`: a folder in one call of Python."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

import simsam
from simsam.errors import SimsamError

SMALL = {"size": 70, "refine": "none"}


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "photos"
    (place / "below").mkdir(parents=True)
    for i, name in enumerate(["a.png", "b.png", "below/c.png"]):
        pixels = np.random.default_rng(i).integers(0, 256, (60, 90, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(place / name)
    (place / "bad.png").write_text("no image")
    return place


def test_results_come_one_by_one_and_nothing_is_written(folder, tmp_path, backbone):
    told = []
    steps = lambda done, total: told.append((done, total))  # noqa: E731
    found = dict(simsam.segment_folder(folder, backbone=backbone, progress=steps, **SMALL))
    assert {path.name for path in found} == {"a.png", "b.png", "bad.png"}
    assert "not an image" in str(found[folder / "bad.png"])
    assert isinstance(found[folder / "bad.png"], SimsamError)
    for name in ("a.png", "b.png"):
        alone = simsam.segment(folder / name, backbone=backbone, **SMALL)
        np.testing.assert_array_equal(found[folder / name].mask, alone.mask)
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_pictures_a_record_and_going_on(folder, tmp_path, backbone):
    out = tmp_path / "out"
    options = {"backbone": backbone, "recursive": True, "save": ("mask", "score"), **SMALL}
    assert len(list(simsam.segment_folder(folder, out, **options))) == 4
    names = ["a_mask.png", "a_score.png", "b_mask.png", "b_score.png"]
    names += ["below/c_mask.png", "below/c_score.png"]
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*.png")) == names
    lines = [json.loads(line) for line in (out / "simsam.jsonl").read_text().splitlines()]
    assert [line["name"] for line in lines] == ["a", "b", "bad", "below/c"]
    (out / "b_score.png").unlink()
    again = dict(simsam.segment_folder(folder, out, resume=True, **options))
    assert {path.name for path in again} == {"b.png", "bad.png"}
    assert (out / "b_score.png").exists()


def test_stopping_early_keeps_what_is_done(folder, tmp_path, backbone):
    for _, result in simsam.segment_folder(folder, tmp_path / "out", backbone=backbone, workers=0, **SMALL):
        if not isinstance(result, SimsamError):
            break
    made = list((tmp_path / "out").glob("*_mask.png"))
    assert made
    assert not list((tmp_path / "out").glob(".simsam-*"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"save": ["masks"]}, ["unknown picture", "mask"]),
        ({"resume": True}, ["resume", "output"]),
        ({"recipe": "simsan"}, ["unknown recipe", "simsam"]),
        ({"batch": 0}, ["batch", "1 or more"]),
        ({"output": "photos"}, ["holds the photos themselves"]),
        ({"folder": "nowhere"}, ["nowhere"]),
        ({"output": "masks.png"}, ["masks.png is the name of a picture", "a folder is needed"]),
    ],
)
def test_what_cannot_be_is_told_at_once(folder, tmp_path, monkeypatch, backbone, refused, change, words):
    monkeypatch.chdir(tmp_path)
    with refused(*words):
        simsam.segment_folder(**{"folder": "photos", "backbone": backbone, **change})
