"""Models on all pixels: stripes against the whole, a level against all values, and no large temporary."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from simsam.objects import models as room
from simsam.objects.models import LinearModels


class Largest(TorchDispatchMode):
    """The entries of all tensors that are made inside the block."""

    def __init__(self):
        super().__init__()
        self.sizes = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        self.sizes += [part.numel() for part in tree_leaves(made) if isinstance(part, torch.Tensor)]
        return made


@pytest.mark.parametrize(
    ("shape", "small"), [((60, 47), (60, 47)), ((61, 90), (7, 11)), ((300, 20), (31, 3))]
)
def test_stripes_are_the_whole(shape, small):
    rng = np.random.default_rng(2)
    image = rng.integers(0, 255, (*shape, 3), dtype=np.uint8)
    models = LinearModels(torch.from_numpy(rng.normal(size=(4, 2, *small))).float())
    wide = F.interpolate(models.weights, shape, mode="bilinear", align_corners=False)
    colors = torch.from_numpy(image).permute(2, 0, 1).float()
    expected = (wide[:3] * colors[:, None]).sum(0) + wide[3]
    for stripe in (1, 5 * shape[1], 10**9):
        torch.testing.assert_close(models.apply(image, stripe), expected, atol=1e-3, rtol=1e-5)


def test_what_is_made_at_once_does_not_grow_with_the_photo():
    """What is made beside the result, counted by torch: as much for twice the pixels."""
    models, beside = LinearModels(torch.zeros(4, 1, 9, 7)), []
    for side in (600, 1200):
        image = np.zeros((side, 700, 3), np.uint8)
        with Largest() as made:
            result = models.apply(image, 70 * 100)
        assert result.shape == (1, side, 700)
        sizes = sorted(made.sizes)
        assert sizes[-1] == result.numel()
        beside.append(max(size for size in sizes if size < result.numel()))
    assert beside[0] == beside[1] <= 4 * 70 * 100


def smooth(rng: np.random.Generator, shape: tuple[int, int], small: tuple[int, int], steep: float):
    """A photo of soft patches with noise, and models that are not far from a level of one half."""
    patches = torch.from_numpy(rng.random((1, 3, 4, 5))).float()
    image = F.interpolate(patches, shape, mode="bilinear")[0].permute(1, 2, 0).numpy() * 200
    image = np.clip(image + rng.normal(0, 20, image.shape), 0, 255).astype(np.uint8)
    weights = F.interpolate(torch.from_numpy(rng.normal(size=(4, 1, 3, 4))).float(), small, mode="bilinear")
    weights[:3] *= steep / 255
    return image, LinearModels(weights)


@given(
    st.integers(0, 2**32 - 1),
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
    st.floats(0.05, 1),
    st.sampled_from([0.0, 0.1, 1.0]),
)
@settings(deadline=None, max_examples=60)
def test_above_a_level_are_the_values_above_it(seed, shape, share, steep):
    small = tuple(max(1, int(side * share)) for side in shape)
    image, models = smooth(np.random.default_rng(seed), shape, small, steep)
    values = models.apply(image)[0].numpy()
    for level in (-0.3, 0.0, float(np.median(values))):
        found = models.above(image, level)
        assert found.dtype == bool
        assert found.shape == shape
        clear = abs(values - level) > 1e-5  # both add up in an order of their own
        np.testing.assert_array_equal(found[clear], (values > level)[clear])


def test_pixels_far_from_the_outline_are_not_computed(monkeypatch):
    """A disc: what is computed pixel by pixel is a band around its outline, and the mask is right."""
    y, x = np.mgrid[:200, :200]
    soft = torch.from_numpy(np.clip((2500 - (x - 90) ** 2 - (y - 110) ** 2) / 900, -0.5, 0.5)).float()
    models = LinearModels(torch.stack([*torch.zeros(3, 200, 200), soft])[:, None])
    image = np.random.default_rng(4).integers(0, 255, (600, 600, 3), dtype=np.uint8)
    pixels, values = [], room._values
    monkeypatch.setattr(room, "_values", lambda m, seen: pixels.append(seen[..., 0].size) or values(m, seen))
    found = models.above(image, level := 0.1 / np.pi)  # no pixel is at that level exactly
    assert 0 < sum(pixels) < image[..., 0].size / 2
    pixels.clear()
    np.testing.assert_array_equal(found, models.apply(image)[0].numpy() > level)
    assert sum(pixels) == image[..., 0].size
