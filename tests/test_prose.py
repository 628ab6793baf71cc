"""Figures in prose come from a run: what is typed by hand in a chapter or a page is found here.

Searched are decimal numbers, percentages, multiples ("4 times faster", "3.5x"), in the Markdown of notebooks
and of book/. Code, equations, links and citations are left out: a number there is a setting or a definition,
or belongs to its source. A number that is meant stands in `ALLOWED`, with its reason.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*sorted((ROOT / "notebooks").glob("*.ipynb")), *sorted((ROOT / "book").glob("*.md"))]

# (page, or "" for every page; the figure as it is found): why it may stand in prose
ALLOWED = {
    ("", "95 %"): "the level of every interval: a setting",
    ("", "95%"): "the same",
}

NO_PROSE = re.compile(
    r"```.*?```|~~~.*?~~~"  # code
    r"|``.*?``|`[^`]*`"
    r"|\$\$.*?\$\$|\$[^$]*\$"  # equations
    r"|\{[\w:]+\}`[^`]*`"  # roles: citations, references
    r"|\]\([^)]*\)|<[^>]*>|https?://\S+"  # links, HTML
    r"|\b(?:CC BY(?:-SA)?|Apache|Licen[cs]e|GPL|version|Python)[- ]\d[\d.]*"  # names with a version
    r"|arXiv[: ]\d{4}\.\d{4,5}|doi:\S+",
    re.S | re.I,
)
NUMBER = r"(?<![\w.])\d+(?:[.,]\d+)?"
FIGURE = re.compile(
    rf"{NUMBER}\s?(?:%|percent\b|per cent\b)"
    rf"|(?<![\w.])\d+\.\d+(?![\w.]*\.\d)"  # a decimal, but no version such as 3.11.2
    rf"|{NUMBER}\s?(?:times|x|-fold)\s(?:faster|slower|as|more|less|better|worse|larger|smaller)\b"
    rf"|{NUMBER}\s(?:seconds|s|ms|milliseconds|MB|GB|points)\b"
)


def prose(path: Path) -> str:
    """The Markdown of a page, without what is no prose."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells)
    return NO_PROSE.sub(" ", text)


def typed_figures(text: str) -> list[str]:
    return [re.sub(r"\s+", " ", found) for found in FIGURE.findall(text)]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_figure_is_typed_by_hand(path: Path) -> None:
    allowed = {figure for page, figure in ALLOWED if page in ("", path.name)}
    found = [figure for figure in typed_figures(prose(path)) if figure not in allowed]
    assert not found, f"{path.name}: {found}: print them in a cell, or give their reason in ALLOWED"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_one_colour_has_one_name(path: Path) -> None:
    """The negative side of maps is violet, in text and in alt text."""
    assert "purple" not in path.read_text(encoding="utf-8")


def test_every_exception_is_needed() -> None:
    found = {(path.name, figure) for path in PAGES for figure in typed_figures(prose(path))}
    for page, figure in ALLOWED:
        if page:
            assert (page, figure) in found, f"{figure!r} no longer stands in {page}"


@pytest.mark.parametrize(
    "text",
    ["an IoU of 0.83", "it gains 4.5 points", "81 % of the images", "7.3x faster", "12 times as fast"],
)
def test_figures_are_found(text: str) -> None:
    assert typed_figures(NO_PROSE.sub(" ", text))


@pytest.mark.parametrize(
    "text",
    [
        "12 blocks, patches of 14 pixels, four times as many",
        "with `kappa=0.1` and $\\beta^2 = 0.3$",
        "see [the paper](https://arxiv.org/abs/2406.07986), arXiv:2406.07986",
        "under CC BY 4.0 and Apache 2.0",
        "Python 3.11.2 {cite:p}`shi2000ncut`",
        "```\nsimsam segment --set kappa=0.5\n```",
    ],
)
def test_settings_and_sources_are_no_figures(text: str) -> None:
    assert not typed_figures(NO_PROSE.sub(" ", text))
