"""`simsam segment`, semantic and evaluate on folders as people have them: what is read, kept and told."""

from __future__ import annotations

import io
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from simsam.cli import main
from simsam.data import load_cutouts


@pytest.fixture(autouse=True)
def quick(backbone):
    """The backbone is loaded once."""


def run(*arguments, command="segment", sizes=("--set", "size=70")) -> int:
    return main([command, *map(str, arguments), "--device", "cpu", *sizes])


def photo(path: Path, seed: int = 0, shape: tuple[int, int] = (60, 90)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def rows(folder: Path) -> dict[str, dict]:
    return {row["name"]: row for row in map(json.loads, (folder / "simsam.jsonl").read_text().splitlines())}


def made(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))


def damaged(path: Path) -> Path:
    photo(path)
    data = bytearray(path.read_bytes())
    data[11] = 12  # the length of its first chunk
    path.write_bytes(data)
    return path


def with_a_long_note(path: Path) -> Path:
    photo(path)
    note = PngImagePlugin.PngInfo()
    note.add_text("note", "a" * 2_000_000, zip=True)
    with Image.open(path) as image:
        image.save(path, pnginfo=note)
    return path


# --- nothing breaks ---


@pytest.mark.parametrize("workers", [0, 1])
def test_segment_goes_on_past_a_damaged_file(tmp_path, capsys, workers):
    bad = damaged(tmp_path / "p" / "bad.png")
    for i in range(2):
        photo(tmp_path / "p" / f"{i}.png", i)
    with_a_long_note(tmp_path / "p" / "big.png")
    assert run(tmp_path / "p", "-o", tmp_path / "out", "--workers", workers) == 2
    assert made(tmp_path / "out") == ["0_mask.png", "1_mask.png", "big_mask.png"]
    said = capsys.readouterr()
    assert "3 of 4 done" in said.out
    told = [line for line in said.err.splitlines() if line.startswith("simsam: ")]
    assert len(told) == 1
    assert told[0].startswith(f"simsam: {bad} is damaged")
    assert "damaged" in rows(tmp_path / "out")["bad"]["error"]


def test_semantic_goes_on_past_a_damaged_file(tmp_path, capsys):
    bad = damaged(tmp_path / "p" / "bad.png")
    for i in range(3):
        photo(tmp_path / "p" / f"{i}.png", i)
    arguments = [tmp_path / "p", "-o", tmp_path / "out", "--classes", 2, "--sheet"]
    assert run(*arguments, command="semantic") == 2
    assert made(tmp_path / "out") == ["0_labels.png", "1_labels.png", "2_labels.png", "labels.png"]
    assert f"simsam: {bad} is damaged" in capsys.readouterr().err
    found = rows(tmp_path / "out")
    assert list(found) == ["0", "1", "2", "bad"]
    assert found["0"]["outputs"].keys() == {"0_labels.png"}
    assert found["0"]["task"] == "semantic=2"
    assert "damaged" in found["bad"]["error"]


def test_evaluate_goes_on_past_a_damaged_file_and_again_without_it(tmp_path, capsys):
    root = tmp_path / "set"
    for i in range(3):
        photo(root / "images" / f"{i}.png", i)
        photo(root / "masks" / f"{i}.png", i)
    damaged(root / "images" / "1.png")
    arguments = ["folder", "--root", root, "--json", tmp_path / "a.json"]
    assert run(*arguments, command="evaluate") == 2
    result = json.loads((tmp_path / "a.json").read_text())
    assert result["folder"] == str(root / "images")
    assert result["failed"].keys() == {"1"}
    assert result["per_image"].keys() == {"0", "2"}
    assert "simsam: 1 was left out" in capsys.readouterr().err
    for kind in ("images", "masks"):
        (root / kind / "1.png").unlink()
    assert run(*arguments, command="evaluate") == 0
    assert json.loads((tmp_path / "a.json").read_text())["failed"] == {}


# --- the record, and --resume by it ---


def test_another_photo_of_the_same_name_is_done(tmp_path):
    one, other = photo(tmp_path / "a" / "x.png", 1), photo(tmp_path / "b" / "x.bmp", 2, (90, 60))
    out = tmp_path / "out"
    assert run(one, "-o", out) == 0
    assert run(other, "-o", out, "--resume") == 0
    assert Image.open(out / "x_mask.png").size == (60, 90)
    assert rows(out)["x"]["photo"] == str(other)


@pytest.mark.parametrize(
    "change", ["recipe", "weights", "content", "cut", "gone", "overlay", "task", "no record", "error"]
)
def test_resume_makes_again_what_changed_and_nothing_else(tmp_path, capsys, change):
    folder, out = tmp_path / "p", tmp_path / "out"
    for i in range(3):
        photo(folder / f"{i}.png", i)
    if change == "error":
        damaged(folder / "1.png")
    assert run(folder, "-o", out) == (2 if change == "error" else 0)
    options, count, mask = [], 1, out / "1_mask.png"
    if change in ("recipe", "weights", "overlay", "task"):
        more = {"recipe": ["--recipe", "dsm"], "weights": ["--backbone", "classical"]}
        more |= {"overlay": ["--overlay"], "task": ["--task", "regions"]}
        options, count = more[change], 3
    elif change in ("content", "error"):
        photo(folder / "1.png", 7)
    elif change == "cut":
        mask.write_bytes(mask.read_bytes()[:50])
    elif change == "gone":
        mask.unlink()
    else:
        (out / "simsam.jsonl").unlink()
        count = 3
    capsys.readouterr()
    assert run(folder, "-o", out, "--resume", *options) == 0
    assert f"{count} of {count} done" in capsys.readouterr().out
    assert run(folder, "-o", out, "--resume", *options) == 0
    assert "0 of 0 done" in capsys.readouterr().out
    fresh = tmp_path / "fresh"
    assert run(folder, "-o", fresh, *options) == 0
    for path in fresh.glob("*.png"):
        assert (out / path.name).read_bytes() == path.read_bytes()


def test_a_line_says_what_made_the_mask(tmp_path, backbone):
    path = photo(tmp_path / "p" / "x.png")
    assert run(path, "-o", tmp_path / "out", "--overlay") == 0
    row = rows(tmp_path / "out")["x"]
    mask = np.asarray(Image.open(tmp_path / "out" / "x_mask.png")) > 0
    assert row["photo"] == str(path)
    assert row["outputs"].keys() == {"x_mask.png", "x_overlay.png"}
    assert row["recipe"] == "simsam"
    assert row["weights_sha256"] == backbone.sha256
    assert row["area"] == pytest.approx(mask.mean(), abs=1e-6)
    top, left, bottom, right = row["box"]
    assert mask[top:bottom, left:right].sum() == mask.sum()
    assert row["seconds"] > 0
    assert row["notes"] == []


# --- what is read, and what is told ---


def test_a_guess_is_told_at_the_end_and_kept(tmp_path, capsys):
    for i in range(7):
        Image.fromarray(np.arange(5400, dtype=np.int32).reshape(60, 90) % 200 + i).save(tmp_path / f"{i}.tif")
    assert run(tmp_path, "-o", tmp_path / "out", "--workers", 1) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("simsam: ")]
    assert len(told) == 6
    assert all("read as one of 8 bits" in line for line in told[:5])
    assert told[5] == "simsam: and 2 more such photos."
    assert "8 bits" in rows(tmp_path / "out")["6"]["notes"][0]


def test_what_is_skipped_is_counted(tmp_path, capsys):
    photo(tmp_path / "a.png")
    photo(tmp_path / "below" / "b.png")
    for name in ("c.txt", "d.TXT", "e.mov"):
        (tmp_path / name).touch()
    for _ in range(2):  # the output below is none of it
        assert run(tmp_path, "-o", tmp_path / "out") == 0
        assert "4 skipped (1 .mov, 2 .txt, 1 folder: --recursive)" in capsys.readouterr().out


def test_heic_that_is_skipped_names_the_extra(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("simsam.data.listing.reads_heic", lambda: False)
    photo(tmp_path / "a.png")
    for name in ("b.heic", "c.HEIC"):
        (tmp_path / name).touch()
    assert run(tmp_path, "-o", tmp_path / "out") == 0
    assert "2 skipped (2 .heic: pip install 'simsam[heic]')" in capsys.readouterr().out


def test_where_nothing_is_found_it_is_told_and_kept(tmp_path, capsys):
    """A mask there is in any case; that it is none to trust, the summary, the record and Python say."""
    for i in range(7):
        photo(tmp_path / "p" / f"{i}.png", i)
    Image.fromarray(load_cutouts()[0].image).save(tmp_path / "p" / "thing.png")
    options = ["--set", "size=224"]
    assert run(tmp_path / "p", "-o", tmp_path / "out", *options, sizes=[]) == 0
    doubt = "nothing found that can be trusted in 7 of them (0.png, 1.png, 2.png, 3.png, 4.png, ...): look"
    assert doubt in capsys.readouterr().out
    found = rows(tmp_path / "out")
    assert {name for name, row in found.items() if row["found"]} == {"thing"}
    assert all(
        row["confidence"] < found["thing"]["confidence"] for name, row in found.items() if name != "thing"
    )
    assert run(tmp_path / "p" / "thing.png", "-o", tmp_path / "one", *options, sizes=[]) == 0
    assert "trusted" not in capsys.readouterr().out


def test_folders_below_are_mirrored(tmp_path, capsys):
    folder, out = tmp_path / "p", tmp_path / "p" / "out"
    for name in ("x.png", "sub/x.png", "sub/deep/y.jpg", "sub/deep/y.png"):
        photo(folder / name)
    for _ in range(2):  # masks are not taken for photos
        assert run(folder, "-o", out, "--recursive") == 0
        names = ["sub/deep/y.jpg_mask.png", "sub/deep/y.png_mask.png", "sub/x_mask.png", "x_mask.png"]
        assert made(out) == names
        assert "4 of 4 done" in capsys.readouterr().out
    assert list(rows(out)) == ["sub/deep/y.jpg", "sub/deep/y.png", "sub/x", "x"]
    assert run(folder, "-o", tmp_path / "other", "--recursive") == 0  # nor those of another run
    assert made(tmp_path / "other") == names
    assert run(folder, "-o", out, "--recursive", "--resume") == 0
    assert "0 of 0 done" in capsys.readouterr().out


def test_names_that_differ_in_case_are_kept_apart(tmp_path):
    photo(tmp_path / "p" / "X.jpg")
    photo(tmp_path / "p" / "x.png")
    assert run(tmp_path / "p", "-o", tmp_path / "out") == 0
    assert made(tmp_path / "out") == ["X.jpg_mask.png", "x.png_mask.png"]


# --- one file ---


def test_one_photo_to_one_file(tmp_path, capsys, monkeypatch):
    path = photo(tmp_path / "x.jpg")
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert run(path, "-o", "mask.png") == 0
    assert run(path, "-o", "below/two.png", "--overlay") == 0
    assert made(tmp_path) == ["below/two.png", "below/two_overlay.png", "mask.png"]
    assert set(np.unique(Image.open("mask.png"))) <= {0, 255}
    assert not list(tmp_path.rglob("simsam.jsonl"))
    assert "1 of 1 done, in below/two.png" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["p/0.png", "p/1.png", "-o", "mask.png"], "mask.png is one file for 2 photos"),
        (["p", "-o", "mask.png"], "one file for 2 photos"),
        (["p/0.png", "-o", "mask.jpg"], "written as PNG"),
        (["p/0.png", "-o", "p/0.png"], "the photo itself"),
        (["p/0.png", "-o", "mask.png", "--resume"], "--resume goes by the record"),
        (["p/0.png", "-o", "p/0.png/mask.png"], "p/0.png is a file"),
    ],
)
def test_one_file_that_cannot_be(tmp_path, capsys, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    before = photo(Path("p/0.png")).read_bytes()
    photo(Path("p/1.png"))
    assert run(*arguments) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert made(tmp_path) == ["p/0.png", "p/1.png"]
    assert Path("p/0.png").read_bytes() == before


def test_a_folder_of_that_name_stays_one(tmp_path):
    path = photo(tmp_path / "x.jpg")
    (tmp_path / "out.png").mkdir()
    assert run(path, "-o", tmp_path / "out.png") == 0
    assert made(tmp_path / "out.png") == ["x_mask.png"]
    shutil.rmtree(tmp_path / "out.png")


# --- other pictures than the mask ---


def test_each_picture_that_is_asked_for(tmp_path, capsys):
    path, out = photo(tmp_path / "p" / "x.png"), tmp_path / "out"
    assert run(path, "-o", out, "--save", "cutout,alpha,score,overlay,instances,mask") == 0
    kinds = ["alpha", "cutout", "instances", "mask", "overlay", "score"]
    assert made(out) == [f"x_{kind}.png" for kind in kinds]
    assert rows(out)["x"]["outputs"].keys() == {f"x_{kind}.png" for kind in kinds}
    modes = {kind: Image.open(out / f"x_{kind}.png").mode for kind in kinds}
    assert modes == dict(zip(kinds, ["L", "RGBA", "L", "L", "RGB", "I;16"]))
    (out / "x_cutout.png").unlink()
    assert run(path, "-o", out, "--save", "mask", "--resume") == 0
    assert "0 of 0 done" in capsys.readouterr().out
    assert run(path, "-o", out, "--save", "mask,cutout", "--resume") == 0
    assert "1 of 1 done" in capsys.readouterr().out


def test_a_cutout_to_one_file(tmp_path, monkeypatch):
    path = photo(tmp_path / "x.jpg")
    monkeypatch.chdir(tmp_path)
    assert run(path, "-o", "cut.png", "--save", "cutout,mask") == 0
    assert made(tmp_path) == ["cut.png", "cut_mask.png"]
    assert Image.open("cut.png").mode == "RGBA"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--save", "masks"], "unknown picture 'masks': did you mean 'mask'"),
        (["--save", "mask,mask"], "name each of those you want once"),
        (["--save", "mask", "--task", "regions"], "--save mask is of --task object"),
    ],
)
def test_pictures_that_there_are_not(tmp_path, capsys, options, words):
    path = photo(tmp_path / "x.jpg")
    assert run(path, "-o", tmp_path / "out", *options) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_photo_from_standard_input(tmp_path, monkeypatch, capsys):
    data = photo(tmp_path / "x.jpg").read_bytes()
    for arrived, code in ((data, 0), (b"", 2), (b"no image", 2)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(arrived)))
        assert run("-", "-o", tmp_path / "out.png") == code
    told = capsys.readouterr().err
    assert "standard input is empty" in told
    assert "not an image" in told
    assert run(tmp_path / "x.jpg", "-o", tmp_path / "same.png") == 0
    assert (tmp_path / "same.png").read_bytes() == (tmp_path / "out.png").read_bytes()
