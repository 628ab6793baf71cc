"""Local linear models of a map: what a guided filter fits on a reduced photo, applied to the photo's pixels.

A map's value at a pixel is slope . colour + offset. Who wants all values pays for all pixels (`apply`); who
wants to know where they exceed a level pays for the pixels near the outline (`above`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

STRIPE = 2**18  # pixels that are computed at once
TILE = 24  # models along a side of the tiles that are decided at once
ROUNDING = 1e-4  # far more than the rounding errors of a value, far less than a step of 8 bits


@dataclass(frozen=True)
class LinearModels:
    """A map's value at each pixel of a reduced photo, slope . colour + offset: `weights` (4, C, h, w) float32
    are the slopes of the colours, which go from 0 to 255, and the offset."""

    weights: Tensor

    def apply(self, image: np.ndarray, stripe: int = STRIPE) -> Tensor:
        """The maps (C, H, W) float32 on a photo (H, W, 3) uint8, of which the models have seen a reduced one.

        Models between those that were fitted are interpolated, bilinear. `stripe`: pixels at once.
        """
        H, W = image.shape[:2]
        _, C, h, _ = self.weights.shape
        out = self.weights.new_empty(C, H, W)
        step = max(1, stripe // W)
        at = places(h, H)
        for top in range(0, H, step):
            seen = image[top : top + step]
            first, last, between = _between(at[top : top + step], h)
            wide = F.interpolate(self.weights[:, :, first:last], (last - first, W), mode="bilinear")
            out[:, top : top + step] = _values(between.to(out) @ wide, seen)
        return out

    def above(self, image: np.ndarray, level: float) -> np.ndarray:
        """Where the one map exceeds a level, (H, W) bool: `apply(image)[0] > level`, rounding errors aside.

        The photo is cut into tiles. A value is a mean of the values that the models around the pixel give
        for its colour, so the largest that any model of a tile gives for any colour between the tile's least
        and largest bounds them all; likewise the smallest. Where both are on one side of the level the tile
        is decided; pixel by pixel only the others are computed. On the CPU.
        """
        weights = self.weights[:, 0].cpu()
        rows, columns = (
            _Tiles.along(*sides) for sides in zip(weights.shape[1:], image.shape[:2], strict=True)
        )
        low, high = _bounds(weights, image, rows, columns)
        over = (low > level).numpy().repeat(columns.lengths, 1).repeat(rows.lengths, 0)
        for i, j in ((low <= level + ROUNDING) & (high > level - ROUNDING)).nonzero().tolist():
            here = (slice(*rows.edges[i : i + 2]), slice(*columns.edges[j : j + 2]))
            models = weights[:, rows.seen[i]][:, :, columns.seen[j]]
            values = _values((rows.between[i] @ models @ columns.between[j].T)[:, None], image[here])[0]
            over[here] = (values > level).numpy()
        return over


def places(count: int, length: int) -> Tensor:
    """Where the pixels of a side lie among the `count` to which it was reduced, (length,) float64."""
    return ((torch.arange(length, dtype=torch.float64) + 0.5) * (count / length) - 0.5).clamp(0, count - 1)


def _between(at: Tensor, count: int) -> tuple[int, int, Tensor]:
    """Which of `count` models sorted places lie between, (first, last + 1), and how much of each they take,
    (len(at), last - first) float32."""
    low = at.long()
    high = (low + 1).clamp_max(count - 1)
    first, last = int(low[0]), int(high[-1]) + 1
    share = (at - low)[:, None].float()
    near = torch.eye(last - first, dtype=torch.float32)
    return first, last, torch.lerp(near[low - first], near[high - first], share)


def _values(models: Tensor, seen: np.ndarray) -> Tensor:
    """Slopes and offsets (4, C, rows, columns) of pixels (rows, columns, 3) uint8 to values: (C, ...)."""
    *slopes, part = models
    for channel, slope in enumerate(slopes):
        color = torch.from_numpy(seen[..., channel].astype(np.float32))
        part.addcmul_(slope, color.to(part.device))
    return part


@dataclass(frozen=True)
class _Tiles:
    """A side in tiles: `edges`, the first pixel of each, and the end; `models` (tiles, TILE + 1), those that
    its pixels lie between; `seen`, the same as slices, and `between` how much of each a pixel takes."""

    edges: np.ndarray
    models: Tensor
    seen: list[slice]
    between: list[Tensor]

    @classmethod
    def along(cls, count: int, length: int) -> _Tiles:
        at = places(count, length)
        first = torch.arange(0, count, TILE)
        edges = np.append(np.searchsorted(at.numpy(), first.numpy()), length)
        parts = [_between(part, count) for part in at.split(np.diff(edges).tolist())]
        models = (first[:, None] + torch.arange(TILE + 1)).clamp_max(count - 1)
        return cls(edges, models, [slice(*part[:2]) for part in parts], [part[2] for part in parts])

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.edges)


def _bounds(weights: Tensor, image: np.ndarray, rows: _Tiles, columns: _Tiles) -> tuple[Tensor, Tensor]:
    """What the map's values in each tile lie between, (tiles down, tiles across) twice."""
    least, most = (
        np.stack(
            [
                of.reduceat(of.reduce(image[top:bottom], 0), columns.edges[:-1], 0)
                for top, bottom in zip(rows.edges, rows.edges[1:], strict=False)
            ]
        )
        for of in (np.minimum, np.maximum)
    )
    # colours (3, down, 1, across, 1), models (4, down, TILE + 1, across, TILE + 1)
    least, most = (
        torch.from_numpy(c.transpose(2, 0, 1).astype(np.float32))[:, :, None, :, None] for c in (least, most)
    )
    *slopes, offset = weights[:, rows.models][..., columns.models]
    rise, fall = torch.stack(slopes).clamp_min(0), torch.stack(slopes).clamp_max(0)
    low = offset + (rise * least + fall * most).sum(0)
    high = offset + (rise * most + fall * least).sum(0)
    return low.amin((1, 3)), high.amax((1, 3))
