"""The picture of the README and of the title page: from two photos to their masks, stage by stage.

python tools/readme_picture.py          # writes book/_static/idea.png
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from skimage import data

import simsam
from simsam.data import atomic_write, overlay_mask
from simsam.drawing import SIGNED

TARGET = Path(__file__).resolve().parents[1] / "book" / "_static" / "idea.png"
TITLES = ("1. a photo", "2. patches, tied", "3. an eigenvector", "4. the object")
STEP, NEIGHBOURS = 3, 5  # every third patch is drawn, tied to those most like it


def draw() -> plt.Figure:
    """A row for each photo: the photo, its graph, the Fiedler vector, the mask."""
    photos = (data.cat(), data.coffee())
    with plt.style.context("simsam.data.simsam"):
        figure, axes = plt.subplots(2, 4, figsize=(9.6, 3.9))
        for row, photo in zip(axes, photos):
            draw_row(row, simsam.segment(photo))
        for axis, title in zip(axes[0], TITLES):
            axis.set_title(title, fontsize=16)  # to be read on a phone
    return figure


def draw_row(axes: np.ndarray, result: simsam.Result) -> None:
    axes[0].imshow(result.image)
    draw_graph(axes[1], result)
    field = result.features.geometry.upsample(result.eigenmaps()[1]).numpy()
    field = field * np.sign(field[result.mask].mean() - field[~result.mask].mean())  # the object in orange
    limit = np.quantile(np.abs(field), 0.95)
    axes[2].imshow(field, cmap=SIGNED, vmin=-limit, vmax=limit)
    axes[3].imshow(overlay_mask(result.image, result.mask))
    for axis in axes:
        axis.axis("off")


def draw_graph(axis: Axes, result: simsam.Result) -> None:
    """Some patches as dots, each tied to the dots most like it; orange on the object."""
    h, w = result.features.grid
    chosen = np.array([(i, j) for i in range(1, h, STEP) for j in range(1, w, STEP)])
    at = np.array([result.features.geometry.token_box(i, j) for i, j in chosen])
    x, y = at[:, [1, 3]].mean(1), at[:, [0, 2]].mean(1)
    index = chosen[:, 0] * w + chosen[:, 1]
    weight = result.affinity[index][:, index].numpy().copy()
    np.fill_diagonal(weight, 0)
    ends = np.argsort(-weight, 1)[:, :NEIGHBOURS]
    inside = result.mask[y.astype(int), x.astype(int)]
    axis.imshow(255 - (255 - result.image) // 3)
    for color, one, other in (("#8a8a86", 0, 1), ("#0072B2", 0, 0), ("#D55E00", 1, 1)):
        ties = [(a, b) for a in range(len(x)) for b in ends[a] if {inside[a], inside[b]} == {one, other}]
        lines = [[(x[a], y[a]), (x[b], y[b])] for a, b in ties]
        axis.add_collection(LineCollection(lines, colors=color, linewidths=0.7, alpha=0.7))
    axis.scatter(x, y, s=6, c=np.where(inside, "#D55E00", "#0072B2"))


if __name__ == "__main__":
    with atomic_write(TARGET) as path:
        draw().savefig(path, dpi=100, format="png")
    print(f"wrote {TARGET}")
