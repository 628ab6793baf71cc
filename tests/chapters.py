"""The notebooks as their tests read them, and which of them have been rewritten in the present form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

# These have a time to read, a quiz, exercises that check themselves, and links to terms of the glossary.
# A chapter that is missing here may have any of it, and then it is held to the same form.
REWRITTEN = (
    "00_first_look",
    "01_features",
    "01_whose_features",
    "02_siamese_head",
    "03_affinity",
    "04_eigenvectors",
    "05_object",
    "06_semantic",
    "07_one_pipeline",
    "08_measuring",
    "08_results",
)

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
every_rewritten = pytest.mark.parametrize("name", REWRITTEN)


def cells(path: Path) -> list[dict]:
    """The cells of a notebook, each with its source as one text and its tags as a set."""
    found = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [
        {**cell, "source": "".join(cell["source"]), "tags": set(cell["metadata"].get("tags", []))}
        for cell in found
    ]


def rewritten(name: str) -> list[dict]:
    return cells(ROOT / "notebooks" / f"{name}.ipynb")
