"""What a slide shows of a notebook's cells, as HTML: pictures (moving ones alive), code, what was printed."""

from __future__ import annotations

import html
import re

from .chapters import Cell, Chapter
from .deck import Part
from .media import Shelf, box_style, size
from .prose import display, to_html

FRAMES = re.compile(r'<figure class="frames".*?</figure>', re.S)
TABLE = re.compile(r"<table.*?</table>", re.S)


def shown(chapter: Chapter, part: Part, shelf: Shelf) -> str:
    """A part of a slide as one block of HTML."""
    if part.kind == "text":
        return f'<div class="text">{to_html(part.text)}</div>'
    cell = chapter.tagged(f"slide-{part.name}")
    if part.kind == "picture":
        return _picture(chapter, cell, shelf)
    if part.kind == "equations":
        return "".join(display(equation) for equation in equations(chapter, part))
    text = code(cell) if part.kind == "code" else printed(cell)
    return text if text.startswith("<table") else f'<pre class="{part.kind}">{html.escape(text)}</pre>'


def equations(chapter: Chapter, part: Part) -> list[str]:
    """The LaTeX that `{equations NAME}` or `{equations NAME 2}` names."""
    found = chapter.equations(chapter.tagged(f"slide-{part.name}"))
    chosen = found[part.number - 1 : part.number] if part.number else found
    if not chosen:
        raise LookupError(f"{chapter.path.name}: slide-{part.name} has no equation {part.number or ''}")
    return chosen


def code(cell: Cell) -> str:
    """The code of a cell, without the mark of the tests."""
    return re.sub(r"^# NBVAL_CHECK_OUTPUT.*\n", "", cell["source"], flags=re.M).strip("\n")


def printed(cell: Cell) -> str:
    """What a cell printed, or the text or the table that is its value; LookupError where there is nothing."""
    streams = [_joined(output["text"]) for output in cell["outputs"] if output["output_type"] == "stream"]
    if streams:
        return "".join(streams).strip("\n")
    for data in (output.get("data", {}) for output in cell["outputs"]):
        table = TABLE.search(_joined(data.get("text/html", "")))
        if table:
            return table[0]
        if "text/plain" in data:
            return _joined(data["text/plain"]).strip("\n")
    raise LookupError(f"the cell {cell['id']} printed nothing")


def moving(cell: Cell) -> str:
    """The HTML of a figure that moves; "" where the cell shows none."""
    for output in cell.get("outputs", []):
        found = FRAMES.search(_joined(output.get("data", {}).get("text/html", "")))
        if found:
            return found[0]
    return ""


def _picture(chapter: Chapter, cell: Cell, shelf: Shelf) -> str:
    frames = moving(cell)
    if not frames:
        return shelf.boxed(chapter.picture(cell))
    # sizes and places of the page are the slide's own affair, and the handlers stay as they are
    frames = re.sub(r'<div style="display:grid[^"]*"', '<div class="side-by-side"', frames)
    frames = frames.replace(' style="max-width:100%;height:auto"', "")
    sizes = [size(picture.data, picture.suffix) for picture in chapter.pictures(cell)]
    style = box_style(sum(width / height for width, height in sizes), min(height for _, height in sizes))
    return f'<div class="picture moving" style="{style}" data-prevent-swipe>{shelf.unpacked(frames)}</div>'


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)
