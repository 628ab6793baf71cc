"""The Siamese head of chapter 2: two views, projector, predictor, cosine, and the stopped gradient."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from simsam.drawing.diagrams.shapes import BLUE, INK, ORANGE, arrow, box, text

LEFT, RIGHT = 2.4, 7.6  # where the two branches stand
ALT = (
    "A diagram, read from top to bottom. A grid of tokens F gives two moved copies, view alpha on the left "
    "and view beta on the right. Both go through the same projector psi and become z alpha and z beta. Only "
    "the left one goes on, through the predictor pi, and becomes p alpha. The loss, minus the cosine of p "
    "alpha and z beta, stands at the bottom. A dashed orange line, the gradient, runs from the loss up the "
    "left branch, to pi and psi. On the right it starts too, and a thick bar stops it below z beta."
)


def siamese_diagram() -> tuple[Figure, str]:
    """One half of the loss; the other half exchanges the views. Gives the figure and its alt text."""
    figure, ax = plt.subplots(figsize=(5.2, 6.6), dpi=160)
    ax.set(xlim=(0, 10), ylim=(0.7, 13.4), aspect="equal")
    ax.axis("off")
    _grid(ax, (5, 12.4), 0, 1)
    text(ax, 6.2, 12.4, "tokens $F$", ha="left", size=14)
    for x, turn, size, name in ((LEFT, 16, 1.1, r"view $\alpha$"), (RIGHT, -14, 0.9, r"view $\beta$")):
        side = np.sign(x - 5)
        arrow(ax, (5 + 1.0 * side, 11.8), (x, 11.2))
        _grid(ax, (x, 10.1), turn, size)
        text(
            ax,
            5,
            10.1 - 0.5 * side,
            rf"$\leftarrow$ {name}" if side < 0 else rf"{name} $\rightarrow$",
            size=14,
        )
        arrow(ax, (x, 9.0), (x, 8.4))
        box(ax, (x, 7.9), r"projector $\psi$", 3.4, size=14)
        arrow(ax, (x, 7.4), (x, 6.8))
    ax.plot((LEFT + 1.75, RIGHT - 1.75), (7.9, 7.9), ":", color=BLUE)
    text(ax, 5, 8.2, "same", size=12, color=BLUE)
    text(ax, LEFT, 6.4, r"$z_\alpha$", size=17)
    text(ax, RIGHT, 6.4, r"$z_\beta$", size=17)
    arrow(ax, (LEFT, 6.0), (LEFT, 5.4))
    box(ax, (LEFT, 4.9), r"predictor $\pi$", 3.4, size=14)
    arrow(ax, (LEFT, 4.4), (LEFT, 3.8))
    text(ax, LEFT, 3.4, r"$p_\alpha$", size=17)
    arrow(ax, (LEFT + 0.3, 3.0), (LEFT + 0.9, 2.1))
    arrow(ax, (RIGHT - 0.4, 6.0), (RIGHT - 0.9, 2.1))
    box(ax, (5, 1.5), r"loss  $-\cos(p_\alpha,\, z_\beta)$", 5.4, size=14, fc="#F7F0E2")
    _gradients(ax)
    return figure, ALT


def _gradients(ax: Axes) -> None:
    """The way back: up the left branch, through both layers; on the right up to the bar."""
    dashed = {"linestyle": (0, (3, 2)), "lw": 2.5}
    beside = LEFT - 2.05
    ax.plot((2.3, beside, beside), (1.5, 1.5, 7.9), color=ORANGE, **dashed)
    for y in (4.9, 7.9):
        arrow(ax, (beside, y), (LEFT - 1.7, y), color=ORANGE, lw=2.5)
    text(ax, beside, 1.05, "gradient", size=13, color=ORANGE, ha="left", va="top")
    x = RIGHT + 0.4
    ax.plot((7.7, x, x), (1.5, 1.5, 3.4), color=ORANGE, **dashed)
    arrow(ax, (x, 3.4), (x, 4.1), color=ORANGE, lw=2.5)
    ax.plot((x - 0.6, x + 0.6), (4.25, 4.25), color=INK, lw=7, solid_capstyle="butt")
    text(ax, x + 0.75, 4.25, "stop", size=14, weight="bold", ha="left")


def _grid(ax: Axes, centre: tuple[float, float], degrees: float, size: float) -> None:
    """Four by four tokens, turned and scaled around their centre; the tones say which token is which."""
    turn = np.deg2rad(degrees)
    rotation = 0.42 * size * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    tones = plt.get_cmap("cividis")(np.linspace(0.15, 0.95, 16)).reshape(4, 4, 4)
    for i in range(4):
        for j in range(4):
            corners = np.array([(j, -i), (j + 1, -i), (j + 1, -i - 1), (j, -i - 1)]) + np.array([-2, 2])
            ax.add_patch(Polygon(corners @ rotation.T + centre, fc=tones[i, j], ec="white", lw=1))
