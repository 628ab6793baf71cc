"""Figures that move: live in a kernel, and in a page where there is none, from the same call.

`explore(draw, values, label)` is a slider over values; `choose(draw, image, grid, label)` lets the reader
point at a token of an image. In front of a reader (Jupyter, Colab) they are ipywidgets that call `draw` at
each move. When a notebook is executed for the book, the same call draws every frame once and gives plain
HTML: no id, no widget manager, no network. So any number of them stand in one page, and a second run gives
the same bytes.
"""

from __future__ import annotations

import html
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from simsam.drawing.pictures import img_tag
from simsam.errors import SimsamError

Drawn = tuple[Any, str]  # a figure and its alt text, see simsam.drawing.pictures

# The body of each handler, as one line for an attribute of its element.
_SCRIPT = resources.files(__package__).joinpath("frames.js").read_text(encoding="utf-8")
_HANDLERS = {
    name: html.escape(" ".join(body.split()))
    for name, body in re.findall(r"^function (\w+)\(event\) \{\n(.*?)^\}", _SCRIPT, flags=re.M | re.S)
}
# The picture to point at and the frame stand side by side where there is room, else one below the other.
_COLUMNS = "repeat(auto-fit,minmax(min(15rem,100%),1fr))"
_SIDE_BY_SIDE = f"display:grid;gap:0.5rem;align-items:start;grid-template-columns:{_COLUMNS}"
_POINTED_AT = "position:relative;width:fit-content;line-height:0;cursor:crosshair;touch-action:manipulation"


@dataclass(frozen=True, repr=False)
class Frames:
    """Prepared frames under a labelled slider, as plain HTML; `alt` is that of the frame shown first."""

    html: str
    alt: str

    def __repr__(self) -> str:
        return self.alt

    def _repr_html_(self) -> str:
        return self.html


def live() -> bool:
    """Whether a reader sits in front of this kernel.

    A front end that a person uses offers to answer `input()`; nbclient, nbval and the book's build say that
    they cannot (`allow_stdin` of the Jupyter protocol). The environment variable SIMSAM_STATIC=1 says no.
    """
    if os.environ.get("SIMSAM_STATIC") or "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return bool(getattr(getattr(get_ipython(), "kernel", None), "_allow_stdin", False))


def explore(
    draw: Callable[[Any], Drawn],
    values: Sequence[Any],
    label: str,
    *,
    start: int = 0,
    text: Callable[[Any], str] = str,
) -> Any:
    """A slider over `values`, whose `draw(value)` gives a figure and its alt text.

    `text(value)` is what the slider says, `start` the number of the value shown first. Returns an ipywidgets
    box in front of a reader, else `Frames`.
    """
    values = list(values)
    if not 0 <= start < len(values):
        raise SimsamError(f"explore got start {start} and {len(values)} values; start must be one of them.")
    if live():
        from ipywidgets import SelectionSlider

        options = [(text(value), value) for value in values]
        slider = SelectionSlider(options=options, index=start, description=label)
        return _widget(lambda value: img_tag(*draw(value)), value=slider)
    frames = [_frame(draw(value), text(value), hidden=k != start) for k, value in enumerate(values)]
    said = [text(value) for value in values]
    return _static(frames, said, label, start)


def choose(
    draw: Callable[[int, int], Drawn],
    image: Any,
    grid: tuple[int, int],
    label: str,
    *,
    alt: str,
    start: tuple[int, int] | None = None,
    cells: tuple[int, int] = (6, 8),
) -> Any:
    """An image with its `alt` text, on which the reader chooses a token (i, j) of `grid` = (h, w).

    `draw(i, j)` gives a figure and its alt text. In front of a reader every token can be chosen; the page
    holds frames for `cells` = (rows, columns) of them, the middles of equal parts of the grid. `start` is the
    middle of the image unless given. Returns an ipywidgets box in front of a reader, else `Frames`.
    """
    h, w = grid
    rows, cols = min(cells[0], h), min(cells[1], w)
    i0, j0 = start or (h // 2, w // 2)
    if not (rows > 0 and cols > 0 and 0 <= i0 < h and 0 <= j0 < w):
        raise SimsamError(f"choose got token {(i0, j0)} on the grid {grid}; rows come first, counted from 0.")
    if live():
        from ipywidgets import IntSlider

        return _widget(
            lambda row, column: _photo(image, alt, grid, (row, column)) + img_tag(*draw(row, column)),
            row=IntSlider(value=i0, min=0, max=h - 1, description=f"{label}: row"),
            column=IntSlider(value=j0, min=0, max=w - 1, description="column"),
        )
    tokens = [(_middle(r, rows, h), _middle(c, cols, w)) for r in range(rows) for c in range(cols)]
    said = [f"row {i}, column {j}" for i, j in tokens]
    first = (i0 * rows // h) * cols + j0 * cols // w
    frames = [
        _frame(draw(i, j), said[k], hidden=k != first, left=_percent(j, w), top=_percent(i, h))
        for k, (i, j) in enumerate(tokens)
    ]
    listen = f'onclick="{_HANDLERS["onPoint"]}" onpointermove="{_HANDLERS["onPoint"]}"'
    photo = _photo(image, alt, grid, tokens[first], listen)
    return _static(frames, said, label, first, photo, (rows, cols))


def _middle(part: int, parts: int, size: int) -> int:
    return (2 * part + 1) * size // (2 * parts)


def _percent(at: float, size: int) -> str:
    return f"{100 * at / size:.2f}%"


def _widget(page: Callable[..., str], **controls: Any) -> Any:
    """The controls over an output area that shows `page(**values)`, anew at each move."""
    from IPython.display import HTML, display
    from ipywidgets import VBox, interactive_output

    for control in controls.values():
        control.continuous_update = False
        control.style.description_width = "initial"
    output = interactive_output(lambda **values: display(HTML(page(**values))), controls)
    return VBox([*controls.values(), output])


def _static(
    frames: list[tuple[str, str]],
    said: list[str],
    label: str,
    start: int,
    photo: str = "",
    cells: tuple[int, int] | None = None,
) -> Frames:
    """The frames as one <figure> under a slider, which needs nothing but a browser."""
    value = html.escape(said[start])
    grid = f'data-rows="{cells[0]}" data-cols="{cells[1]}" ' if cells else ""
    keys = f' onkeydown="{_HANDLERS["onKey"]}"' if cells else ""
    images = "".join(image for image, _ in frames)
    page = (
        f'<figure class="frames" {grid}style="margin:0"><label>{html.escape(label)} '
        f'<input type="range" min="0" max="{len(frames) - 1}" value="{start}" autocomplete="off" '
        f'aria-valuetext="{value}" oninput="{_HANDLERS["onInput"]}"{keys}></label> <output>{value}</output>'
        f'<div style="{_SIDE_BY_SIDE}">{photo}{images}</div>'
        "</figure>"
    )
    return Frames(page, frames[start][1])


def _frame(drawn: Drawn, said: str, hidden: bool, **data: str) -> tuple[str, str]:
    """One frame as an <img> that carries what the handlers say and place, and its alt text."""
    marks = "".join(f' data-{key}="{html.escape(value)}"' for key, value in {"value": said, **data}.items())
    return img_tag(*drawn, f'class="frame"{marks}{" hidden" if hidden else ""}'), drawn[1]


def _photo(image: Any, alt: str, grid: tuple[int, int], token: tuple[int, int], listen: str = "") -> str:
    """The image to point at, with a mark around one token."""
    (h, w), (i, j) = grid, token
    place = f"left:{_percent(j, w)};top:{_percent(i, h)};width:{_percent(1, w)};height:{_percent(1, h)}"
    return (
        f'<div class="photo" style="{_POINTED_AT}" {listen}>'
        f"{img_tag(image, alt, 'draggable=false')}"
        '<span class="chosen" style="position:absolute;box-sizing:border-box;pointer-events:none;'
        f'border:1px solid #fff;outline:1px solid #000;{place}"></span></div>'
    )
