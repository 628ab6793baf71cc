"""Exercises that check themselves, in words: `check` says that all is right, or what is wrong first.

    check(
        "Right: your two means are those of the package.",
        (lambda: my_two_means(points).shape == (2,), "my_two_means gives two numbers, one a group."),
        (lambda: close(my_two_means(points), means), "The means are off: is every point with the nearer?"),
    )

A condition is a value that is true or false, or a function without arguments that gives one. Functions are
called one after the other, and only while all before them held, so the second line above needs no guard
against a wrong shape. They also let the check say what has not been written yet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Wrong(AssertionError):
    """An answer that is not right yet, in one sentence; a notebook shows the sentence and no traceback."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback."""
        return [f"Not yet: {self}"]


def check(right: str, *claims: tuple[bool | Callable[[], Any], str]) -> None:
    """Print the sentence `right` when every claim, (condition, what is wrong otherwise), holds.

    Raises `Wrong` with the sentence of the first claim that fails, or with the name that a condition needs
    and no cell has made. An error inside the reader's own function comes out as it is: its traceback helps.
    """
    for condition, wrong in claims:
        if not _holds(condition):
            raise Wrong(wrong)
    print(right)


def _holds(condition: bool | Callable[[], Any]) -> bool:
    if not callable(condition):
        return bool(condition)
    missing = None
    try:
        return bool(condition())
    except NameError as error:
        # the condition's own frame comes right after this one; deeper ones are the reader's code
        if error.__traceback__ is not None and _depth(error.__traceback__) > 2:
            raise
        missing = error.name
    # outside the handler, so that the sentence stands alone in plain Python, too
    raise Wrong(f"{missing} is not there yet: write it in a new cell above, and run that cell first.")


def _depth(traceback: Any) -> int:
    return 0 if traceback is None else 1 + _depth(traceback.tb_next)
