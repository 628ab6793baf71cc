"""The record of a folder: whole lines, the last of a name counts, and what it holds still stands."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from simsam.pipeline.recipes import RECIPES
from simsam.scale.record import Record, digest_of, making


@dataclasses.dataclass(frozen=True)
class Weights:
    """What `making` reads of a backbone."""

    name: str = "b"
    source: str = "somewhere"
    sha256: str = "0" * 64


MADE = making("object", RECIPES["simsam"], Weights())


@pytest.fixture
def place(tmp_path):
    """A photo and its mask, and an empty record beside the mask."""
    (tmp_path / "out").mkdir()
    photo, mask = tmp_path / "x.png", tmp_path / "out" / "x_mask.png"
    Image.fromarray(np.eye(9, dtype=np.uint8)).save(photo)
    mask.write_bytes(b"a mask")
    return photo, mask, Record(tmp_path / "out")


def add(place, **fields):
    photo, mask, record = place
    record.add("x", photo, digest_of(photo), [mask], **(MADE | fields))


def holds(place, made=MADE, name="x", outputs=None) -> bool:
    photo, mask, record = place
    return Record(record.folder).holds(name, photo, outputs or [mask], made)


def test_what_was_made_is_held(place):
    assert not holds(place)
    add(place, box=(1, 2, 3, 4), area=0.5)
    assert holds(place)
    (row,) = map(json.loads, place[2].path.read_text().splitlines())
    assert row["photo"] == str(place[0])
    assert row["bytes"] == place[0].stat().st_size
    assert row["sha256"] == digest_of(place[0])
    assert row["box"] == [1, 2, 3, 4]
    assert row["outputs"] == {"x_mask.png": digest_of(place[1])}
    assert row["weights_sha256"] == "0" * 64


def test_what_changed_is_not_held(place):
    photo, mask, record = place
    add(place)
    assert not holds(place, name="y")
    assert not holds(place, outputs=[mask, record.folder / "x_overlay.png"])
    for task, recipe, weights in (
        ("regions", "simsam", Weights()),
        ("object", "dsm", Weights()),
        ("object", "simsam", Weights(sha256="1" * 64)),
        ("object", "simsam", Weights(name="c")),
    ):
        assert not holds(place, making(task, RECIPES[recipe], weights))
    moved = making("object", dataclasses.replace(RECIPES["simsam"], name="mine"), Weights(source="elsewhere"))
    assert holds(place, moved)  # the same settings and weights under other names
    mask.write_bytes(b"a mas")
    assert not holds(place)
    mask.write_bytes(b"a mask")
    assert holds(place)
    mask.unlink()
    assert not holds(place)
    mask.write_bytes(b"a mask")
    photo.write_bytes(photo.read_bytes() + b"\0")
    assert not holds(place)
    photo.unlink()
    assert not holds(place)


def test_an_error_is_not_held_and_the_last_line_counts(place):
    add(place)
    add(place, error="damaged.")
    assert not holds(place)
    add(place)
    assert holds(place)
    place[2].tidy()
    assert len(place[2].path.read_text().splitlines()) == 1
    assert holds(place)


@pytest.mark.parametrize("torn", [b'{"name": "y", "pho', b"\xff\xfe\0", b"[1, 2]", b'{"name": 3}', b"null"])
def test_a_line_that_is_none_spoils_no_other(place, torn):
    """As a full disk leaves it, or an editor."""
    add(place)
    path = place[2].path
    path.write_bytes(path.read_bytes() + torn)
    again = Record(place[2].folder)
    again.add("z", place[0], "", (), error="missing.")
    assert holds(place)
    assert [json.loads(line)["name"] for line in path.read_bytes().splitlines()] == ["x", "z"]


def test_two_runs_into_one_folder_both_keep_their_lines(place):
    one, other = (Record(place[2].folder) for _ in range(2))
    one.add("a", place[0], "", ())
    other.add("b", place[0], "", ())
    one.tidy()
    other.add("c", place[0], "", ())
    other.tidy()
    assert list(Record(one.folder).rows) == ["a", "b", "c"]


def test_a_record_that_cannot_be_written(place, refused):
    place[2].path.mkdir()
    with refused("simsam.jsonl", "cannot write"):
        add(place)
    with refused("simsam.jsonl", "cannot read"):
        Record(place[2].folder)
