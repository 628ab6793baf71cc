"""Two views of one token grid: random affine maps of the (h, w) plane of tokens."""

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


def random_affine(
    count: int,
    grid: tuple[int, int],
    ranges: ViewRange,
    generator: torch.Generator,
) -> Tensor:
    """`count` affine maps (count, 2, 3) float32 from output to input positions.

    Positions are (y, x) in tokens, measured from the centre of the grid:
    source = A @ (y, x) + t, with A = scale * rotation @ shear. Drawn on the CPU,
    so that a seed means the same maps on every device.
    """
    u = 2 * torch.rand(count, 6, generator=generator, dtype=torch.float32) - 1
    scale = 1 + ranges.scale * u[:, 0]
    angle = math.radians(ranges.degrees) * u[:, 1]
    cos, sin, one = angle.cos(), angle.sin(), torch.ones_like(angle)
    rotation = torch.stack([cos, sin, -sin, cos], -1).view(-1, 2, 2)
    down, across = (ranges.shear * u[:, 2:4]).unbind(1)
    shear = torch.stack([one, down, across, one], -1).view(-1, 2, 2)
    shift = ranges.shift * u[:, 4:] * torch.tensor(grid)
    return torch.cat([scale.view(-1, 1, 1) * rotation @ shear, shift[..., None]], -1)


def apply_views(tokens: Tensor, grid: tuple[int, int], maps: Tensor) -> Tensor:
    """Each map applied to each image's token grid: (B, n, d) and (V, 2, 3) -> (B, V, n, d).

    Bilinear between tokens, reflected at the border of the grid. A view's token is a weighted sum of four
    tokens; one `embedding_bag` takes all sums of all views and images.
    """
    B, n, d = tokens.shape
    which, weight = _four_neighbours(grid, maps.to(tokens))
    which = which + n * torch.arange(B, device=tokens.device).view(B, 1, 1, 1)  # rows of (B n, d)
    weight = weight.expand(B, -1, -1, -1)
    rows = tokens.reshape(B * n, d)
    out = F.embedding_bag(which.view(-1, 4), rows, mode="sum", per_sample_weights=weight.reshape(-1, 4))
    return out.view(B, len(maps), n, d)


def _four_neighbours(grid: tuple[int, int], maps: Tensor) -> tuple[Tensor, Tensor]:
    """The tokens each token of a view lies between: indices (V, n, 4) int64, and weights that sum to 1."""
    h, w = grid
    last = torch.tensor([h - 1, w - 1]).to(maps)
    y, x = torch.meshgrid(torch.arange(h).to(maps), torch.arange(w).to(maps), indexing="ij")
    here = torch.stack([y, x], -1).view(1, h * w, 2) - last / 2
    there = here @ maps[:, :, :2].transpose(1, 2) + maps[:, None, :, 2] + last / 2  # (V, n, 2)
    # reflect at the outer edges of the first and the last token, half a token beyond their centres
    there = (there + 0.5).remainder(2 * last + 2)
    there = (torch.minimum(there, 2 * last + 2 - there) - 0.5).clamp_min(0).minimum(last)
    near = there.floor()
    far = (near + 1).minimum(last)
    share = there - near  # of the far one
    (top, left), (bottom, right) = near.long().unbind(-1), far.long().unbind(-1)
    (p, q) = share.unbind(-1)
    which = [top * w + left, top * w + right, bottom * w + left, bottom * w + right]
    weight = [(1 - p) * (1 - q), (1 - p) * q, p * (1 - q), p * q]
    return torch.stack(which, -1), torch.stack(weight, -1)
