"""Masks and label maps drawn on their photo: arrays in, arrays out, no plotting library."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

STRIPE = 2**20  # pixels that are drawn at once
# Okabe and Ito's colours, told apart with any colour vision; black (index 0) is background
# fmt: off
PALETTE = np.array([
    [0, 0, 0], [230, 159, 0], [86, 180, 233], [0, 158, 115], [240, 228, 66], [0, 114, 178], [213, 94, 0],
    [204, 121, 167],
], dtype=np.uint8)
# fmt: on


def overlay_mask(
    image: np.ndarray, mask: np.ndarray, color: tuple[int, int, int] = (230, 159, 0)
) -> np.ndarray:
    """The photo (H, W, 3) uint8 with all but the mask (H, W) bool faded to gray and the outline drawn."""
    out = np.empty_like(image)
    width = max(1, round(min(mask.shape) / 200))
    step = max(1, STRIPE // mask.shape[1])
    for top in range(0, len(mask), step):
        rows = slice(top, top + step)
        gray = image[rows].mean(-1, keepdims=True) * 0.45 + 90
        out[rows] = np.where(mask[rows][..., None], image[rows], gray)
        first = max(top - width, 0)  # what lies further away reaches no pixel of the stripe
        edge = _outline(mask[first : top + step + width], width)[top - first :][:step]
        out[rows][edge] = color
    return out


def _outline(mask: np.ndarray, width: int) -> np.ndarray:
    """The pixels (H, W) bool at most `width` steps from the mask's edge, on either side of it."""
    grown = ndimage.binary_dilation(mask, iterations=width)
    return grown & ~ndimage.binary_erosion(mask, iterations=width, border_value=1)


def overlay_labels(image: np.ndarray, labels: np.ndarray, strength: float = 0.55) -> np.ndarray:
    """The photo with each label of (H, W) in its colour; the eighth label takes the second colour again."""
    out = np.empty_like(image)
    step = max(1, STRIPE // labels.shape[1])
    for top in range(0, len(labels), step):
        rows = slice(top, top + step)
        own = labels[rows].astype(int)
        colors = PALETTE[np.where(own > 0, (own - 1) % (len(PALETTE) - 1) + 1, 0)]
        out[rows] = image[rows] * (1 - strength) + colors * strength
    return out
