"""Whose features a notebook runs on, and what is said of those alone.

The book's pages are drawn on the default weights. What is mathematics, a notebook asserts with `assert`; what
holds on these features, with `expect`, which asserts on the default and tells on all others.
"""

from __future__ import annotations

import os
import re

import matplotlib.pyplot as plt

from simsam.weights import WHEEL_BACKBONE, provenance_of

VARIABLE = "SIMSAM_BACKBONE"  # the environment variable that goes before what a notebook names
WITHOUT_NETWORK = ("classical",)
NEEDS = re.compile(r"# Needs (keys|queries|values|blocks|attention|a network)\b")
_now = WHEEL_BACKBONE


def begin(backbone: str = WHEEL_BACKBONE) -> str:
    """Start a notebook: the book's style of figures, and whose features it runs on. Gives the name to load.

    The environment variable SIMSAM_BACKBONE goes first. On other features than the default a line says so.
    On features that no network makes, cells that begin with `# Needs keys` (blocks, attention, a network) are
    left out, each with a sentence. Raises `SimsamError` for an unknown name.
    """
    global _now
    name = os.environ.get(VARIABLE) or backbone
    made = provenance_of(name)
    _now = name
    plt.style.use("simsam.data.simsam")
    if name != WHEEL_BACKBONE:
        print(f"On {name} ({made.origin}; labels: {made.labels}). The text tells what {WHEEL_BACKBONE} gave.")
    _leave_out_cells()
    return name


def expect(sentence: str, holds: bool) -> None:
    """What was found on the book's default weights: there it is asserted, elsewhere a line tells whether it
    holds."""
    if _now == WHEEL_BACKBONE:
        assert holds, f"{sentence}: this no longer holds on {_now}"
    else:
        print(f"{sentence}: {'holds here too' if holds else 'does not hold on these features'} ({_now})")


def seen(alt: str) -> str:
    """Alt text as it may be said of these features: it was written while looking at the default's."""
    return alt if _now == WHEEL_BACKBONE else f"As drawn from {WHEEL_BACKBONE}, here from {_now}: {alt}"


def left_out(lines: list[str]) -> list[str]:
    """The lines of a cell, or in their place a sentence where it needs what no network here could give."""
    head = (NEEDS.match(line) for line in lines[:3])
    need = next((found[1] for found in head if found), None)
    if need is None or _now not in WITHOUT_NETWORK:
        return lines
    return [f"print('{_now} features come from no network: this cell needs {need}, and is left out')\n"]


def _leave_out_cells() -> None:
    from IPython import get_ipython

    shell = get_ipython()
    if shell is not None and left_out not in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.append(left_out)
