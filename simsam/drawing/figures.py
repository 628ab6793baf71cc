"""Drawing that several chapters share. Each function returns a figure together with its alt text."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

PLAIN = "cividis"  # values of one sign
SIGNED = "PuOr_r"  # eigenvectors and differences, always centred at zero


def panels(
    images: Sequence[np.ndarray | Tensor],
    titles: Sequence[str],
    alt: str,
    *,
    columns: int | None = None,
    cmap: str = PLAIN,
    limits: tuple[float, float] | None = None,
    width: float = 6.4,
    bar: str = "",
) -> tuple[Figure, str]:
    """Images (H, W, 3) and fields (h, w) side by side, a title over each, without axes.

    `limits` are the values at the ends of the colour map, of each field by itself unless given; with
    `limits`, `bar` names the values and draws their colour bar.
    """
    columns = columns or len(images)
    rows = -(-len(images) // columns)
    h, w = images[0].shape[:2]
    height = rows * (width / columns * h / w + 0.35) + (0.7 if bar else 0)
    figure, axes = plt.subplots(rows, columns, figsize=(width, height), squeeze=False)
    low, high = limits or (None, None)
    for ax in axes.flat:
        ax.axis("off")
    for ax, image, title in zip(axes.flat, images, titles, strict=False):
        drawn = ax.imshow(image, cmap=cmap, vmin=low, vmax=high)
        ax.set_title(title, fontsize=13)  # still to be read at the width of a phone
    if bar and limits:
        figure.colorbar(
            drawn,
            ax=axes,
            label=bar,
            fraction=0.05,
            aspect=30,
            location="bottom",
            ticks=np.linspace(*limits, 5),
        )
    for ax in axes.flat:  # (after the colour bar, which moves them)
        ax.set_anchor("N")  # titles stand on one line, whatever the shapes below them
    # what the titles and the gaps took from the width leaves a band below: without it
    figure.draw_without_rendering()
    figure.set_figheight(figure.get_tightbbox().height + 0.08)
    return figure, alt


def heat(field: Tensor, limits: tuple[float, float], cmap: str = PLAIN, scale: int = 12) -> np.ndarray:
    """A field (h, w) in colours, each token a square of `scale` pixels: (scale h, scale w, 3) uint8."""
    low, high = limits
    values = ((field.float() - low) / (high - low)).clamp(0, 1).numpy()
    colours = (255 * plt.get_cmap(cmap)(values)[..., :3]).round().astype(np.uint8)
    return colours.repeat(scale, 0).repeat(scale, 1)


def principal_colors(tokens: Tensor, grid: tuple[int, int]) -> np.ndarray:
    """The first three principal components of tokens (n, d) as red, green and blue: (h, w, 3) uint8.

    Each component runs from its 2nd to its 98th percentile, and its largest entry is positive.
    """
    x = tokens - tokens.mean(0)
    _, _, directions = torch.linalg.svd(x, full_matrices=False)
    scores = x @ directions[:3].T
    scores = scores * scores.gather(0, scores.abs().argmax(0, keepdim=True)).sign()
    low, high = torch.quantile(scores, torch.tensor([0.02, 0.98], dtype=scores.dtype), dim=0)
    colours = ((scores - low) / (high - low)).clamp(0, 1)
    return (255 * colours).round().byte().reshape(*grid, 3).numpy()


def forest(
    rows: Sequence[Mapping],
    title: str,
    name: str = "setting",
    of: str = "difference",
    limits: tuple[float, float] | None = None,
) -> tuple[Figure, str]:
    """Rows of a table of results (`simsam.measuring`) as points with their intervals, the first on top.

    `of` is "difference" (paired, around a line at zero) or "miou"; `name` is the column that names a row;
    `limits`, the ends of the axis, let several pictures be compared. Colours, and the alt text, say whether
    the interval lies above zero, below it or on both sides, or touches it.
    """
    low, high = ("low", "high") if of == "miou" else ("difference_low", "difference_high")
    names = [textwrap.fill(str(row[name]), 26) for row in rows]
    heights = np.array([1 + label.count("\n") for label in names])
    places = np.cumsum(heights) - heights / 2  # a name of three lines gets the room of three
    figure, ax = plt.subplots(figsize=(6.0, 1.1 + 0.27 * heights.sum()))  # letters that a phone can show
    said = []
    for at, row in zip(places, rows, strict=True):
        value, ends = row[of], (row[low], row[high])
        side = "above" if ends[0] > 0 else "below" if ends[1] < 0 else "on both sides of"
        side = "touches" if 0 in ends else side
        color = "#0072B2" if of == "miou" else {"above": "#009E73", "below": "#D55E00"}.get(side, "#555555")
        marker = {"above": "^", "below": "v"}.get(side, "o") if of != "miou" else "o"
        ax.plot(ends, (at, at), color=color)
        ax.plot(value, at, marker, color=color, markersize=7)
        said.append(f"{row[name]} {value:.1f}" + (f" ({side} zero)" if of != "miou" else ""))
    if of != "miou":
        ax.axvline(0, color="k", lw=1)
    ax.set(yticks=places, yticklabels=names, ylim=(heights.sum(), 0), xlim=limits)
    figure.suptitle(textwrap.fill(title, 64), x=0.02, ha="left")  # what fits the width of the figure
    ax.set_xlabel("mean IoU, %" if of == "miou" else "points of mean IoU, with 95 % interval")
    ax.grid(axis="x")
    return figure, f"{title}. Points with intervals: {'; '.join(said)}."
