"""The pipeline of chapter 7 as a flow chart: a row for each stage, a coloured route for each recipe.

Which way a route goes is read from the recipes themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from simsam.drawing.diagrams.shapes import INK, PALE, box, text

GROUND = "#EFEFEA"
# recipe -> its name in the picture, colour, and dashes: no two share either
ROUTES = {
    "tokencut": ("TokenCut", "#E69F00", "-"),
    "maskcut": ("MaskCut", "#D55E00", (0, (5, 1.5))),
    "dsm": ("DSM", "#000000", (0, (1, 1))),
    "paper": ("SimSAM", "#CC79A7", (0, (6, 1.5, 1, 1.5))),
    "simsam": ("simsam, ours", "#0072B2", (0, (3, 1, 1, 1, 1, 1))),
}
LEFT, MIDDLE, RIGHT = (1.2, 4.0), (4.3, 7.1), (7.4, 10.2)  # the columns of boxes
HALF, STEP = 0.5, 1.95  # half a box's height; from stage to stage
# stage -> its boxes: choice -> (from, to, words)
STAGES: dict[str, dict[str, tuple[float, float, str]]] = {
    "tokens": {"keys": (1.2, 7.1, "keys"), "output": (*RIGHT, "output")},
    "head": {
        "none": (*LEFT, "none"),
        "sgd": (*MIDDLE, "trained"),
        "closed_form": (*RIGHT, "closed form"),
    },
    "graph": {
        "binary": (*LEFT, r"1 if $S > \tau$"),
        "similarity": (*MIDDLE, r"$S$ where $> 0$"),
        "semantic": (*RIGHT, r"$W_A + \kappa\, W_{SA}$"),
    },
    "vectors": {"all": (1.2, 10.2, r"eigenvectors of  $L y = \lambda D y$")},
    "cut": {"mean": (*LEFT, r"$y_2 >$ mean"), "zero": (*MIDDLE, "$y_2 > 0$"), "vote": (*RIGHT, "a vote")},
    "side": {
        "peak": (*LEFT, "has the peak"),
        "minority": (*MIDDLE, "is smaller"),
        "border": (*RIGHT, "less border"),
    },
    "then": {"part": (*LEFT, "keep a part"), "none": (*MIDDLE, "nothing"), "refine": (*RIGHT, "refine")},
}
ALT = (
    "A flow chart, read from top to bottom, with a row of boxes for each stage: tokens, head, graph, "
    "eigenvectors, cut, side, and what comes then. Five routes run through it, each with its own colour "
    "and dashes. TokenCut and MaskCut run together: keys, no head, the binary graph, a cut at the mean, "
    "the side of the peak, one connected part; an arrow leads MaskCut back to the graph, for three cuts "
    "in all. DSM takes keys, no head, the positive cosines, a cut at zero, the smaller side. SimSAM "
    "differs from DSM by a trained head and the sum of two affinities. The recipe simsam runs on the "
    "right: output tokens, a head in closed form, the sum, a vote, the side with less border, "
    "refinement. All five meet in one box, the eigenvectors."
)


def pipeline_diagram(recipes: Mapping[str, Any]) -> tuple[Figure, str]:
    """Stages from above to below, and a route for each recipe. Gives the figure and its alt text."""
    figure, ax = plt.subplots(figsize=(5.0, 8.2), dpi=130)
    ax.set(xlim=(-0.15, 11.0), ylim=(-STEP * (len(STAGES) - 1) - 2.0, 2.6))
    ax.axis("off")
    for row, (stage, boxes) in enumerate(STAGES.items()):
        text(ax, 10.65, -row * STEP, stage, rotation=270, weight="bold")
        for low, high, words in boxes.values():
            _box(ax, low, high, -row * STEP, words, PALE if stage == "vectors" else GROUND)
    for name in ROUTES:
        _route(ax, name, recipes)
    _again(ax)
    lines = [Line2D([], [], color=color, ls=dashes, lw=3) for _, color, dashes in ROUTES.values()]
    names = [words for words, *_ in ROUTES.values()]
    ax.legend(lines, names, loc="upper left", ncols=2, fontsize=13, handlelength=3.2, borderaxespad=0)
    text(ax, 5.7, -STEP * len(STAGES) + 0.35, "mask", size=14, weight="bold")
    return figure, ALT


def choices(recipe: Any) -> tuple[str, ...]:
    """Which box of each stage a recipe goes through."""
    semantic = "semantic" if recipe.uses_head else recipe.graph
    cut = "vote" if recipe.readout == "vote" else recipe.threshold
    then = "refine" if recipe.centroid else "part" if recipe.component else "none"
    return recipe.tokens, recipe.head, semantic, "all", cut, recipe.sign, then


def _route(ax: Axes, name: str, recipes: Mapping[str, Any]) -> None:
    """From above the first stage to below the last, drawn in the gaps between boxes."""
    _, color, dashes = ROUTES[name]
    style = {"color": color, "ls": dashes, "lw": 3, "zorder": 1}
    places = [_place(row, name, recipes) for row in range(len(STAGES))]
    ax.plot([places[0]] * 2, (0.95, HALF), **style)
    for row, (x, below) in enumerate(zip(places, [*places[1:], places[-1]], strict=True)):
        end = HALF - (row + 1) * STEP if row + 1 < len(STAGES) else -row * STEP - 0.95
        ax.plot((x, below), (-row * STEP - HALF, end), **style)


def _place(row: int, name: str, recipes: Mapping[str, Any]) -> float:
    """Where a route meets a box: those through one box share its width."""
    chosen = {route: choices(recipes[route])[row] for route in ROUTES}
    low, high, _ = list(STAGES.values())[row][chosen[name]]
    together = [route for route in ROUTES if chosen[route] == chosen[name]]
    return low + (together.index(name) + 1) * (high - low) / (len(together) + 1)


def _again(ax: Axes) -> None:
    """MaskCut's way back, from its last stage to the graph."""
    _, color, dashes = ROUTES["maskcut"]
    last, graph = -(len(STAGES) - 1) * STEP, -2 * STEP
    ax.plot((1.2, 0.75, 0.75), (last, last, graph), color=color, ls=dashes, lw=3)
    head = {"arrowstyle": "-|>", "color": color, "lw": 3, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (1.2, graph), (0.75, graph), arrowprops=head)
    words = "again without the object, three cuts in all"
    text(ax, 0.25, (last + graph) / 2, words, rotation=90, color="#A84600")


def _box(ax: Axes, low: float, high: float, y: float, words: str, ground: str) -> None:
    style = {"boxstyle": "round,pad=0,rounding_size=0.2", "fc": ground, "ec": INK, "lw": 1.2, "zorder": 2}
    box(ax, ((low + high) / 2, y), words, high - low, **style)
