"""`~` is the home, and an address no place here, wherever a path is given: nothing lands in `./~`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import simsam
from simsam.cli import main
from simsam.data import open_dataset
from simsam.measuring import evaluate, evaluate_masks
from simsam.scale import Options
from simsam.weights import load_backbone

CPU = ["--device", "cpu", "--backbone", "classical"]
SMALL = ["--set", "size=70", "--quiet"]


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A home with a photo, from a folder beside it."""
    folder = tmp_path / "home"
    for place in (folder / "p", tmp_path / "here"):
        place.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.chdir(tmp_path / "here")
    pixels = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "p" / "x.png")
    return folder


def here() -> list[str]:
    return sorted(path.as_posix() for path in Path().rglob("*"))


@pytest.mark.parametrize(
    ("command", "made"),
    [
        (["segment", "~/p/x.png", "-o", "~/out", *CPU, *SMALL], "out/x_mask.png"),
        (["segment", "~/p", "-o", "~/out", "--recursive", *CPU, *SMALL], "out/x_mask.png"),
        (["segment", "~/p/x.png", "-o", "~/m.png", *CPU, *SMALL], "m.png"),
        (["evaluate", "cutouts", "--limit", "1", "--json", "~/a.json", *CPU], "a.json"),
        (["evaluate", "cutouts", "--limit", "1", "--cache", "~/kept", *CPU], "kept"),
        (["diagnose", "~/p/x.png", "--size", "70", "--json", "~/a.json", *CPU], "a.json"),
        (["diagnose", "~/p/x.png", "--size", "70", "--png", "~/a.png", *CPU], "a.png"),
    ],
    ids=["folder", "recursive", "one file", "json", "cache", "diagnose json", "diagnose png"],
)
def test_commands_read_and_write_at_home(home, capsys, command, made):
    assert main(command) == 0
    assert (home / made).exists()
    assert not here()


def test_compare_reads_and_writes_at_home(home, capsys):
    dataset = open_dataset("cutouts", limit=2)
    for sample in dataset:
        (home / "masks").mkdir(exist_ok=True)
        Image.fromarray(sample.truth).save(home / "masks" / f"{sample.id}.png")
    evaluate_masks(dataset, "~/masks", file="~/a.json")
    assert main(["compare", "~/a.json", "~/a.json", "--json", "~/b.json"]) == 0
    assert (home / "b.json").is_file()
    assert not here()


def test_photos_at_home_are_not_overwritten_either(home, capsys):
    assert main(["segment", "~/p", "-o", str(home / "p"), *CPU, *SMALL]) == 2
    assert "holds the photos themselves" in capsys.readouterr().err


def test_functions_read_and_write_at_home(home):
    how = {"backbone": "classical", "device": "cpu", "size": 70}
    assert len(list(simsam.segment_folder("~/p", "~/out", **how))) == 1
    simsam.segment("~/p/x.png", **how).save("~/m.png")
    evaluate(open_dataset("cutouts", limit=1), "spectral", load_backbone("classical"), file="~/a.json")
    assert all((home / name).exists() for name in ("out/x_mask.png", "m.png", "a.json"))
    assert not here()


def test_a_home_of_nobody_is_a_name_like_any_other(home, refused):
    with refused("~nobody-of-that-name is no folder"):
        simsam.segment_folder("~nobody-of-that-name")
    result = simsam.segment("~/p/x.png", backbone="classical", device="cpu", size=70)
    result.save("~nobody-of-that-name/x.png")
    assert here() == ["~nobody-of-that-name", "~nobody-of-that-name/x.png"]


def test_an_address_is_one_sentence_and_no_folder(home, refused):
    path = "https://a.org/x.png"
    result = simsam.segment("~/p/x.png", backbone="classical", device="cpu", size=70)
    for call in (
        lambda: result.save(path),
        lambda: simsam.segment_folder(path),
        lambda: simsam.segment_folder("~/p", path),
        lambda: Options(file=path),
        lambda: Options(cache=path),
    ):
        with refused(f"{path} is an address"):
            call()
    assert not here()
