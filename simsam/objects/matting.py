"""Soft edges: how much of each pixel is the object, and what colour that part of it has.

Both through pymatting, at half a megapixel at most: a mask knows its edge no better than that, and the
photo's own pixels then say the rest at full size.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image
from scipy.ndimage import distance_transform_edt

from simsam.objects.guided import FITTED, guide_up, reduced, shrink

PIXELS = FITTED  # solved on so many at most
BAND = 0.008  # half the width of what is doubtful, as a share of the diagonal
ROWS = 256  # of the photo at full size, worked on at once


def soft_alpha(mask: np.ndarray, image: np.ndarray, band: float = BAND) -> np.ndarray:
    """The object's share of each pixel, (H, W) float32 in [0, 1], from its mask (H, W) bool and the image
    (H, W, 3) uint8.

    Closed-form matting (Levin et al. 2008) of what is nearer to the mask's outline than `band` times the
    diagonal. A mask of nothing, or of all, stays as it is; and one too thin for a band to leave anything
    certain on both sides.
    """
    H, W = mask.shape
    h, w = reduced((H, W), PIXELS)
    inside = _mean(mask.astype(np.uint8) * 255, h, w) > 127
    solved = solve_band(inside, shrink(image, (h, w)), max(1.5, band * (h * h + w * w) ** 0.5))
    if solved is None:
        return mask.astype(np.float32)
    alpha, trimap = solved[0].astype(np.float32), solved[1]
    if (h, w) == (H, W):
        return alpha
    full = guide_up(torch.from_numpy(alpha)[None], image)[0].clamp(0, 1).numpy()
    certain = np.asarray(
        Image.fromarray((2 * trimap).astype(np.uint8)).resize((W, H), Image.Resampling.NEAREST)
    )
    full[certain == 2], full[certain == 0] = 1, 0
    return full


def solve_band(inside: np.ndarray, image: np.ndarray, band: float) -> tuple[np.ndarray, np.ndarray] | None:
    """Closed-form matting of what is nearer than `band` pixels to the outline of `inside` (h, w) bool.

    image (h, w, 3) uint8. Gives alpha and the trimap (1 and 0 where a pixel is certain, 1/2 in the band),
    both (h, w) float64; None where no pixel is certain on one of the sides.
    """
    from pymatting import estimate_alpha_cf  # numba makes this import slow: only when asked for

    depth = np.where(inside, distance_transform_edt(inside), -distance_transform_edt(~inside))
    trimap = np.where(depth > band, 1.0, np.where(depth < -band, 0.0, 0.5))
    if not ((trimap == 0).any() and (trimap == 1).any()):
        return None
    return estimate_alpha_cf(image / 255, trimap), trimap


def foreground(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The object's own colours (H, W, 3) uint8: where a pixel is partly ground, the ground's share is taken
    out of it (Germer et al. 2021).

    image (H, W, 3) uint8 and alpha (H, W) float32 in [0, 1]. Colours F and grounds B are estimated small; at
    full size each pixel I corrects them: F + alpha (I - alpha F - (1 - alpha) B), as in Forte 2021.
    """
    from pymatting import estimate_foreground_ml

    H, W = alpha.shape
    h, w = reduced((H, W), PIXELS)
    small, share = shrink(image, (h, w)) / 255, _mean(alpha, h, w).astype(np.float64)
    parts = estimate_foreground_ml(small, share, return_background=True)
    own, ground = (np.rint(np.clip(part, 0, 1) * 255).astype(np.uint8) for part in parts)
    out = np.empty_like(image)
    for top, own_part, ground_part in zip(range(0, H, ROWS), _stripes(own, H, W), _stripes(ground, H, W)):
        rows = slice(top, top + ROWS)
        a, pixels = alpha[rows, :, None], image[rows].astype(np.float32)
        colors = own_part + a * (pixels - a * own_part - (1 - a) * ground_part)
        out[rows] = np.where(a == 1, pixels, np.rint(colors.clip(0, 255)))
    return out


def _mean(pixels: np.ndarray, h: int, w: int) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize((w, h), Image.Resampling.BOX))


def _stripes(small: np.ndarray, H: int, W: int) -> Iterator[np.ndarray]:
    """An array (h, w[, 3]) enlarged to (H, W), in stripes of `ROWS` rows."""
    h, w = small.shape[:2]
    picture = Image.fromarray(small)
    for top in range(0, H, ROWS):
        bottom = min(H, top + ROWS)
        box = (0, top * h / H, w, bottom * h / H)
        yield np.asarray(picture.resize((W, bottom - top), Image.Resampling.BILINEAR, box=box), np.float32)
