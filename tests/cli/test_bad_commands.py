"""A battery of bad commands: exit code 2, no traceback, and one sentence that says what is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from simsam.cli import main

QUICK = ["--device", "cpu", "--backbone", "classical"]


def photo(path: str, shape: tuple[int, int] = (60, 90)) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)).save(path)


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """A folder with photos, data sets of which something is missing, and files of weights that are none."""
    monkeypatch.chdir(tmp_path)
    for name in ("p/0.png", "p/1.png", "alone/images/a.png", "alone/images/b.png", "alone/masks/a.png"):
        photo(name)
    photo("shapes/images/a.png")
    photo("shapes/masks/a.png", (30, 30))
    photo("without/images/a.png")
    for folder in ("without/masks", "empty", "folder.safetensors"):
        Path(folder).mkdir()
    Path("words").write_text("no image")
    Path("w.pt").write_bytes(b"\x80\x02x")
    torch.save({"a": torch.zeros(3)}, "pickled.safetensors")
    save_file({"a": torch.zeros(3)}, "other.safetensors")
    save_file({"patch_embed.proj.weight": torch.zeros(9, 3, 14, 14)}, "shape.safetensors")
    whole = Path("other.safetensors").read_bytes()
    Path("cut.safetensors").write_bytes(whole[: len(whole) // 2])
    Path("empty.safetensors").touch()
    for name, text in {"bad.json": "{", "list.json": "[]", "object.json": "{}"}.items():
        Path(name).write_text(text)
    return tmp_path


NET = "--backbone vit_tiny_patch16_224 --weights"
CASES: dict[str, list[str]] = {
    # settings
    "segment p -o out --recipe simsan": ["did you mean 'simsam'"],
    "segment p -o out --backbone dinov2_vits41": ["did you mean 'dinov2_vits14'"],
    "segment p -o out --device cude": ["did you mean 'cuda'"],
    "segment p -o out --device cuda:x": ["unknown device 'cuda:x'"],
    "segment p -o out --set kappa": ["FIELD=VALUE"],
    "segment p -o out --set kapa=1": ["did you mean 'kappa'"],
    "segment p -o out --set kappa=nan": ["kappa=nan", "finite"],
    "segment p -o out --set kappa=-1": ["kappa=-1", "not negative"],
    "segment p -o out --set kappa=much": ["'much'", "a number"],
    "segment p -o out --set epochs=1e3": ["'1e3'", "a whole number"],
    "segment p -o out --set size=0": ["size=0"],
    "segment p -o out --set size=3,4,5": ["size=(3, 4, 5)"],
    "segment p/0.png -o out --set size=1": ["size=1 is smaller than one patch"],
    "segment p/0.png -o out --set size=99999": ["0.png", "smaller size"],
    "segment p -o out --set k=1": ["k=1"],
    "segment p -o out --set clusters=1": ["clusters=(1,)"],
    "segment p -o out --set tokens=keyz": ["did you mean 'keys'"],
    "segment p -o out --set offset=quantile:2": ["between 0 and 1"],
    "segment p -o out --set stop_gradient=maybe": ["True or False"],
    "segment p -o out --set seed=-1": ["seed=-1"],
    "segment p -o out --refine guded": ["did you mean 'guided'"],
    "segment p -o out --batch 0": ["--batch 0"],
    "segment p -o out --workers -1": ["--workers -1"],
    "segment p -o out --regions 3": ["--task regions"],
    "segment p -o out --task regions --regions 0": ["--regions 0"],
    "segment p -o out --task regions --regions 999": ["--regions 999"],
    # weights
    f"segment p -o out {NET} missing.safetensors": ["missing.safetensors does not exist"],
    f"segment p -o out {NET} w.pt": ["w.pt", "unpickled"],
    f"segment p -o out {NET} pickled.safetensors": ["pickled.safetensors", "damaged or no safetensors"],
    f"segment p -o out {NET} cut.safetensors": ["cut.safetensors", "damaged"],
    f"segment p -o out {NET} empty.safetensors": ["empty.safetensors", "damaged"],
    f"segment p -o out {NET} folder.safetensors": ["folder.safetensors"],
    f"segment p -o out {NET} other.safetensors": ["other.safetensors", "does not fit"],
    f"segment p -o out {NET} shape.safetensors": ["shape.safetensors", "patches"],
    # where it goes
    "segment p -o p": ["p holds the photos themselves"],
    "segment p -o words": ["words is a file"],
    "segment p -o words/x": ["cannot write to words/x"],
    "segment p -o EMPTY": ["an empty name"],
    "segment p -o LONG": ["cannot write to yyy", "long"],
    "segment p -o NUL": [r"a\x00b", "NUL"],
    "segment p -o https://a.org/out": ["https://a.org/out is an address"],
    "segment p -o m.png": ["m.png is one file for 2 photos"],
    "segment p/0.png p/1.png -o m.png": ["m.png is one file for 2 photos"],
    "segment p/0.png -o m.jpg": ["written as PNG"],
    "segment p/0.png -o m.png --resume": ["--resume", "m.png"],
    "segment p/0.png -o p/0.png": ["the photo itself"],
    # what is given
    "segment missing.png -o out": ["missing.png does not exist"],
    "segment EMPTY -o out": ["an empty name"],
    "segment LONG -o out": ["cannot read yyy", "long"],
    "segment http://a.org//x.png -o out": ["http://a.org//x.png is an address"],
    "segment empty -o out": ["empty holds no image"],
    "segment empty -o out --recursive": ["nor one below it holds an image"],
    "segment words -o out": ["words is not an image"],
    "semantic p -o out --classes 1": ["classes=1"],
    "semantic p -o out --classes 999": ["classes=999"],
    "semantic p -o p --classes 2": ["p holds the photos themselves"],
    "semantic empty -o out --classes 2": ["empty holds no image"],
    "semantic p -o EMPTY --classes 2": ["an empty name"],
    "semantic p -o labels.png --classes 2": ["labels.png is the name of a picture", "a folder is needed"],
    "semantic p -o out --classes 2 --recipe objcts": ["did you mean 'objects'"],
    # data sets
    "evaluate ecsd --root p": ["did you mean 'ecssd'"],
    "evaluate folder": ["no root folder"],
    "evaluate folder --root missing": ["there is no folder missing"],
    "evaluate folder --root EMPTY": ["an empty name"],
    "evaluate folder --root words": ["there is no folder words"],
    "evaluate folder --root ~nobody-of-that-name": ["~nobody-of-that-name"],
    "evaluate folder --root empty": ["empty does not hold folder"],
    "evaluate folder --root without": ["masks holds no image"],
    "evaluate folder --root alone": ["1 of 2 images have no mask", "b.png"],
    "evaluate folder --root alone --split val": ["no splits"],
    "evaluate cutouts --limit 0": ["limit 0"],
    "evaluate cutouts --select 9/4": ["select '9/4'"],
    "evaluate cutouts --json empty": ["empty is a folder"],
    "evaluate cutouts --batch 0": ["--batch 0"],
    "evaluate cutouts --processes 0": ["0 processes"],
    "evaluate cutouts --classes 3": ["--task semantic"],
    "evaluate cutouts --task regons": ["unknown task 'regons'"],
    "evaluate camvid --root p": ["camvid has no object task"],
    # the rest
    "compare missing.json missing.json": ["cannot read missing.json"],
    "compare bad.json bad.json": ["bad.json is not JSON"],
    "compare list.json list.json": ["list.json is no evaluation"],
    "compare object.json object.json": ["object.json is no evaluation"],
    "benchmark --json empty": ["empty is a folder"],
    "diagnose missing.png": ["missing.png does not exist"],
    "diagnose words": ["words is not an image"],
}


def words_of(command: str) -> list[str]:
    odd = {"EMPTY": "", "LONG": "y" * 5000, "NUL": "a\0b"}
    given = [odd.get(word, word) for word in command.split()]
    if given[0] == "compare":
        return given
    quick = QUICK[2:] if given[0] in ("diagnose", "benchmark") else QUICK
    quiet = ["--quiet"] if given[0] in ("segment", "semantic") else []
    return [given[0], *quick, *quiet, *given[1:]]  # what a case says itself comes later, and counts


@pytest.mark.parametrize(("command", "words"), CASES.items(), ids=CASES)
def test_one_sentence_and_exit_code_2(place, command, words, capsys):
    there = sorted(place.rglob("*"))
    assert main(words_of(command)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("simsam: ")
    assert line.endswith(".")
    for word in words:
        assert word in line
    made = [path for path in sorted(place.rglob("*")) if path not in there]
    assert all(path.name in ("out", "simsam.jsonl") for path in made), made


@pytest.mark.parametrize(
    "command", ["", "segmnt p -o out", "segment p", "segment -o out", "info x", "segment p -o"]
)
def test_a_command_that_cannot_be_parsed(place, command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(command.split())
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert "error: " in said.splitlines()[-1]
    assert "Traceback" not in said


def test_a_mask_of_another_shape(place, capsys):
    assert main(words_of("evaluate folder --root shapes")) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("simsam: none of 1 images could be measured")
    assert "(30, 30) but its image (60, 90)" in last


@pytest.mark.skipif(os.name != "posix", reason="pipes, links and devices of POSIX")
@pytest.mark.parametrize("command", ["segment", "semantic"])
def test_what_is_no_file_keeps_nobody_waiting(place, command, capsys):
    """A pipe without a writer, a device without end, links to nowhere: a sentence each, the rest is done."""
    os.mkfifo("p/pipe.png")
    Path("p/broken.png").symlink_to("nowhere")
    Path("p/loop.png").symlink_to("loop.png")
    odd = ["p", "/dev/zero", "words", "y" * 300]
    more = ["--classes", "2"] if command == "semantic" else ["--workers", "1"]
    assert main([command, *odd, "-o", "out", "--quiet", "--set", "size=70", *QUICK, *more]) == 2
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("simsam: ")]
    for words in (
        "p/pipe.png is a pipe",
        "p/broken.png does",
        "loop.png: ",
        "/dev/zero is a ",
        "words is not",
        "yyy",
    ):
        assert sum(words in line for line in told) == 1, words
    assert len(told) == 6
    assert len(list(Path("out").glob("[01]_*.png"))) == 2
