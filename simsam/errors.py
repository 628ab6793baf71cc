"""Bad input, told in one sentence."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SimsamError(ValueError):
    """What came in, what was expected, and what to do, in one sentence a user can act on."""


def unknown(kind: str, name: object, known: Iterable[str]) -> SimsamError:
    """The error for a name that is not in a registry, with the nearest name that is.

    >>> str(unknown("recipe", "simsan", ["simsam", "dsm"]))
    "unknown recipe 'simsan': did you mean 'simsam'? Known: dsm, simsam."
    """
    known = sorted(known)
    folded = {each.casefold(): each for each in known}  # who writes SimSAM means simsam
    near = difflib.get_close_matches(str(name).casefold(), folded, n=1, cutoff=0.4)
    hint = f"did you mean {folded[near[0]]!r}? " if near else ""
    return SimsamError(f"unknown {kind} {name!r}: {hint}Known: {', '.join(known)}.")
