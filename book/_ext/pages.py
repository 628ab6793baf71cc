"""What a page makes of its notebook: it leaves out the mark of the cells whose outputs the tests compare, and
reads the line of a fold, <summary>, as Markdown, equations and all. The search page gets its script."""

from __future__ import annotations

import re

from sphinx.application import Sphinx

MARK = r'"# NBVAL_CHECK_OUTPUT\n",'  # as the notebook's JSON has it, a line of its own
SUMMARY = re.compile(r"<summary>([^<>]+)</summary>")


def prepared(app: Sphinx, page: str, source: list[str]) -> None:
    if not source[0].startswith("{"):  # a page of Markdown has no cells
        return
    lines = (line for line in source[0].splitlines(keepends=True) if line.strip() != MARK)
    # Markdown begins after an empty line, which inside a string of JSON is written \n\n
    source[0] = SUMMARY.sub(r"<summary>\\n\\n\1\\n\\n</summary>", "".join(lines))


def search_reads_equations(app: Sphinx, page: str, *_: object) -> None:
    if page == "search":
        app.add_js_file("search.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", prepared)
    app.connect("html-page-context", search_reads_equations)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
