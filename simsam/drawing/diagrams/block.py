"""A block of a vision transformer, as chapter 1 explains it: where queries, keys, values and output arise."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simsam.drawing.diagrams.shapes import BLUE, ORANGE, arrow, box, text

PLAIN = {"lw": 1.8}
INPUT, OFFERED = PLAIN | {"fc": "white"}, PLAIN | {"fc": "#FBE6D6", "ec": ORANGE}
LEFT, MIDDLE, RIGHT, SIDE = 1.9, 4.6, 7.3, 10.1  # queries, keys, values; the way around
ALT = (
    "A diagram of one block, read from top to bottom. The token x i enters and is normalised. Three "
    "matrices side by side make its query, its key and its value, each framed in orange. The query is "
    "compared with the keys of all tokens, and a softmax gives the weights a i j. The weights and the "
    "values of all tokens meet in a weighted sum, which a fourth matrix maps. A line that went around "
    "all of this adds the token itself. Below, a norm and a small network work on each token alone, and "
    "again the token itself is added. The result, framed in orange, is the output token, which enters "
    "the next block."
)


def block_diagram() -> tuple[Figure, str]:
    """One block from its input to its output; orange is what `extract` offers. Gives figure and alt text."""
    figure, ax = plt.subplots(figsize=(5.2, 7.8), dpi=130)
    ax.set(xlim=(0.3, 10.5), ylim=(0.2, 15.8), aspect="equal")
    ax.axis("off")
    box(ax, (MIDDLE, 15.2), "token $x_i$", 2.8, **INPUT)
    arrow(ax, (MIDDLE, 14.7), (MIDDLE, 14.2))
    box(ax, (MIDDLE, 13.7), "norm", 2.0, **PLAIN)
    _made_of_a_token(ax)
    _attention(ax)
    _around(ax, 14.45, 5.5)
    arrow(ax, (MIDDLE, 5.15), (MIDDLE, 4.4))
    box(ax, (MIDDLE, 3.9), "norm, small network", 4.6, **PLAIN)
    arrow(ax, (MIDDLE, 3.4), (MIDDLE, 2.65))
    _around(ax, 4.8, 2.3)
    arrow(ax, (MIDDLE, 1.95), (MIDDLE, 1.4))
    box(ax, (MIDDLE, 0.9), "output token", 3.4, **OFFERED)
    return figure, ALT


def _made_of_a_token(ax: Axes) -> None:
    """The three matrices, and what they make."""
    for x, letter, name in ((LEFT, "q", "query"), (MIDDLE, "k", "key"), (RIGHT, "v", "value")):
        arrow(ax, (MIDDLE + (x - MIDDLE) * 0.3, 13.2), (x, 12.45))
        box(ax, (x, 11.95), f"$A_{letter}$", 1.5, **PLAIN)
        arrow(ax, (x, 11.45), (x, 10.9))
        box(ax, (x, 10.4), f"{name} ${letter}_i$", 2.4, **OFFERED)


def _attention(ax: Axes) -> None:
    """Queries meet keys, and the weights meet values."""
    between = (LEFT + MIDDLE) / 2
    arrow(ax, (LEFT, 9.9), (between - 0.5, 9.25))
    arrow(ax, (MIDDLE, 9.9), (between + 0.5, 9.25))
    box(ax, (between, 8.7), "softmax$_j$ of $q_i^\\top k_j / \\sqrt{d}$", 5.0, **PLAIN)
    text(ax, 7.2, 8.6, "with keys\nand values\nof all tokens $j$", ha="left", size=11)
    arrow(ax, (between + 0.4, 8.2), (MIDDLE - 0.3, 7.65))
    text(ax, between - 0.2, 7.85, "$a_{ij}$", size=14)
    arrow(ax, (RIGHT, 9.9), (MIDDLE + 0.9, 7.65))
    box(ax, (MIDDLE, 7.15), "sum of $a_{ij}\\, v_j$, mapped by $A_o$", 6.0, **PLAIN)
    arrow(ax, (MIDDLE, 6.65), (MIDDLE, 5.85))


def _around(ax: Axes, top: float, bottom: float) -> None:
    """What is added to the token itself, which goes around what is done to it."""
    ax.plot((MIDDLE, SIDE, SIDE), (top, top, bottom), color=BLUE, lw=2)
    arrow(ax, (SIDE, bottom), (MIDDLE + 0.4, bottom))
    ax.plot(MIDDLE, bottom, "o", ms=22, mfc="white", mec=BLUE, mew=2)
    text(ax, MIDDLE, bottom, "+", size=18)
