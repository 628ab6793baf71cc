"""Each quantity against a slow loop, the confidence at its limits, cutouts beside noise."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simsam.data import load_cutouts
from simsam.objects.confidence import COEFFICIENTS, FOUND, confidence_of, evidence, on_grid
from simsam.pipeline import RECIPES, segment


def graph(grid: tuple[int, int], seed: int, d: int = 5) -> tuple[torch.Tensor, ...]:
    """Shares, tokens, a graph and a vector of one grid, float64."""
    generator = torch.Generator().manual_seed(seed)
    n = grid[0] * grid[1]
    share, tokens = (
        torch.rand(n, generator=generator).double(),
        torch.randn(n, d, generator=generator).double(),
    )
    W = torch.rand(n, n, generator=generator).double()
    return share, tokens, W + W.T, torch.randn(n, generator=generator).double()


def slowly(share, tokens, W, y, grid) -> dict[str, float]:
    """The definitions, token by token."""
    (h, w), n = grid, len(share)
    m, F = share.tolist(), [(row / np.linalg.norm(row)) for row in tokens.numpy()]
    a, b = sum(m[i] * F[i] for i in range(n)), sum((1 - m[i]) * F[i] for i in range(n))
    across = sum(m[i] * float(W[i, j]) * (1 - m[j]) for i, j in product(range(n), repeat=2))
    inside = sum(m[i] * float(W[i, j]) for i, j in product(range(n), repeat=2))
    outside = sum((1 - m[i]) * float(W[i, j]) for i, j in product(range(n), repeat=2))
    ring = sum(m[i * w + j] for i in range(h) for j in range(w) if i in (0, h - 1) or j in (0, w - 1))
    return {
        "contrast": 1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b),
        "cut": across / inside + across / outside,
        "fiedler": abs(np.corrcoef(m, y.numpy())[0, 1]),
        "border": ring / sum(m),
    }


@settings(max_examples=25)
@given(st.integers(2, 5), st.integers(2, 6), st.integers(0, 10_000))
def test_each_quantity_against_a_slow_loop(h, w, seed):
    parts = graph((h, w), seed)
    found = evidence(*parts, (h, w))
    assert list(found) == list(COEFFICIENTS)
    assert found == pytest.approx(slowly(*parts, (h, w)), abs=1e-9)
    single = evidence(*(part.float() for part in parts), (h, w))
    assert single == pytest.approx(found, abs=1e-4)


def test_the_quantities_by_hand():
    """Two tokens in the middle of a grid of 3 x 4, unlike all others, and a graph in two parts."""
    share = torch.zeros(12)
    share[[5, 6]] = 1
    tokens = torch.stack([share, 1 - share], 1)
    W = tokens @ tokens.T
    found = evidence(share, tokens, W, 3 - share, (3, 4))
    assert found == pytest.approx({"contrast": 1, "cut": 0, "fiedler": 1, "border": 0})
    same = evidence(share, torch.ones(12, 2), torch.ones(12, 12), torch.ones(12), (3, 4))
    assert same == pytest.approx(
        {"contrast": 0, "cut": 10 / 12 + 2 / 12, "fiedler": 0, "border": 0}, abs=1e-6
    )
    ring = evidence(1 - share, tokens, W, share, (3, 4))
    assert ring == pytest.approx({"contrast": 1, "cut": 0, "fiedler": 1, "border": 1})


def test_the_other_side_has_the_same_contrast_and_cut():
    share, *others = graph((4, 5), 3)
    one, other = evidence(share, *others, (4, 5)), evidence(1 - share, *others, (4, 5))
    for name in ("contrast", "cut", "fiedler"):
        assert one[name] == pytest.approx(other[name])


def test_a_graph_without_edges_is_no_division_by_zero():
    share, tokens, W, y = graph((3, 3), 0)
    found = evidence(share, tokens, 0 * W, 0 * y, (3, 3))
    assert found["cut"] == found["fiedler"] == 0
    assert math.isfinite(confidence_of(found))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_all_or_nothing_has_no_two_sides(value):
    share, *others = graph((3, 4), 1)
    assert evidence(torch.full_like(share, value), *others, (3, 4)) is None


def test_the_limits():
    assert confidence_of(None) == 0
    best = {"contrast": 2.0, "cut": 0.0, "fiedler": 1.0, "border": 0.0}
    worst = {"contrast": 0.0, "cut": 2.0, "fiedler": 0.0, "border": 1.0}
    assert 0 <= confidence_of(worst) < 0.01 < FOUND < 0.99 < confidence_of(best) <= 1
    assert 0 <= confidence_of(dict.fromkeys(COEFFICIENTS, 1e9)) <= 1


@pytest.mark.parametrize(("name", "sign"), [("contrast", 1), ("cut", -1), ("fiedler", 1), ("border", -1)])
def test_each_quantity_speaks_for_or_against(name, sign):
    middle = {key: mean for key, (mean, _, _) in COEFFICIENTS.items()}
    low, high = (confidence_of(middle | {name: value}) for value in (0.2, 0.8))
    assert sign * (high - low) > 1e-3


def test_the_share_of_a_token_is_that_of_its_pixels():
    mask = np.zeros((28, 42), bool)
    mask[:14, :21] = True
    assert on_grid(mask, (2, 3)).tolist() == [1, 0.5, 0, 0, 0, 0]
    uneven = np.random.default_rng(0).random((30, 41)) < 0.5
    assert float(on_grid(uneven, (30, 41)).sum()) == uneven.sum()


def test_an_empty_mask_has_confidence_0(backbone, cat):
    result = segment(cat, "spectral", backbone, size=112)
    assert 0 < result.confidence <= 1
    assert f"confidence {result.confidence:.2f}" in repr(result)
    for mask in (np.zeros_like(result.mask), np.ones_like(result.mask)):
        none = replace(result, mask=mask)
        assert none.evidence is None
        assert none.confidence == 0
        assert not none.found
        assert "nothing found" in repr(none)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_has_a_confidence_and_a_batch_the_same(backbone, cat, name):
    images = [cat, cat[:, ::-1].copy(), np.roll(cat, 60, 1)]
    for together, image in zip(segment(images, name, backbone, size=140), images, strict=True):
        alone = segment(image, name, backbone, size=140)
        assert 0 <= alone.confidence <= 1
        assert together.evidence == pytest.approx(alone.evidence, abs=2e-3)
        assert together.found == (together.confidence >= FOUND)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_gives_the_same_evidence(backbone, cat):
    result = segment(cat, "spectral", backbone)
    parts = (result.features.tokens, result.affinity, result.eigenvectors[:, 1])
    share = on_grid(result.mask, result.features.grid)
    there = evidence(share, *(part.cuda() for part in parts), result.features.grid)
    assert there == pytest.approx(result.evidence, abs=1e-4)


def test_on_these_weights_cutouts_are_surer_than_noise(backbone):
    recipe = replace(RECIPES["spectral"], size=224, refine="none")
    random = np.random.default_rng(0)
    noise = [random.integers(0, 256, (160, 224, 3), dtype=np.uint8) for _ in range(6)]
    photos = [cutout.image for cutout in load_cutouts()[::10]]
    sure = [np.median([segment(i, recipe, backbone).confidence for i in kind]) for kind in (photos, noise)]
    assert sure[0] > FOUND > sure[1]
    assert sure[0] > sure[1] + 0.5
