"""The views of a token grid: against a slow loop, and maps whose outcome is known."""

from __future__ import annotations

import math

import pytest
import torch

from simsam.siamese.views import ViewRange, apply_views, random_affine


def tokens(n: int, d: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def reflected(position: float, size: int) -> float:
    """A position folded back at the outer edges of the first and last token, -1/2 and size - 1/2."""
    position = (position + 0.5) % (2 * size)
    position = min(position, 2 * size - position) - 0.5
    return min(max(position, 0.0), size - 1.0)


def slow_view(x: list, grid: tuple[int, int], affine: list) -> list:
    """One view, token by token: where does it come from, and what lies there?"""
    h, w = grid
    view = []
    for i in range(h):
        for j in range(w):
            y, z = i - (h - 1) / 2, j - (w - 1) / 2
            (a, b, s), (c, d, t) = affine
            row = reflected(a * y + b * z + s + (h - 1) / 2, h)
            column = reflected(c * y + d * z + t + (w - 1) / 2, w)
            top, left = math.floor(row), math.floor(column)
            bottom, right = min(top + 1, h - 1), min(left + 1, w - 1)
            p, q = row - top, column - left
            view.append(
                [
                    (1 - p) * ((1 - q) * x[top * w + left][k] + q * x[top * w + right][k])
                    + p * ((1 - q) * x[bottom * w + left][k] + q * x[bottom * w + right][k])
                    for k in range(len(x[0]))
                ]
            )
    return view


@pytest.mark.parametrize("grid", [(5, 8), (7, 4), (1, 6), (3, 1)])
@pytest.mark.parametrize("far", [1.0, 6.0])
def test_views_against_a_slow_loop(grid, far):
    x = tokens(grid[0] * grid[1], 3, dtype=torch.float64)
    ranges = ViewRange(0.2, 15.0 * far, 0.2, 0.1 * far)
    maps = random_affine(4, grid, ranges, torch.Generator().manual_seed(1)).double()
    views = apply_views(x[None], grid, maps)[0]
    for view, affine in zip(views, maps.tolist()):
        expected = torch.tensor(slow_view(x.tolist(), grid, affine), dtype=torch.float64)
        torch.testing.assert_close(view, expected, atol=1e-9, rtol=0)


def test_maps_with_a_known_outcome():
    x = torch.arange(25.0).view(5, 5)
    identity = torch.tensor([[1.0, 0, 0], [0, 1, 0]])
    turn = torch.tensor([[0.0, 1, 0], [-1, 0, 0]])  # source = (x, -y): a quarter turn
    down = torch.tensor([[1.0, 0, 1], [0, 1, 0]])
    maps = torch.stack([identity, turn, down])
    same, turned, moved = apply_views(x.view(1, 25, 1), (5, 5), maps)[0].view(3, 5, 5)
    torch.testing.assert_close(same, x)
    torch.testing.assert_close(turned, torch.rot90(x))
    torch.testing.assert_close(moved[:4], x[1:])
    torch.testing.assert_close(moved[4], x[4])  # reflected: the last row again


def test_no_range_is_no_movement():
    maps = random_affine(5, (4, 6), ViewRange(0, 0, 0, 0), torch.Generator())
    torch.testing.assert_close(maps, torch.eye(2, 3).expand(5, 2, 3))


def test_degrees_are_degrees():
    maps = random_affine(4000, (10, 20), ViewRange(0, 15, 0, 0), torch.Generator().manual_seed(0))
    A = maps[:, :, :2]
    torch.testing.assert_close(A @ A.transpose(1, 2), torch.eye(2).expand(4000, 2, 2))  # rotations
    angle = torch.rad2deg(torch.atan2(A[:, 0, 1], A[:, 0, 0]))
    assert 14.8 < angle.max() <= 15.001
    assert -15.001 <= angle.min() < -14.8
    assert abs(float(angle.mean())) < 0.5


def test_ranges_of_scale_shift_and_shear():
    def draw(*ranges):
        return random_affine(4000, (10, 20), ViewRange(*ranges), torch.Generator().manual_seed(0))

    scale = draw(0.2, 0, 0, 0)[:, 0, 0]
    assert scale.min() >= 0.8
    assert scale.max() <= 1.2
    assert scale.max() - scale.min() > 0.39
    shift = draw(0, 0, 0, 0.1)[:, :, 2].abs().amax(0)
    assert 0.99 < shift[0] <= 1.0  # a tenth of 10 rows
    assert 1.98 < shift[1] <= 2.0  # a tenth of 20 columns
    shear = draw(0, 0, 0.2, 0)
    assert 0.198 < shear[:, 0, 1].abs().max() <= 0.2
    torch.testing.assert_close(shear[:, 0, 0], torch.ones(4000))
