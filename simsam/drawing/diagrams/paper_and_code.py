"""Chapter 9 as a flow chart: the paper and its released code side by side, and the places where they part.

What the two recipes know is read from them; the rest, which no recipe can differ in, stands in `PLACES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from simsam.drawing.diagrams.shapes import BLUE, INK, ORANGE, box, text

LEFT, RIGHT, WIDTH = 2.95, 8.35, 4.5  # the two lanes, and how wide a box in them is
MIDDLE, BOTH = (LEFT + RIGHT) / 2, RIGHT - LEFT + WIDTH
STEP, HEIGHT = 1.62, 1.2
FILLED = "#A84600"  # dark enough for white digits
DASHES = (0, (4, 2))
SIZE = 12  # points

HEADS = {
    "sgd": "gradients train\n$\\psi$ and $\\pi$",
    "untrained": "no gradient: $\\psi$, $\\pi$\nstay random",
}
SEMANTIC = {True: r"\pi(\psi(F))", False: r"\pi(F)"}  # with and without a projector
OFFSETS = {"mean": "mean", "max/3": "max / 3"}


@dataclass(frozen=True)
class Place:
    """Where paper and code part: `words` are those of the two, or make them of a recipe, whose `field` says
    which."""

    stage: str
    words: tuple[str, str] | Callable[[Any], str]
    field: str = ""

    def said(self, recipes: Mapping[str, Any]) -> tuple[str, str]:
        """The words of the paper and those of its code."""
        if isinstance(self.words, tuple):
            return self.words
        return self.words(recipes["paper"]), self.words(recipes["released"])


PLACES = (
    Place(
        "views",
        ("two views, moved\non the $h \\times w$ grid", "one view, moved as\nan $n \\times d$ image"),
    ),
    Place("views", ("15 means degrees", "15 means radians")),
    Place("views", ("a pair: one place\nin both views", "a pair: any token\nwith any other")),
    Place("training", ("a step: any number\nof tokens", "a step: two tokens")),
    Place("training", lambda recipe: HEADS[recipe.head], "head"),
    Place("graph", lambda recipe: f"$G = {SEMANTIC[recipe.projector > 0]}$", "projector"),
    Place("graph", lambda recipe: rf"$W_A = F F^\top -$ {OFFSETS[recipe.offset]}", "offset"),
    Place("graph", ("colours, if any,\ndivided by 255", "colours, if any,\ndivided by 255 twice")),
)
ALT = (
    "A flow chart, read from top to bottom, with the paper on the left, in blue, and its released code on "
    "the right, in dashed orange. Both begin with the {tokens} F and end with the sum of two affinities, the "
    "second eigenvector, and a mask. Between them they part at eight numbered places. Views: two moved on "
    "the grid, or one moved as a matrix; degrees or radians; pairs of one place, or of any two tokens. "
    "Training: any number of tokens a step, or two; a head that gradients train, or none. Graph: G from psi "
    "and pi, or from pi alone; minus the mean, or a third of the maximum; colours divided once or twice. "
    "The numbers {filled} are filled: these change the masks. The others are hollow: they change none."
)


def paper_and_code_diagram(recipes: Mapping[str, Any]) -> tuple[Figure, str]:
    """The recipes "paper" and "released" side by side: a figure and its alt text, for `show_vector`."""
    paper = recipes["paper"]
    figure, ax = plt.subplots(figsize=(5.0, 9.2), dpi=130)
    last = len(PLACES) + 1
    end = -STEP * (last + 1)
    ax.set(xlim=(0, 10.75), ylim=(end - 2.7, 1.75))
    ax.axis("off")
    text(ax, LEFT, 1.3, "the paper", weight="bold")
    text(ax, RIGHT, 1.3, "its released code", weight="bold")
    _shared(ax, 0, f"{paper.tokens} $F$ of a vision transformer")
    for row, place in enumerate(PLACES, start=1):
        _part(ax, row, place.said(recipes), reaches(place, recipes))
    for stage in dict.fromkeys(place.stage for place in PLACES):
        _stage(ax, stage, [row for row, place in enumerate(PLACES, start=1) if place.stage == stage])
    _lanes(ax, last)
    _shared(ax, last, rf"$W = W_A + {paper.kappa}\; G G^\top$, where positive")
    ax.plot((MIDDLE, MIDDLE), (end + STEP - HEIGHT / 2, end + HEIGHT / 2), color=INK, lw=2.5, zorder=0)
    _shared(ax, last + 1, "second eigenvector $> 0$: the mask")
    for y, filled, words in ((end - 1.3, True, "changes the masks"), (end - 2.25, False, "changes no mask")):
        _number(ax, MIDDLE - 2.1, y, "n", filled)
        text(ax, MIDDLE - 1.5, y, words, ha="left", size=SIZE)
    filled = [str(n) for n, place in enumerate(PLACES, start=1) if reaches(place, recipes)]
    return figure, ALT.format(tokens=paper.tokens, filled=", ".join(filled))


def reaches(place: Place, recipes: Mapping[str, Any]) -> bool:
    """Whether a place changes the masks of the released code.

    What recipes can differ in does so where they differ; views and steps only through a head that learns;
    colours only where they are added at all.
    """
    paper, released = recipes["paper"], recipes["released"]
    if place.field:
        return getattr(paper, place.field) != getattr(released, place.field)
    if place.stage == "graph":
        return released.color != "none" and released.color_weight > 0
    return released.head == "sgd"


def _part(ax: Axes, row: int, said: tuple[str, str], filled: bool) -> None:
    """A row in which the two go their own ways; where recipes agree after all, one box for both."""
    _lanes(ax, row)
    if said[0] == said[1]:
        _shared(ax, row, said[0])
        return
    for x, words, color, dashes in ((LEFT, said[0], BLUE, "-"), (RIGHT, said[1], ORANGE, DASHES)):
        _box(ax, (x, -STEP * row), words, WIDTH, color, dashes)
    _number(ax, MIDDLE, -STEP * row, str(row), filled)


def _lanes(ax: Axes, row: int) -> None:
    """From the row above to this one, in both lanes."""
    for x, color, dashes in ((LEFT, BLUE, "-"), (RIGHT, ORANGE, DASHES)):
        ends = (-STEP * (row - 1) - HEIGHT / 2, -STEP * row + HEIGHT / 2)
        ax.plot((x, x), ends, color=color, ls=dashes, lw=2.5, zorder=0)


def _shared(ax: Axes, row: int, words: str) -> None:
    _box(ax, (MIDDLE, -STEP * row), words, BOTH, INK, "-")


def _box(ax: Axes, centre: tuple[float, float], words: str, width: float, color: str, dashes: Any) -> None:
    fill = "none" if color == INK else (*to_rgb(color), 0.13)
    box(ax, centre, words, width, size=SIZE, height=HEIGHT, fc=fill, ec=color, lw=1.8, ls=dashes)


def _number(ax: Axes, x: float, y: float, digit: str, filled: bool) -> None:
    face, edge, ink = (FILLED, FILLED, "white") if filled else ("none", INK, INK)
    ax.plot(x, y, "o", ms=21, mfc=face, mec=edge, mew=1.5)
    text(ax, x, y - 0.02, digit, size=SIZE, color=ink, weight="bold")


def _stage(ax: Axes, stage: str, rows: list[int]) -> None:
    """The name of a stage beside its rows."""
    top, bottom = -STEP * rows[0] + HEIGHT / 2, -STEP * rows[-1] - HEIGHT / 2
    ax.plot((0.5, 0.5), (top, bottom), color=INK, lw=1)
    text(ax, 0.2, (top + bottom) / 2, stage, rotation=90, size=SIZE)
