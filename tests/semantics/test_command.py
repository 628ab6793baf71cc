"""Label maps as files: the command line, and two processes."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from simsam.cli import main
from simsam.data.exports import label_colors, write_labels

ENOUGH = 900  # seconds a subprocess may take on a busy machine


def test_colors_are_told_apart_and_labels_are_the_indices(tmp_path):
    colors = label_colors(50)
    assert len(np.unique(colors, axis=0)) == 50
    assert colors[0].tolist() == [0, 0, 0]
    assert label_colors(5, background=False)[0].tolist() == colors[1].tolist()
    assert label_colors(255).shape == (255, 3)
    labels = np.arange(50, dtype=np.uint8).reshape(5, 10)
    write_labels(tmp_path / "a.png", labels, colors)
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "P"
        assert np.array_equal(np.asarray(image), labels)
        assert np.array_equal(np.asarray(image.convert("RGB")), colors[labels])


def semantic(folder, out, *options):
    small = ["--device", "cpu", "--set", "size=112", "--set", "crop=56", "--backbone", "vit_tiny_patch16_224"]
    return ["semantic", str(folder), "-o", str(out), "--classes", "3", *small, *options]


def test_command_line_goes_past_a_bad_file(photos, weights, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(semantic(photos, out, "--weights", str(weights), "--sheet")) == 2
    told = capsys.readouterr()
    assert "bad.jpg" in told.err
    assert "6 of 7 done" in told.out
    report = json.loads((out / "labels.json").read_text())
    assert len(report["photos"]) == 6
    assert [*report["failed"]] == [str(photos / "bad.jpg")]
    assert report["labels"]["0"]["background"] is True
    colors = [tuple(bytes.fromhex(label["color"][1:])) for label in report["labels"].values()]
    for path, photo in report["photos"].items():
        assert sum(photo["share"].values()) == pytest.approx(1, abs=1e-5)
        with Image.open(out / photo["map"]) as image:
            labels = np.asarray(image)
            shape = Image.open(path).size[::-1]
            assert labels.shape == shape
            assert [tuple(c) for c in np.array(image.getpalette()).reshape(-1, 3)[:3]] == colors
        for label, share in photo["share"].items():
            assert share == pytest.approx((labels == int(label)).mean(), abs=1e-5)
            assert path in report["labels"][label]["photos"]
    with Image.open(out / "labels.png") as image:
        assert image.height > 3 * 100
    before = {path.name: path.read_bytes() for path in out.glob("*_labels.png")}
    (photos / "bad.jpg").unlink()
    assert main(semantic(photos, out, "--weights", str(weights), "--quiet")) == 0
    assert capsys.readouterr().out == ""
    assert {path.name: path.read_bytes() for path in out.glob("*_labels.png")} == before


def test_folders_below_get_their_label_maps_in_like_folders(photos, weights, tmp_path, capsys):
    (photos / "bad.jpg").unlink()
    for n, place in enumerate(["one", "one/deep", "two"]):
        (photos / place).mkdir()
        (photos / f"{n}.png").rename(photos / place / "x.png")
    (photos / "one" / "notes.txt").write_text("no photo")
    (photos / "one" / "clip.mp4").write_text("no photo")
    options = ("--weights", str(weights))
    assert main(semantic(photos, tmp_path / "flat", *options)) == 0
    assert "3 of 3 done" in (said := capsys.readouterr().out)
    assert "; 2 skipped (2 folder: --recursive)" in said
    out = photos / "labels"  # below the photos: what is made is never taken for a photo
    for _ in range(2):
        assert main(semantic(photos, out, *options, "--recursive")) == 0
        assert f"6 of 6 done, in {out}; 2 skipped (1 .mp4, 1 .txt)" in capsys.readouterr().out
    names = ["3", "4", "5", "one/x", "one/deep/x", "two/x"]
    maps = {path.relative_to(out).as_posix() for path in out.rglob("*_labels.png")}
    assert maps == {f"{name}_labels.png" for name in names}
    report = json.loads((out / "labels.json").read_text())
    assert {photo["map"] for photo in report["photos"].values()} == maps
    assert report["photos"][str(photos / "one" / "deep" / "x.png")]["map"] == "one/deep/x_labels.png"


def test_the_other_recipe_is_named_where_it_fits_better(photos, weights, tmp_path, capsys):
    slope = np.linspace(0, 255, 64)[:, None, None].repeat(64, 1).repeat(3, 2).astype(np.uint8)
    for n in range(10):
        street, thing = tmp_path / "street" / f"{n}.png", tmp_path / "things" / f"{n}.png"
        for path, image in ((street, slope), (thing, np.rot90(slope, n))):
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(np.ascontiguousarray(image)).save(path)
    small = ("--weights", str(weights), "--set", "regions=2", "--set", "k=6")
    for folder, recipe, words in (
        ("street", "objects", "all laid out alike, as those of one street are: --recipe scenes fits better."),
        ("street", "scenes", ""),
        ("things", "scenes", "not laid out alike: if each has a subject, --recipe objects fits better."),
        ("things", "tokens", ""),
    ):
        out = tmp_path / f"{folder} {recipe}"
        pca = ("--set", "pca=none")
        assert main(semantic(tmp_path / folder, out, *small, *pca, "--recipe", recipe)) == 0
        said = capsys.readouterr().out
        assert words in said if words else "fits better" not in said
    main(semantic(tmp_path / "street", tmp_path / "quiet", *small, "--quiet"))
    assert capsys.readouterr().out == ""
    assert main(semantic(photos, tmp_path / "few", *small)) == 2
    assert "fits better" not in capsys.readouterr().out


def test_command_line_refuses_what_cannot_be(photos, weights, tmp_path, capsys):
    options = ("--weights", str(weights))
    assert main(semantic(photos, tmp_path / "out", *options, "--recipe", "scene")) == 2
    assert "did you mean 'scenes'" in capsys.readouterr().err
    assert main(semantic(tmp_path / "nowhere", tmp_path / "out", *options)) == 2
    assert "nowhere" in capsys.readouterr().err
    assert main(semantic(photos, photos / "bad.jpg", *options)) == 2
    assert "is a file" in capsys.readouterr().err
    assert main(semantic(photos, tmp_path / "out", *options, "--batch", "0")) == 2
    assert "--batch 0" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["objects", "scenes"])
def test_two_processes_give_the_files_of_one(photos, weights, tmp_path, recipe):
    options = (
        "--weights",
        str(weights),
        "--quiet",
        "--recipe",
        recipe,
        "--set",
        "pca=none",
        "--set",
        "regions=3",
    )
    assert main(semantic(photos, tmp_path / "one", *options)) == 2
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m"]
    done = subprocess.run(
        [*torchrun, "simsam", *semantic(photos, tmp_path / "two", *options)],
        capture_output=True,
        text=True,
        timeout=ENOUGH,
    )
    assert "bad.jpg is not an image" in done.stderr
    assert done.stderr.count("simsam: ") == 1
    one, two = ({p.name: p for p in (tmp_path / n).iterdir() if p.is_file()} for n in ("one", "two"))
    assert one.keys() == two.keys()
    for name in one:
        assert one[name].read_bytes() == two[name].read_bytes(), name
