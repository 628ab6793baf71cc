"""A network that was never trained has all that the notebooks ask for: every cell runs."""

from __future__ import annotations

from run_notebooks import told


def test_every_cell_runs(chapter, run_on) -> None:
    notebook = run_on(chapter, "untrained_vits14")
    assert not [line for line in told(notebook) if "left out" in line]
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert "untrained_vits14 (random numbers" in first.outputs[0].text
    claims = sum("expect(" in cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert bool(claims) == bool(told(notebook))
