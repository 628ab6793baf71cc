"""The guided filter against the definition pixel by pixel, and what it sees of a large photo."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from skimage import data

from simsam.objects import guided
from simsam.objects.guided import fit_models, follow_edges, guide_up, reduced, sampling, shrink


def mirrored(i: int, n: int) -> int:
    """Where pixel i of a line of n lies when a mirror stands on each of its last pixels."""
    i = abs(i) % (2 * n - 2) if n > 1 else 0
    return min(i, 2 * n - 2 - i) if n > 1 else 0


def slow_filter(values: np.ndarray, guide: np.ndarray, r: int, eps: float) -> np.ndarray:
    """He, Sun and Tang 2013, equations 14 to 16, window by window, by the normal equations of each."""
    h, w = values.shape
    window = [(i, j) for i in range(-r, r + 1) for j in range(-r, r + 1)]

    def around(i, j):
        return [(mirrored(i + a, h), mirrored(j + b, w)) for a, b in window]

    models = np.zeros((h, w, 4))
    for i in range(h):
        for j in range(w):
            colors = np.array([guide[at] for at in around(i, j)]) / 255
            inside = np.array([values[at] for at in around(i, j)])
            off = colors - colors.mean(0)
            a = np.linalg.solve(off.T @ off / len(off) + eps * np.eye(3), off.T @ inside / len(off))
            models[i, j] = [*a, inside.mean() - a @ colors.mean(0)]
    out = np.zeros((h, w))
    for i in range(h):
        for j in range(w):
            *a, b = np.mean([models[at] for at in around(i, j)], 0)
            out[i, j] = np.dot(a, guide[i, j] / 255) + b
    return out


def test_the_filter_is_its_definition():
    rng = np.random.default_rng(0)
    guide = rng.integers(0, 255, (11, 14, 3), dtype=np.uint8)
    maps = rng.random((2, 11, 14))
    found = fit_models(guide, maps, (5, 5), 1e-2).apply(guide)
    for own, expected in zip(found, maps, strict=True):
        np.testing.assert_allclose(own, slow_filter(expected, guide, 2, 1e-2), atol=2e-5)


def test_at_full_size_follow_edges_is_that_filter():
    rng = np.random.default_rng(1)
    guide = rng.integers(0, 255, (20, 17, 3), dtype=np.uint8)
    values = rng.random((20, 17)).astype(np.float32)
    found = follow_edges(torch.from_numpy(values)[None], guide, radius=0.08, eps=1e-3, subsample=1)[0]
    radius = round(0.08 * np.hypot(20, 17))
    np.testing.assert_allclose(found, slow_filter(values, guide, radius, 1e-3), atol=2e-5)


@pytest.mark.parametrize("shape", [(3000, 4000), (8124, 10832), (600, 20000), (14, 14), (400, 300)])
def test_what_is_seen_of_a_photo_has_its_bounds(shape):
    where = sampling(shape)
    pixels = len(where.rows) * len(where.columns)
    assert pixels <= guided.SAMPLED
    assert pixels >= min(guided.SAMPLED / 3, shape[0] * shape[1] / 16)
    for at, length in zip((where.rows, where.columns), shape, strict=True):
        assert (np.diff(at) >= 1).all()
        assert at[0] >= 0
        assert at[-1] < length
    h, w = reduced(shape)
    assert h * w <= guided.FITTED
    assert shape[0] * shape[1] > guided.FITTED or (h, w) == shape


def test_a_map_made_small_gets_the_edges_of_the_photo():
    y, x = np.mgrid[:600, :800]
    truth = (y - 300) ** 2 + (x - 380) ** 2 < 190**2
    noise = np.random.default_rng(3).normal(0, 6, (600, 800, 3))
    image = np.clip(np.where(truth[..., None], (190, 80, 60), (60, 90, 150)) + noise, 0, 255).astype(np.uint8)
    small = F.interpolate(torch.from_numpy(truth)[None, None].float(), (75, 100), mode="area")[0]
    plain = F.interpolate(small[None], (600, 800), mode="bilinear")[0, 0].numpy()
    up = guide_up(small, image)
    assert up.shape == (1, 600, 800)
    assert up.dtype == torch.float32

    def error(alpha):
        return np.abs(alpha - truth).mean()

    assert error(up[0].numpy()) < error(plain) / 2


def test_shrinking_is_the_mean_of_what_a_pixel_stands_for():
    image = data.coffee()
    expected = image.reshape(100, 4, 150, 4, 3).mean((1, 3))
    assert np.abs(shrink(image, (100, 150)) - expected).max() <= 1
    assert shrink(image, (400, 600)) is image
    assert shrink(image, (37, 101)).shape == (37, 101, 3)


def test_small_stripes_shrink_alike(monkeypatch):
    image = data.cat()
    whole = shrink(image, (41, 33))
    monkeypatch.setattr(guided, "STRIPE", 2000)
    assert np.abs(shrink(image, (41, 33)).astype(int) - whole).max() <= 1
