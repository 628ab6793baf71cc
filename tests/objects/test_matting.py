"""Soft edges: on composites whose alpha and colours are known."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from simsam.objects import matting
from simsam.objects.matting import foreground, soft_alpha


def composite(size: int = 160, blur: float = 2.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A red disc with a soft edge on a green ground: image (H, W, 3) uint8, alpha, the disc's colour."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    alpha = gaussian_filter((np.hypot(y, x) < size * 0.3).astype(float), blur)
    own, ground = np.array([200.0, 30, 40]), np.array([20.0, 160, 60])
    return np.rint(alpha[..., None] * own + (1 - alpha[..., None]) * ground).astype(np.uint8), alpha, own


@pytest.mark.parametrize("blur", [0.8, 1.0, 1.5])
def test_alpha_and_colours_of_a_composite_come_back(blur):
    image, truth, own = composite(blur=blur)
    found = soft_alpha(truth > 0.5, image, band=0.03)
    assert found.dtype == np.float32
    assert found.min() >= 0
    assert found.max() <= 1
    assert np.abs(found - truth).max() < 0.05
    colors = foreground(image, found)
    edge = (found > 0.2) & (found < 1)
    assert np.abs(colors[edge] - own).max() < 25
    assert np.abs(image[edge] - own).max() > 60  # the mixture itself


def test_a_large_photo_gives_nearly_the_same_small_and_at_once(monkeypatch):
    image, truth, own = composite(400, 1.5)
    whole = soft_alpha(truth > 0.5, image, band=0.02)
    monkeypatch.setattr(matting, "PIXELS", 200 * 200)
    small = soft_alpha(truth > 0.5, image, band=0.02)
    assert small.shape == whole.shape
    assert np.abs(small - whole).mean() < 0.005
    assert np.abs(small - whole).max() < 0.35
    colors = foreground(image, small)
    edge = (small > 0.3) & (small < 1)
    assert np.abs(colors[edge] - own).mean() < 12


def test_colours_do_not_depend_on_the_stripes(monkeypatch):
    image, alpha, _ = composite(150)
    alpha = alpha.astype(np.float32)
    whole = foreground(image, alpha)
    monkeypatch.setattr(matting, "ROWS", 17)
    np.testing.assert_allclose(foreground(image, alpha).astype(int), whole.astype(int), atol=1)


def test_certain_pixels_stay_and_only_the_band_is_soft():
    image, truth, _ = composite(200, 1.0)
    mask = truth > 0.5
    found = soft_alpha(mask, image, band=0.02)
    y, x = np.mgrid[:200, :200] - 99.5
    far = np.abs(np.hypot(y, x) - 60) > 0.02 * 200 * 2**0.5 + 2
    np.testing.assert_allclose(found[far], mask[far], atol=1e-3)


@pytest.mark.parametrize("kind", ["nothing", "all", "a line"])
def test_a_mask_without_two_certain_sides_stays_hard(kind):
    mask = np.zeros((60, 90), bool)
    if kind == "all":
        mask[:] = True
    if kind == "a line":
        mask[30] = True
    image = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    np.testing.assert_array_equal(soft_alpha(mask, image), mask)


def test_the_colours_of_a_solid_object_are_the_photo():
    image = np.asarray(Image.effect_noise((50, 40), 60).convert("RGB"))
    np.testing.assert_array_equal(foreground(image, np.ones((40, 50), np.float32)), image)
