"""MaskCut against a slow loop, its corner rule by hand."""

from __future__ import annotations

import numpy as np
import scipy.linalg
import torch
from scipy import ndimage

from simsam.affinity import binary_affinity
from simsam.objects.readouts import bipartition, maskcut
from simsam.spectral.laplacian import eigenpairs

PATCHES = (12, 15)


def rectangles(seed):
    """Tokens (180, 8) of five overlapping rectangles on a background."""
    rng, field = np.random.default_rng(seed), np.zeros(PATCHES, int)
    for label in range(1, 6):
        (top, left), (h, w) = rng.integers(0, (PATCHES[0] - 2, PATCHES[1] - 2)), rng.integers(2, 8, 2)
        field[top : top + h, left : left + w] = label
    return rng.normal(size=(6, 8))[field.ravel()] + 0.6 * rng.normal(size=(field.size, 8))


def slow_maskcut(x, tau, count):
    """CutLER's: painted tokens become zero vectors; the masks, and what befell the cuts."""
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    painted = before = np.zeros(len(x), bool)
    masks, befell = [], set()
    for i in range(count):
        f = np.where(painted[:, None], 0, x)
        W = np.where(f @ f.T > tau, 1, 1e-5)
        D = np.diag(W.sum(1))
        y = scipy.linalg.eigh(D - W, D)[1][:, 1]
        y = y * np.sign(y[np.abs(y).argmax()])
        inside = (y > y.mean()).reshape(PATCHES)
        if sum(inside[corner] for corner in ((0, 0), (0, -1), (-1, 0), (-1, -1))) >= 3:
            befell.add("turned")
            y, inside = -y, ~inside
        parts = ndimage.label(inside)[0].ravel()
        cut = parts == parts[y.argmax()]
        small, alike = cut.mean() <= 0.01, (cut & before).sum() > 0.5 * (cut | before).sum()
        if i and (small or alike):
            befell.add("small" if small else "alike")
            cut = np.zeros(len(x), bool)
        elif i and not before.any():
            befell.add("again")
        masks.append(cut & ~painted)
        painted, before = painted | cut, cut
    return [mask for mask in masks if mask.any()], befell


def test_maskcut_against_a_slow_loop():
    rules = {"cut": "mean", "sign": "peak", "component": True}
    seen = set()
    for tau in (0.1, 0.2, 0.3, 0.4, 0.5):
        for seed in range(8):
            x = rectangles(seed)
            masks, befell = slow_maskcut(x, tau, 4)
            W = binary_affinity(torch.from_numpy(x), tau)
            scores = maskcut(eigenpairs(W, 2).vectors[:, 1], W, PATCHES, objects=4, **rules)
            np.testing.assert_array_equal([(score > 0).numpy() for score in scores], masks)
            seen |= befell
    assert seen == {"turned", "small", "alike", "again"}


def test_three_corners_are_no_object():
    y = torch.ones(4, 5)
    y[1:3, 1:4], y[0, 0], y[0, 1] = -0.9, -0.5, 1.5  # the peak is on the frame, with three corners
    settings = {"W": torch.ones(20, 20), "grid": (4, 5), "sign": "peak"}
    for corners, side in ((False, 1), (True, -1)):
        score = bipartition(y.flatten(), **settings, corners=corners)
        assert torch.equal(score.sign(), side * y.flatten().sign())
    part = bipartition(y.flatten(), **settings, corners=True, component=True)
    assert torch.equal(part > 0, (y == -0.9).flatten())  # of the new side, not the corner
    y[0, 4] = -0.5  # two corners stay
    assert torch.equal(bipartition(y.flatten(), **settings, corners=True).sign(), y.flatten().sign())
