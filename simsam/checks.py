"""Whether a value is of a field's type and within its range: asked of every field of a recipe."""

from __future__ import annotations

import math
import numbers
import types
import typing

import numpy as np

from simsam.errors import SimsamError

WORDS = {bool: "True or False", int: "a whole number", float: "a number", str: "text"}


def typed(name: str, value: object, hint: object) -> object:
    """`value` as the type that its field is declared with: NumPy's numbers become Python's, lists tuples.

    Raises `SimsamError` for a value of another type.
    """
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if value is None and type(None) in kinds:
        return None
    kind = kinds[0]
    if typing.get_origin(kind) is tuple:
        if isinstance(value, list | tuple):
            return tuple(typed(name, one, int) for one in value)
        raise SimsamError(f"{name}={value!r}: expected several whole numbers, as in (3, 4).")
    accepted = {bool: bool | np.bool_, int: numbers.Integral, float: numbers.Real, str: str}[kind]
    if not isinstance(value, accepted) or (kind in (int, float) and isinstance(value, bool)):
        raise SimsamError(f"{name}={value!r}: expected {WORDS[kind]}, not {type(value).__name__}.")
    return kind(value)


def within(name: str, value: float | None, low: float, high: float) -> None:
    """Raises `SimsamError` for a number outside of low..high, and for NaN; None is no number."""
    if value is None or low <= value <= high:
        return
    asked = f"give {low} or more" if math.isinf(high) else f"give a number from {low} to {high}"
    raise SimsamError(f"{name}={value}: {asked}.")
