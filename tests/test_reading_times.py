"""Each chapter says how long it takes to read: what `tools/reading_times.py` counts, rounded up to five."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from chapters import ROOT, every_notebook

sys.path.insert(0, str(ROOT / "tools"))

from reading_times import LONGEST, claimed, minutes, prose, rounded


def notebook(*cells: tuple) -> dict:
    return {
        "cells": [
            {"cell_type": kind, "source": source, "metadata": {"tags": list(tags)}, "outputs": []}
            for kind, source, *tags in cells
        ]
    }


@every_notebook
def test_the_time_that_a_chapter_gives_is_the_time_that_it_takes(path: Path) -> None:
    chapter = json.loads(path.read_text(encoding="utf-8"))
    said = claimed(chapter)
    assert said, "no line **Time**: about N minutes to read, less than one to run."
    assert said == rounded(minutes(chapter)), "run: python tools/reading_times.py --write"
    assert said <= LONGEST, "too long for one sitting: move a part to another chapter"


def test_words_and_lines_are_counted() -> None:
    words = notebook(("markdown", "word " * 360))
    lines = notebook(("code", "# NBVAL_CHECK_OUTPUT\n" + "x = 1\n\n" * 15))
    assert minutes(words) == pytest.approx(2)
    assert minutes(lines) == pytest.approx(2)


@pytest.mark.parametrize("tag", ["hide-input", "hide-cell"])
def test_folded_code_counts_nothing(tag: str) -> None:
    assert minutes(notebook(("code", "x = 1\n" * 100, tag))) == 0


def test_a_listing_of_the_package_counts_unless_it_is_folded() -> None:
    shown = notebook(("code", "source(tap)"))
    shown["cells"][0]["outputs"] = [{"data": {"text/markdown": "```python\na = 1\nb = 2\n```"}}]
    assert minutes(shown) == pytest.approx(3 * 8 / 60)
    shown["cells"][0]["metadata"]["tags"] = ["hide-output"]
    assert minutes(shown) == pytest.approx(8 / 60)


@pytest.mark.parametrize(
    ("text", "words", "lines"),
    [
        ("three plain words", 3, 0),
        ("a [link of four](https://example.org/a b c) words {cite:p}`a,b`", 5, 0),
        ("so $a + b = c$ holds", 3, 0),
        ("see\n\n$$a = b \\\\ c = d$$\n", 1, 2),
        ("<details><summary>Two words</summary>\n\nmany more words\n\n</details>", 2, 0),
        ("# A heading\n\n| a | b |\n|---|---|\n- c", 5, 0),
    ],
)
def test_what_is_read_of_markdown(text: str, words: int, lines: int) -> None:
    assert prose(text) == (words, lines)


def test_times_are_rounded_up() -> None:
    assert [rounded(time) for time in (0.1, 5, 5.1, 44.9)] == [5, 5, 10, 45]
