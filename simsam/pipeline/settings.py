"""Settings that carry their type and range on their field: one check and one parser for every recipe.

A field is a bool, int, float, str or a tuple of int; a `Literal` of words; several of these, or None; or any
of them `Annotated` with a `Range`, or with a function (name, value) that raises. A field that is a dataclass
of settings itself is left to its own check.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import numbers
import types
import typing
from typing import Annotated, Literal

import numpy as np

from simsam.errors import SimsamError, offset_quantile, unknown

WORDS = {bool: "True or False", int: "a whole number", float: "a number", str: "text"}
ACCEPTED = {bool: bool | np.bool_, int: numbers.Integral, float: numbers.Real, str: str}


@dataclasses.dataclass(frozen=True)
class Range:
    """Which numbers a field takes, both ends among them."""

    low: float
    high: float = math.inf

    def __call__(self, name: str, value: float | tuple[int, ...] | None) -> None:
        """Raise `SimsamError` for a number outside, and for NaN; None is no number."""
        each = value if isinstance(value, tuple) else (value,)
        if all(isinstance(one, str) or one is None or self.low <= one <= self.high for one in each):
            return
        to = (
            f"{self.low:g} or more"
            if math.isinf(self.high)
            else f"a number from {self.low:g} to {self.high:g}"
        )
        raise SimsamError(f"{name}={value}: give {to}.")


Count = Annotated[int, Range(0)]
Positive = Annotated[int, Range(1)]
Share = Annotated[float, Range(0, 1)]
Seed = Annotated[int, Range(0, 2**63 - 1)]
Offset = Annotated[str, lambda name, value: offset_quantile(value)]


def check_settings(settings: object) -> None:
    """Bring every field of a frozen dataclass to its type, NumPy's numbers to Python's, lists to tuples.

    Raises `SimsamError` for a value of another type or out of its range.
    """
    for name, hint in _hints(type(settings)).items():
        if not dataclasses.is_dataclass(hint):
            object.__setattr__(settings, name, _checked(name, getattr(settings, name), hint))


def known_settings(kind: type) -> dict[str, object]:
    """The settings that a user can change, by name: the fields of `kind`, and those of a recipe inside it."""
    found: dict[str, object] = {}
    for name, hint in _hints(kind).items():
        found |= known_settings(hint) if dataclasses.is_dataclass(hint) else {name: hint}
    found.pop("name", None)
    return found


def choices(hint: object) -> tuple[str, ...]:
    """The words that a field takes, none where it is free."""
    return tuple(word for option in _options(hint) for word in _words(option))


def parse_setting(text: str, kind: type) -> tuple[str, object]:
    """ "field=value" from a command line as (field, value of the field's type): "kappa=0.5", "size=none",
    "clusters=3,4".

    Raises `SimsamError` for a field that `kind` does not have, and for a value of another type.
    """
    name, equals, value = text.partition("=")
    known = known_settings(kind)
    if not equals:
        raise SimsamError(f"setting {text!r}: give FIELD=VALUE, as in kappa=0.5.")
    if name not in known:
        raise unknown("setting", name, known)
    options = _options(known[name])
    if type(None) in options and value.lower() == "none":
        return name, None
    pair = [option for option in options if typing.get_origin(option) is tuple] if "," in value else []
    try:
        return name, _parsed(value, [*pair, *options][0])
    except (ValueError, KeyError):
        if choices(known[name]):  # the recipe says which words it takes
            return name, value
        what = WORDS.get(options[0], "several whole numbers, as in 3,4")
        raise SimsamError(f"setting {text!r}: {value!r} is no value for {name}, which is {what}.") from None


@functools.cache
def _hints(kind: type) -> dict[str, object]:
    return typing.get_type_hints(kind, include_extras=True)


def _options(hint: object) -> tuple[object, ...]:
    """The types of a union, or the one type; without their ranges."""
    if typing.get_origin(hint) is Annotated:
        return _options(typing.get_args(hint)[0])
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return tuple(option for part in typing.get_args(hint) for option in _options(part))
    return (hint,)


def _words(option: object) -> tuple[str, ...]:
    return typing.get_args(option) if typing.get_origin(option) is Literal else ()


def _checked(name: str, value: object, hint: object) -> object:
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        value = _checked(name, value, parts[0])
        for check in parts[1:]:
            check(name, value)
        return value
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in parts:
            return None
        kind = Literal if isinstance(value, str) else tuple if isinstance(value, list | tuple) else ()
        return _checked(name, value, next((p for p in parts if typing.get_origin(p) is kind), parts[0]))
    if origin is Literal:
        if value not in parts:
            raise unknown(name, value, parts)
        return value
    if origin is tuple:
        if isinstance(value, list | tuple) and (... in parts or len(value) == len(parts)):
            return tuple(_checked(name, one, int) for one in value)
        many = "several" if ... in parts else len(parts)
        raise SimsamError(f"{name}={value!r}: expected {many} whole numbers, as in (3, 4).")
    if not isinstance(value, ACCEPTED[hint]) or (hint in (int, float) and isinstance(value, bool)):
        raise SimsamError(f"{name}={value!r}: expected {WORDS[hint]}, not {type(value).__name__}.")
    return hint(value)


def _parsed(value: str, kind: object) -> object:
    if _words(kind):
        return value
    if typing.get_origin(kind) is tuple:
        return tuple(int(part) for part in value.split(","))
    return {"true": True, "false": False}[value.lower()] if kind is bool else kind(value)
