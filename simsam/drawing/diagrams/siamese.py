"""The Siamese head of chapter 2: two views, projector, predictor, cosine, and the stopped gradient."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Polygon

INK, FORWARD, GRADIENT = "#333333", "#0072B2", "#D55E00"
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
    _text(ax, 6.2, 12.4, "tokens $F$", ha="left")
    for x, turn, size, name in ((LEFT, 16, 1.1, r"view $\alpha$"), (RIGHT, -14, 0.9, r"view $\beta$")):
        side = np.sign(x - 5)
        _arrow(ax, (5 + 1.0 * side, 11.8), (x, 11.2))
        _grid(ax, (x, 10.1), turn, size)
        _text(ax, 5, 10.1 - 0.5 * side, rf"$\leftarrow$ {name}" if side < 0 else rf"{name} $\rightarrow$")
        _arrow(ax, (x, 9.0), (x, 8.4))
        _box(ax, (x, 7.9), r"projector $\psi$")
        _arrow(ax, (x, 7.4), (x, 6.8))
    ax.plot((LEFT + 1.75, RIGHT - 1.75), (7.9, 7.9), ":", color=FORWARD)
    _text(ax, 5, 8.2, "same", size=12, color=FORWARD)
    _text(ax, LEFT, 6.4, r"$z_\alpha$", size=17)
    _text(ax, RIGHT, 6.4, r"$z_\beta$", size=17)
    _arrow(ax, (LEFT, 6.0), (LEFT, 5.4))
    _box(ax, (LEFT, 4.9), r"predictor $\pi$")
    _arrow(ax, (LEFT, 4.4), (LEFT, 3.8))
    _text(ax, LEFT, 3.4, r"$p_\alpha$", size=17)
    _arrow(ax, (LEFT + 0.3, 3.0), (LEFT + 0.9, 2.1))
    _arrow(ax, (RIGHT - 0.4, 6.0), (RIGHT - 0.9, 2.1))
    _box(ax, (5, 1.5), r"loss  $-\cos(p_\alpha,\, z_\beta)$", width=5.4, ground="#F7F0E2")
    _gradients(ax)
    return figure, ALT


def _gradients(ax: Axes) -> None:
    """The way back: up the left branch, through both layers; on the right up to the bar."""
    dashed = {"linestyle": (0, (3, 2)), "lw": 2.5}
    beside = LEFT - 2.05
    ax.plot((2.3, beside, beside), (1.5, 1.5, 7.9), color=GRADIENT, **dashed)
    for y in (4.9, 7.9):
        _arrow(ax, (beside, y), (LEFT - 1.7, y), GRADIENT, lw=2.5)
    _text(ax, beside, 1.05, "gradient", size=13, color=GRADIENT, ha="left", va="top")
    x = RIGHT + 0.4
    ax.plot((7.7, x, x), (1.5, 1.5, 3.4), color=GRADIENT, **dashed)
    _arrow(ax, (x, 3.4), (x, 4.1), GRADIENT, lw=2.5)
    ax.plot((x - 0.6, x + 0.6), (4.25, 4.25), color=INK, lw=7, solid_capstyle="butt")
    _text(ax, x + 0.75, 4.25, "stop", size=14, weight="bold", ha="left")


def _text(ax: Axes, x: float, y: float, words: str, **style) -> None:
    ax.text(x, y, words, **{"ha": "center", "va": "center", "size": 14, "color": INK} | style)


def _box(
    ax: Axes, centre: tuple[float, float], words: str, width: float = 3.4, ground: str = "#DCEBF5"
) -> None:
    x, y = centre
    style = {"boxstyle": "round,pad=0,rounding_size=0.25", "fc": ground, "ec": FORWARD, "lw": 1.5}
    ax.add_patch(FancyBboxPatch((x - width / 2, y - 0.5), width, 1, **style))
    _text(ax, x, y, words)


def _arrow(
    ax: Axes, start: tuple[float, float], end: tuple[float, float], color: str = FORWARD, **style
) -> None:
    style = {"arrowstyle": "-|>", "color": color, "lw": 2, "shrinkA": 0, "shrinkB": 0} | style
    ax.annotate("", end, start, arrowprops=style)


def _grid(ax: Axes, centre: tuple[float, float], degrees: float, size: float) -> None:
    """Four by four tokens, turned and scaled around their centre; the tones say which token is which."""
    turn = np.deg2rad(degrees)
    rotation = 0.42 * size * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    tones = plt.get_cmap("cividis")(np.linspace(0.15, 0.95, 16)).reshape(4, 4, 4)
    for i in range(4):
        for j in range(4):
            corners = np.array([(j, -i), (j + 1, -i), (j + 1, -i - 1), (j, -i - 1)]) + np.array([-2, 2])
            ax.add_patch(Polygon(corners @ rotation.T + centre, fc=tones[i, j], ec="white", lw=1))
