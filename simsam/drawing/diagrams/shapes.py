"""What diagrams are made of: words, boxes with words in them, and arrows."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

INK, BLUE, ORANGE, PALE = "#333333", "#0072B2", "#D55E00", "#DCEBF5"
Point = tuple[float, float]


def text(ax: Axes, x: float, y: float, words: str, **style) -> None:
    """Words around a point, in `INK` and of 13 points unless `style` says otherwise."""
    ax.text(x, y, words, **{"ha": "center", "va": "center", "size": 13, "color": INK} | style)


def box(
    ax: Axes, centre: Point, words: str, width: float, size: float = 13, height: float = 1, **style
) -> None:
    """A rounded box with words of `size` points in it; `style` is that of its patch."""
    x, y = centre
    shape = {"boxstyle": "round,pad=0,rounding_size=0.25", "fc": PALE, "ec": BLUE, "lw": 1.5} | style
    ax.add_patch(FancyBboxPatch((x - width / 2, y - height / 2), width, height, **shape))
    text(ax, x, y, words, size=size, zorder=3)


def arrow(ax: Axes, start: Point, end: Point, **style) -> None:
    """An arrow; `style` is that of its line."""
    style = {"arrowstyle": "-|>", "color": BLUE, "lw": 2, "shrinkA": 0, "shrinkB": 0} | style
    ax.annotate("", end, start, arrowprops=style)
