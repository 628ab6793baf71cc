"""What a notebook shows beside pictures: the source of a function, and the reader's own photo (an upload on
Colab and in Jupyter, a path elsewhere)."""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from simsam.data import load_image
from simsam.drawing.frames import Drawn, live
from simsam.drawing.pictures import Picture, show
from simsam.errors import SimsamError

NOBODY = "In Jupyter and on Colab, this cell asks for a photo of yours. Elsewhere, give it the path of one."


class Source(str):
    """Python code that a notebook shows with its colours."""

    def __repr__(self) -> str:
        return str(self)

    def _repr_markdown_(self) -> str:
        return f"```python\n{self}\n```"


def source(*things: Any) -> Source:
    """The source of functions or classes as it stands in the package, so that text and code cannot drift."""
    return Source("\n\n".join(inspect.getsource(thing).rstrip() for thing in things))


def own_photo(draw: Callable[[np.ndarray], Drawn], path: str | Path = "") -> Any:
    """Show `draw(photo)`, a figure and its alt text, of the reader's photo (H, W, 3) uint8.

    With a `path`, the photo there. Else, in front of a reader: the file dialogue of Colab, or an upload
    button (ipywidgets 7 or 8). Where nobody sits, such as in the build of the book, a line that says so.
    Raises `SimsamError` for a file that cannot be read; under the button its sentence is shown instead.
    """
    if path:
        return show(*draw(load_image(path)))
    if not live():
        return Note(NOBODY)
    if on_colab():
        from google.colab import files

        return _drawn(draw, files.upload())
    return _button(draw)


class Note(str):
    """A line of text that a cell shows as it is, without quotation marks."""

    def __repr__(self) -> str:
        return str(self)


def on_colab() -> bool:
    """Whether this kernel is one of Google Colab's."""
    try:
        return find_spec("google.colab") is not None
    except ModuleNotFoundError:  # no package `google` at all
        return False


def uploaded(value: Any) -> dict[str, bytes]:
    """The files in a FileUpload's value, name to content: a dict in ipywidgets 7, a tuple of dicts in 8."""
    if isinstance(value, dict):
        return {name: bytes(file["content"]) for name, file in value.items()}
    return {file["name"]: bytes(file["content"]) for file in value}


def _drawn(draw: Callable[[np.ndarray], Drawn], found: dict[str, bytes]) -> Picture | Note:
    """The last of the files that came, drawn, or a sentence that says why not."""
    if not found:
        return Note("No file came.")
    name, content = list(found.items())[-1]
    try:
        with Image.open(io.BytesIO(content)) as image:
            photo = load_image(image)
        return show(*draw(photo))
    except SimsamError as error:
        return Note(error)
    except OSError:
        return Note(f"{name} is no image that can be read: choose a JPEG, PNG or WebP file.")


def _button(draw: Callable[[np.ndarray], Drawn]) -> Any:
    from IPython.display import display
    from ipywidgets import FileUpload, Output, VBox

    button, output = FileUpload(accept="image/*", multiple=False, description="Your photo"), Output()

    def take(change: dict[str, Any]) -> None:
        output.clear_output()
        with output:
            display(_drawn(draw, uploaded(change["new"])))

    button.observe(take, names="value")
    return VBox([button, output])
