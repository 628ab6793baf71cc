"""The picture of the README and of the title page: a photo, three of its eigenvectors, its mask.

    python tools/readme_picture.py          # writes book/_static/idea.png
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

import simsam
from simsam.files import atomic_write
from simsam.overlay import overlay_mask

TARGET = Path(__file__).resolve().parents[1] / "book" / "_static" / "idea.png"


def draw() -> plt.Figure:
    """Five panels in a row: the cat of scikit-image, eigenvectors 2 to 4, the mask."""
    photo = data.cat()
    result = simsam.segment(photo)
    with plt.style.context("simsam.data.simsam"):
        figure, axes = plt.subplots(1, 5, figsize=(12.5, 2.1))
        axes[0].imshow(photo)
        axes[0].set_title("photo")
        for k, axis in enumerate(axes[1:4], start=1):
            pixels = result.features.geometry.upsample(result.eigenmaps()[k]).numpy()
            limit = np.abs(pixels).max()
            axis.imshow(pixels, cmap="PuOr_r", vmin=-limit, vmax=limit)
            axis.set_title(f"eigenvector {k + 1}")
        axes[4].imshow(overlay_mask(photo, result.mask))
        axes[4].set_title("mask")
        for axis in axes:
            axis.axis("off")
    return figure


if __name__ == "__main__":
    with atomic_write(TARGET) as path:
        draw().savefig(path, dpi=100, format="png")
    print(f"wrote {TARGET}")
