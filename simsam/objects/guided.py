"""The fast guided filter: local linear models of a map, fitted on a reduced photo (`models` applies them).

He, Sun and Tang 2013, He and Sun 2015. In each window of the photo the map is taken for a linear function of
the colours; the functions of all windows that hold a pixel are averaged, and so an edge of the photo becomes
an edge of the map. What is fitted is small, and what is applied goes through in stripes: memory is that of
the result, however large the photo. (kornia has the filter too, but gives no models away, and its windows
cost their area: minutes on a camera's photo.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from scipy import ndimage
from torch import Tensor

from simsam.objects.models import STRIPE, LinearModels

FITTED = 2**19  # pixels of a reduced photo at most, where it is seen whole: half a megapixel
SAMPLED = 2**17  # pixels at most that a fit of wide windows sees, of a photo that is no ribbon
CHANNELS = [0, 0, 0, 1, 1, 2], [0, 1, 2, 1, 2, 2]  # the six products of two colours


def fit_models(guide: np.ndarray, maps: np.ndarray, size: tuple[int, int], eps: float) -> LinearModels:
    """The mean linear models of windows of `size` (rows, columns), by least squares and with a ridge of
    `eps`, in squared colours from 0 to 1.

    guide (h, w, 3) uint8; maps (C, h, w) real. Beyond the border stands the mirror image. Fitted in float64
    on the CPU: covariances are differences of large numbers.
    """
    # a window of even length reaches one further down and to the right
    origin = [0, *(-1 if length % 2 == 0 else 0 for length in size)]

    def mean(values: np.ndarray) -> np.ndarray:
        """The windows' means of (K, h, w)."""
        return ndimage.uniform_filter(values, (1, *size), mode="mirror", origin=origin)

    colors = np.moveaxis(guide, -1, 0) / 255
    center = mean(colors)
    products = mean(colors[CHANNELS[0]] * colors[CHANNELS[1]]) - center[CHANNELS[0]] * center[CHANNELS[1]]
    rr, rg, rb, gg, gb, bb = products
    rr, gg, bb = rr + eps, gg + eps, bb + eps
    # the inverse of a symmetric 3 x 3 matrix by its cofactors
    inverse = np.stack([gg * bb - gb**2, gb * rb - rg * bb, rg * gb - gg * rb, rr * bb - rb**2])
    inverse = np.concatenate([inverse, [rb * rg - rr * gb, rr * gg - rg**2]])
    inverse /= rr * inverse[0] + rg * inverse[1] + rb * inverse[2]
    rr, rg, rb, gg, gb, bb = inverse
    weights = []
    for values in np.asarray(maps, np.float64):
        level = mean(values[None])[0]
        x, y, z = mean(colors * values) - center * level
        slope = np.stack([rr * x + rg * y + rb * z, rg * x + gg * y + gb * z, rb * x + gb * y + bb * z])
        offset = level - (slope * center).sum(0)
        weights.append(mean(np.concatenate([slope / 255, offset[None]])).astype(np.float32))
    return LinearModels(torch.from_numpy(np.stack(weights, 1)))


@dataclass(frozen=True)
class Sample:
    """The pixels of a photo on which models are fitted: their rows and columns, and the windows' size."""

    rows: np.ndarray
    columns: np.ndarray
    size: tuple[int, int]

    def take(self, maps: Tensor) -> Tensor:
        """Maps (C, H, W) on these pixels, (C, h, w)."""
        rows, columns = (torch.from_numpy(at).to(maps.device) for at in (self.rows, self.columns))
        return maps[:, rows][..., columns]

    def fit(self, small: Tensor, image: np.ndarray, eps: float = 1e-4) -> LinearModels:
        """The models of maps on these pixels, (C, h, w), guided by the photo (H, W, 3) uint8."""
        guide = image[self.rows][:, self.columns]
        models = fit_models(guide, small.cpu().numpy(), self.size, eps)
        return LinearModels(models.weights.to(small.device))


def follow_edges(
    maps: Tensor, image: np.ndarray, radius: float = 0.03, eps: float = 1e-4, subsample: int = 4
) -> Tensor:
    """Maps (C, H, W), guided-filtered by the image (H, W, 3) uint8: (C, H, W) float32.

    `radius`, `subsample`: see `sampling`. A sample changes no more than the outline's last pixels.
    """
    where = sampling(image.shape[:2], radius, subsample)
    return where.fit(where.take(maps), image, eps).apply(image)


def sampling(shape: tuple[int, int], radius: float = 0.03, subsample: int = 4) -> Sample:
    """Every `subsample`-th pixel of an (H, W) photo, or fewer where those were more than `SAMPLED`, and
    windows whose radius is a share of its diagonal.

    Sampled pixels lie where an enlargement of the sample expects them, less (subsample - 1) / 2.
    """
    H, W = shape
    subsample = max(subsample, math.ceil(math.sqrt(H * W / SAMPLED)))
    subsample = max(1, min(subsample, min(H, W) // 16))  # of few pixels, all of them
    longest = 2 * ((min(H, W) // subsample - 1) // 2) + 1
    size = (min(2 * max(1, round(radius * math.hypot(H, W))) + 1, longest) - 1) // subsample + 1
    return Sample(_sampled(H, subsample), _sampled(W, subsample), (size, size))


def _sampled(length: int, subsample: int) -> np.ndarray:
    """Every `subsample`-th of so many pixels; where they do not come out even, at equal distances."""
    count = max(length // subsample, 1)
    at = ((2 * np.arange(count) + 1) * length + count * (1 - subsample)) // (2 * count)
    return at.clip(0, length - 1)


def guide_up(small: Tensor, image: np.ndarray, radius: int = 2, eps: float = 1e-4) -> Tensor:
    """Maps (C, h, w), made on a reduced photo, for the whole one (H, W, 3) uint8: (C, H, W) float32.

    In windows of `radius` reduced pixels around each, a map is a linear function of the colours of the
    reduced photo (each colour the mean of its pixels); that function is applied to the photo's own colours.
    """
    models = fit_models(shrink(image, small.shape[1:]), small.cpu().numpy(), (2 * radius + 1,) * 2, eps)
    return LinearModels(models.weights.to(small.device)).apply(image)


def reduced(shape: tuple[int, int], pixels: int = FITTED) -> tuple[int, int]:
    """The (h, w) of a photo of (H, W) when it is reduced to `pixels` at most; itself where it has no more."""
    share = min(1.0, math.sqrt(pixels / (shape[0] * shape[1])))
    return max(1, int(shape[0] * share)), max(1, int(shape[1] * share))


def shrink(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A photo (H, W, 3) uint8 reduced to (h, w), each pixel the mean of those that it stands for."""
    (H, W), (h, w) = image.shape[:2], shape
    if (H, W) == (h, w):
        return image
    out = np.empty((h, w, 3), np.uint8)
    step = max(1, STRIPE * h // (H * W))
    for top in range(0, h, step):
        rows = min(step, h - top)
        start, stop = top * H / h, (top + rows) * H / h
        first, last = math.floor(start), min(math.ceil(stop), H)
        stripe = Image.fromarray(image[first:last])
        box = (0, start - first, W, min(stop - first, last - first))
        out[top : top + rows] = stripe.resize((w, rows), Image.Resampling.BOX, box)
    return out
