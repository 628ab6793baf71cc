"""Exercises that check themselves, in words: `check` says that all is right, or what is wrong first.

    check(
        "Right: your two means are those of the package.",
        (lambda: my_two_means(points).shape == (2,), "my_two_means gives two numbers, one a group."),
        (lambda: close(my_two_means(points), means), "The means are off: is every point with the nearer?"),
    )

A condition is a value that is true or false, or a function without arguments that gives one. Functions are
called one after the other, and only while all before them held, so the second line above needs no guard
against a wrong shape. They also let the check say what has not been written yet.

In front of a reader the check prints what is wrong, and a notebook that runs from top to bottom goes on to
its next cell. Where no reader is, it raises `Wrong`: a test of the book fails, nbgrader gives no point.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simsam.drawing.frames import live


class Wrong(AssertionError):
    """An answer that is not right yet, in one sentence; a notebook shows the sentence and no traceback."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback."""
        return [f"Not yet: {self}"]


def check(right: str | Callable[[], str], *claims: tuple[bool | Callable[[], Any], str]) -> None:
    """Print the sentence `right` when every claim, (condition, what is wrong otherwise), holds.

    Otherwise the sentence of the first claim that fails, or of the name that a condition needs and no cell
    has made: in front of a reader it is printed, elsewhere raised as `Wrong`. An error inside the reader's
    own function comes out as it is: its traceback helps. Where `right` needs the answer, give it as a
    function.
    """
    try:
        for condition, wrong in claims:
            if not _holds(condition):
                raise Wrong(wrong)
    except Wrong as wrong:
        if not live():
            raise
        print(f"Not yet: {wrong}")
    else:
        print(right() if callable(right) else right)


def _holds(condition: bool | Callable[[], Any]) -> bool:
    if not callable(condition):
        return bool(condition)
    missing = None
    try:
        return bool(condition())
    except NameError as error:
        # asked for by the cell of the check itself, or by the reader's own code, whose traceback helps?
        if _where(error) != getattr(getattr(condition, "__code__", None), "co_filename", ""):
            raise
        missing = error.name
    # outside the handler, so that the sentence stands alone in plain Python, too
    raise Wrong(f"{missing} is not there yet: write it in a cell above, and run that cell first.")


def _where(error: Exception) -> str | None:
    """The file, in a notebook the cell, whose code raised the error."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback.tb_frame.f_code.co_filename if traceback is not None else None
