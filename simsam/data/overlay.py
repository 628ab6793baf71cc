"""Masks and label maps drawn on their photo: arrays in, arrays out, no plotting library."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

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
    gray = image.mean(-1, keepdims=True) * 0.45 + 90
    out = np.where(mask[..., None], image, gray).astype(np.uint8)
    width = max(1, round(min(mask.shape) / 200))
    edge = ndimage.binary_dilation(mask, iterations=width) & ~ndimage.binary_erosion(
        mask, iterations=width, border_value=1
    )
    out[edge] = color
    return out


def overlay_labels(image: np.ndarray, labels: np.ndarray, strength: float = 0.55) -> np.ndarray:
    """The photo with each label of (H, W) in its colour; the eighth label takes the second colour again."""
    colors = PALETTE[np.where(labels > 0, (labels.astype(int) - 1) % (len(PALETTE) - 1) + 1, 0)]
    return (image * (1 - strength) + colors * strength).astype(np.uint8)
