"""The committed notebooks: executed, small, with the standard first cell, every picture with its alt text.

Their cells themselves are run, and compared with what is committed, by nbval (`make test`).
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from notebook_setup import SETUP_CELL, SETUP_TAGS  # noqa: E402

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CHAPTERS = [path for path in NOTEBOOKS if not path.name.startswith("00_")]
COLUMN = 84  # characters of code that the page shows without scrolling
HIDDEN = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
every = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(path: Path) -> list[dict]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    cells = [{**cell, "source": "".join(cell["source"])} for cell in cells if cell["cell_type"] == "code"]
    return [cell for cell in cells if cell["source"].strip()]


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@every
def test_every_cell_was_executed_in_order_and_without_error(path: Path) -> None:
    cells = code_cells(path)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"]


@every
def test_notebook_is_small(path: Path) -> None:
    assert path.stat().st_size <= 1_500_000


@every
def test_first_cell_installs_only_what_is_missing(path: Path) -> None:
    first = code_cells(path)[0]
    assert first["source"] == SETUP_CELL, "run: python tools/run_notebooks.py --tidy"
    assert first["metadata"]["tags"] == SETUP_TAGS
    assert "torch" not in first["source"]


@every
def test_no_cell_installs_anything_else(path: Path) -> None:
    for cell in code_cells(path)[1:]:
        assert not re.search(r"^\s*[%!]\s*(pip|conda|apt)", cell["source"], flags=re.M)


@every
def test_every_picture_has_alt_text(path: Path) -> None:
    for cell in code_cells(path):
        if any(kind.startswith("image/") for output in cell["outputs"] for kind in output.get("data", {})):
            alt = cell["metadata"].get("mystnb", {}).get("image", {}).get("alt", "")
            assert len(alt.split()) >= 4, cell["source"][:80]


@every
def test_moving_figures_are_saved_as_plain_html(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "widget-view" not in text
    assert "widgets" not in json.loads(text)["metadata"]


@every
def test_no_wall_of_code(path: Path) -> None:
    """A cell of more than 25 lines is folded, or prints a module's source instead."""
    for cell in code_cells(path):
        if not HIDDEN & set(cell["metadata"].get("tags", [])):
            assert len(cell["source"].splitlines()) <= 25, cell["source"][:80]


@every
def test_code_fits_the_column_of_the_page(path: Path) -> None:
    for cell in code_cells(path)[1:]:  # (the first is the same everywhere)
        if not HIDDEN & set(cell["metadata"].get("tags", [])):
            wide = [line for line in cell["source"].splitlines() if len(line) > COLUMN]
            assert not wide, wide


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_numbers_that_matter_are_checked(path: Path) -> None:
    checked = [cell for cell in code_cells(path) if cell["source"].startswith("# NBVAL_CHECK_OUTPUT")]
    assert len(checked) >= 3
    for cell in checked:
        assert cell["outputs"], f"nothing to compare: {cell['source'][:80]}"
