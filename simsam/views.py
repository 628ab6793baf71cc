"""Chapter 2. Two views of one token grid: random affine maps of the (h, w) plane of tokens."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class ViewRange:
    """How far a view may move: scale 1 -+ `scale`, degrees -+ `degrees`, shear -+ `shear` (tangents), and a
    shift of up to `shift` of the grid's height and width. The first three are SimSAM's released ranges.
    """

    scale: float = 0.2
    degrees: float = 15.0
    shear: float = 0.2
    shift: float = 0.1


def random_affine(count: int, grid: tuple[int, int], ranges: ViewRange, generator: torch.Generator) -> Tensor:
    """`count` affine maps (count, 2, 3) float32 from output to input positions.

    Positions are (y, x) in tokens, measured from the centre of the grid: source = A @ (y, x) + t, with
    A = rotation @ shear * scale. Drawn on the CPU, so that a seed means the same maps on every device.
    """
    h, w = grid
    u = 2 * torch.rand(count, 6, generator=generator) - 1
    scale = 1 + ranges.scale * u[:, 0]
    angle = math.radians(ranges.degrees) * u[:, 1]
    cos, sin, one = angle.cos(), angle.sin(), torch.ones(count)
    rotation = torch.stack([cos, sin, -sin, cos], -1).view(-1, 2, 2)
    shear = torch.stack([one, ranges.shear * u[:, 2], ranges.shear * u[:, 3], one], -1).view(-1, 2, 2)
    shift = ranges.shift * u[:, 4:] * torch.tensor([h, w])
    return torch.cat([scale.view(-1, 1, 1) * rotation @ shear, shift[..., None]], -1)


def apply_views(tokens: Tensor, grid: tuple[int, int], maps: Tensor) -> Tensor:
    """Each map applied to each image's token grid: (B, n, d) and (V, 2, 3) -> (B, V, n, d).

    Bilinear between tokens, reflected at the border of the grid; all of it in one `grid_sample`.
    """
    B, n, d = tokens.shape
    h, w = grid
    V = len(maps)
    maps = maps.to(tokens)
    y, x = torch.meshgrid(torch.arange(h).to(tokens), torch.arange(w).to(tokens), indexing="ij")
    here = torch.stack([y - (h - 1) / 2, x - (w - 1) / 2], -1).view(1, n, 2)
    there = here @ maps[:, :, :2].transpose(1, 2) + maps[:, None, :, 2]  # (V, n, 2)
    # grid_sample wants (x, y), with -1 and 1 at the outer edges of the first and the last token
    places = torch.stack([2 * there[..., 1] / w, 2 * there[..., 0] / h], -1).view(1, V * h, w, 2)
    image = tokens.transpose(1, 2).reshape(B, d, h, w)
    out = F.grid_sample(
        image, places.expand(B, -1, -1, -1), mode="bilinear", padding_mode="reflection", align_corners=False
    )
    return out.view(B, d, V, n).permute(0, 2, 3, 1)
