"""Features that no network made: cells that need one say so in a sentence, all others run."""

from __future__ import annotations

from run_notebooks import told

from simsam.drawing.claims import NEEDS


def test_cells_that_need_a_network_say_so(chapter, run_on) -> None:
    notebook = run_on(chapter, "classical")
    needy = [cell for cell in notebook.cells if any(map(NEEDS.match, cell.source.splitlines()[:3]))]
    said = [line for line in told(notebook) if "left out" in line]
    assert len(said) == len(needy)
    assert all(line.startswith("classical features come from no network: this cell needs ") for line in said)
