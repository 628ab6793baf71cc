"""What can be made of a result: arrays that a PNG file holds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simsam.errors import SimsamError, unknown
from simsam.objects import foreground

PICTURES = ("mask", "cutout", "alpha", "score", "overlay", "instances")
SOLID = 128  # an opacity from which a pixel of a transparent image is there


def check_pictures(kinds: Sequence[str]) -> None:
    """Raise `SimsamError` unless all are names of `PICTURES`, each once."""
    for kind in kinds:
        if kind not in PICTURES:
            raise unknown("picture", kind, PICTURES)
    if len(set(kinds)) < len(kinds) or not kinds:
        raise SimsamError(f"pictures {','.join(kinds) or 'none'}: name each of those you want once.")


def cutout(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The object on nothing, (H, W, 4) uint8: its own colours, and alpha (H, W) float32 as the opacity. What
    is wholly ground is black and transparent."""
    opacity = np.rint(alpha * 255).astype(np.uint8)
    colors = foreground(image, alpha)
    colors[opacity == 0] = 0
    return np.dstack([colors, opacity])


def score16(score: np.ndarray) -> np.ndarray:
    """A score (H, W) float32 as uint16: larger than 32768 is object, 65535 is the largest magnitude."""
    top = max(float(np.abs(score).max()), np.finfo(np.float32).tiny)
    steps = score / np.float32(top) * 32767
    # away from the cut, so that a pixel is above it exactly if it is of the mask
    return (32768 + np.where(steps > 0, np.ceil(steps), np.floor(steps))).clip(0, 65535).astype(np.uint16)


def instances(masks: Sequence[np.ndarray]) -> np.ndarray:
    """A label map (H, W) uint8 of masks (H, W) bool: k on the k-th, where two overlap the first; else 0."""
    labels = np.zeros(masks[0].shape, np.uint8)
    for k in range(len(masks), 0, -1):
        labels[masks[k - 1]] = k
    return labels
