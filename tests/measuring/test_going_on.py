"""A run that was stopped goes on whatever became of its images, and else says what differs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simsam.cli import main
from simsam.data import open_dataset
from simsam.measuring import evaluate
from simsam.pipeline.recipes import get_recipe
from simsam.scale.journal import Journal
from simsam.weights import load_backbone

SMALL = get_recipe("spectral", size=84)


@pytest.fixture
def quick():
    return load_backbone("classical", device="cpu")


def pair(root: Path, name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for kind, pixels in (
        ("images", rng.integers(0, 256, (60, 90, 3), dtype=np.uint8)),
        ("masks", np.where(rng.random((60, 90)) > 0.5, np.uint8(255), np.uint8(0))),
    ):
        (root / kind).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / kind / f"{name}.png")


@pytest.fixture
def root(tmp_path) -> Path:
    for i in range(5):
        pair(tmp_path / "set", str(i), i)
    return tmp_path / "set"


def stop_after(count: int, monkeypatch) -> None:
    """The run dies once it has kept so many results."""
    add = Journal.add

    def die(self, row):
        if len(self.added) == count:
            raise KeyboardInterrupt
        add(self, row)

    monkeypatch.setattr(Journal, "add", die)


def stopped(root: Path, file: Path, quick, monkeypatch, **options) -> None:
    with monkeypatch.context() as patched:
        stop_after(3, patched)
        with pytest.raises(KeyboardInterrupt):
            evaluate(open_dataset("folder", root), SMALL, quick, file=file, **options)


def numbers(result: dict) -> dict:
    return {key: result[key] for key in ("images", "miou", "miou_interval", "max_f", "per_image", "failed")}


def test_it_goes_on_after_images_went_came_and_changed(root, tmp_path, quick, monkeypatch):
    file = tmp_path / "a.json"
    stopped(root, file, quick, monkeypatch)
    for kind in ("images", "masks"):
        (root / kind / "1.png").unlink()
    pair(root, "0", 77)
    pair(root, "new", 9)
    added, add = [], Journal.add
    monkeypatch.setattr(Journal, "add", lambda self, row: (added.append(row["id"]), add(self, row)))
    result = evaluate(open_dataset("folder", root), SMALL, quick, file=file)
    assert sorted(added) == ["0", "3", "4", "new"]  # of the three that were done, 2 stays as it was
    assert json.loads(file.read_text()) == result
    assert numbers(result) == numbers(evaluate(open_dataset("folder", root), SMALL, quick))
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.json"]


def test_in_batches_it_says_what_differs(root, tmp_path, quick, monkeypatch, refused):
    """There what an image gives depends, by a rounding, on those beside it."""
    file = tmp_path / "a.json"
    stopped(root, file, quick, monkeypatch, batch=2)
    for kind in ("images", "masks"):
        (root / kind / "1.png").unlink()
    with refused(
        "a.json.partial.jsonl is a part of another run", "with another set of images", "delete the file"
    ):
        evaluate(open_dataset("folder", root), SMALL, quick, file=file, batch=2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--recipe", "dsm", "--set", "tokens=output"], "with another recipe:"),
        (["--set", "kappa=0.5"], "with another recipe:"),
        (["--batch", "3"], "with another batch, another set of images:"),
        (["--backbone", "untrained_vits14"], "with another backbone"),
    ],
)
def test_what_differs_is_named(root, tmp_path, quick, monkeypatch, capsys, options, words):
    file = tmp_path / "a.json"
    command = ["evaluate", "folder", "--root", str(root), "--json", str(file), "--device", "cpu"]
    command += ["--backbone", "classical", "--recipe", "spectral", "--set", "size=84"]
    with monkeypatch.context() as patched:
        stop_after(2, patched)
        assert main(command) == 130
    assert main([*command, *options]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"simsam: {file}.partial.jsonl is a part of another run (spectral (size=84")
    assert words in line
    assert main(command) == 0


def test_a_journal_of_an_older_version_is_of_another_run(tmp_path, refused):
    (tmp_path / "a.json.partial.jsonl").write_text(
        '{"run": "an old one", "fingerprint": "ab"}\n{"id": "x"}\n'
    )
    with refused("another run (an old one; this one is a new one)", "with another seed"):
        Journal(tmp_path / "a.json", "a new one", {"seed": 1})


@pytest.mark.parametrize(
    "text", ["[1]\n", "3\n", '{"run": "x", "settings": 3}\n', '{"run": "x", "settings": {}}\n7\n']
)
def test_a_damaged_journal(tmp_path, refused, text):
    (tmp_path / "a.json.partial.jsonl").write_text(text)
    with refused("a.json.partial.jsonl is damaged", "delete it"):
        Journal(tmp_path / "a.json", "a run", {})
