"""Bad input, told in one sentence, and the checks that more than one room makes of it."""

from __future__ import annotations

import contextlib
import difflib
import math
import re
import warnings
from collections.abc import Iterable, Iterator
from contextvars import ContextVar


class SimsamError(ValueError):
    """What came in, what was expected, and what to do, in one sentence a user can act on, on one line."""

    def __init__(self, sentence: str = ""):
        super().__init__(one_line(sentence))


def one_line(sentence: str) -> str:
    r"""The sentence on one line: what would break it, in the name of a file say, is spelled out as \n."""
    breaking = "[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"
    return re.sub(breaking, lambda found: found[0].encode("unicode_escape").decode(), sentence)


class SimsamWarning(UserWarning):
    """What was guessed of an input, in one sentence."""


_told: ContextVar[list[str] | None] = ContextVar("_told", default=None)


def tell(sentence: str) -> None:
    """Hand a sentence about a guess to the `collect` around this call, or else to Python's warnings."""
    told, sentence = _told.get(), one_line(sentence)
    if told is None:
        warnings.warn(sentence, SimsamWarning, stacklevel=2)
    else:
        told.append(sentence)


@contextlib.contextmanager
def collect() -> Iterator[list[str]]:
    """A list of what is told inside the block, in place of Python's warnings."""
    sentences: list[str] = []
    token = _told.set(sentences)
    try:
        yield sentences
    finally:
        _told.reset(token)


def unknown(kind: str, name: object, known: Iterable[object]) -> SimsamError:
    """The error for a name that is not in a registry, with the nearest name that is.

    >>> str(unknown("recipe", "simsan", ["simsam", "dsm"]))
    "unknown recipe 'simsan': did you mean 'simsam'? Known: dsm, simsam."
    """
    names = sorted(map(str, known))
    folded = {each.casefold(): each for each in names}  # who writes SimSAM means simsam
    near = difflib.get_close_matches(str(name).casefold(), folded, n=1, cutoff=0.4)
    hint = f"did you mean {folded[near[0]]!r}? " if near else ""
    return SimsamError(f"unknown {kind} {name!r}: {hint}Known: {', '.join(names)}.")


def check_weight(name: str, value: float) -> None:
    """Raise `SimsamError` unless a weight, such as kappa, is finite and not negative."""
    if not 0 <= value < math.inf:
        raise SimsamError(f"{name}={value}: a weight is a finite number that is not negative.")


def check_least(name: str, value: int | None, least: int = 1) -> None:
    """Raise `SimsamError` for a count that is given and smaller than it may be."""
    if value is not None and value < least:
        given = f"{name} {value}" if name.startswith("-") else f"{name}={value}"
        raise SimsamError(f"{given}: give {least} or more.")


def offset_quantile(offset: str) -> float | None:
    """The q of an affinity's offset "quantile:q", None for "none", "mean" and "max/3".

    Raises `SimsamError` for an offset that there is not.
    """
    if offset in ("none", "mean", "max/3"):
        return None
    kind, _, text = offset.partition(":")
    try:
        q = float(text)
    except ValueError:
        kind = ""
    if kind != "quantile":
        raise unknown("offset", offset, ("none", "mean", "max/3", "quantile:0.5"))
    if not 0 <= q <= 1:
        raise SimsamError(f"offset {offset!r}: a quantile lies between 0 and 1.")
    return q
