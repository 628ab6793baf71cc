"""What a page leaves out of its notebook: the mark of the cells whose outputs the tests compare."""

from __future__ import annotations

from sphinx.application import Sphinx

MARK = r'"# NBVAL_CHECK_OUTPUT\n",'  # as the notebook's JSON has it, a line of its own


def without_marks(app: Sphinx, page: str, source: list[str]) -> None:
    if MARK in source[0]:
        source[0] = "".join(line for line in source[0].splitlines(keepends=True) if line.strip() != MARK)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", without_marks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
