"""The graph: offsets by hand, the sum of the two affinities, and what must hold for any tokens."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simsam.affinity import (
    binary_affinity,
    color_affinity,
    combine,
    cosine_affinity,
    offset_value,
    semantic_affinity,
    similarity,
    vanilla_affinity,
)
from simsam.siamese.head import train_head

OFFSETS = ("none", "mean", "max/3", "quantile:0", "quantile:0.5", "quantile:1")


def tokens(n: int = 12, d: int = 5, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_similarity_by_hand():
    x = torch.tensor([[3.0, 4.0], [0.0, 2.0]])
    torch.testing.assert_close(similarity(x), torch.tensor([[1.0, 0.8], [0.8, 1.0]]))
    torch.testing.assert_close(similarity(x, unit=False), torch.tensor([[25.0, 8.0], [8.0, 4.0]]))
    torch.testing.assert_close(semantic_affinity(x, unit=False), x @ x.T)
    torch.testing.assert_close(semantic_affinity(x, offset="mean"), similarity(x) - 0.9)


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        ("none", 0.0),
        ("mean", 5.0),
        ("max/3", 3.0),
        ("quantile:0", 1.0),
        ("quantile:0.5", 5.0),
        ("quantile:0.25", 3.0),
        ("quantile:1", 9.0),
    ],
)
def test_offsets_by_hand(offset, value):
    S = torch.arange(1.0, 10.0).view(3, 3)
    torch.testing.assert_close(offset_value(S, offset), torch.tensor([[value]]))
    both = offset_value(torch.stack([S, 2 * S]), offset)
    torch.testing.assert_close(both, torch.tensor([[[value]], [[2 * value]]]))


def test_quantile_agrees_with_numpy():
    S = torch.randn(31, 31, dtype=torch.float64)
    for q in (0.1, 0.33, 0.9):
        expected = np.quantile(S.numpy(), q, method="nearest")
        assert float(offset_value(S, f"quantile:{q}")) == pytest.approx(expected)


def test_combine_by_hand():
    W_A = torch.tensor([[1.0, -0.5], [-0.5, 0.5]])
    W_SA = torch.tensor([[2.0, 8.0], [8.0, -9.0]])
    torch.testing.assert_close(combine(W_A), torch.tensor([[1.0, 0.0], [0.0, 0.5]]))
    # 1 + 2 / 4, -0.5 + 8 / 4, and 0.5 - 9 / 4 cut at 0; over the maximum
    torch.testing.assert_close(combine(W_A, W_SA, 0.25), torch.tensor([[1.0, 1.0], [1.0, 0.0]]))
    torch.testing.assert_close(combine(W_A, W_SA, 0.0, floor=0.1), combine(W_A) + 0.1)


def test_nothing_positive_leaves_the_floor():
    for floor in (0.0, 1e-5):
        W = combine(-torch.ones(4, 4), floor=floor)
        torch.testing.assert_close(W, torch.full((4, 4), floor))
        # nor is the rounding of a constant an edge
        noise = 1e-7 * torch.rand(4, 4, generator=torch.Generator().manual_seed(0))
        torch.testing.assert_close(combine(noise, floor=floor), W)


def test_binary_graph_is_tokencuts():
    x = tokens()
    S = similarity(x)
    W = binary_affinity(x, tau=0.2, floor=1e-5)
    assert set(W.unique().tolist()) == {1e-5, 1.0}
    assert torch.equal(W == 1, S > 0.2)


@pytest.mark.parametrize("tau", [-0.5, 0.0, 0.3])
def test_cosines_above_the_threshold_stay_weights(tau):
    S = similarity(tokens())
    W = cosine_affinity(tokens(), tau, floor=1e-5)
    for w, s in zip(W.flatten().tolist(), S.flatten().tolist()):
        assert w == (s if s > tau and s > 0 else 1e-5)


@pytest.mark.parametrize("offset", OFFSETS)
def test_a_batch_equals_its_images_one_by_one(offset):
    x = torch.stack([tokens(seed=seed) for seed in range(3)]).float()
    G = torch.stack([tokens(d=7, seed=9 + seed) for seed in range(3)]).float()
    together = combine(vanilla_affinity(x, offset), semantic_affinity(G, offset=offset), 0.7, 1e-5)
    binary = binary_affinity(x)
    for b in range(3):
        alone = combine(vanilla_affinity(x[b], offset), semantic_affinity(G[b], offset=offset), 0.7, 1e-5)
        torch.testing.assert_close(together[b], alone, atol=1e-4, rtol=0)
        torch.testing.assert_close(binary[b], binary_affinity(x[b]), atol=0, rtol=0)


@settings(deadline=None, max_examples=40)
@given(
    n=st.integers(2, 20),
    d=st.integers(1, 6),
    seed=st.integers(0, 10_000),
    kappa=st.sampled_from([0.0, 0.1, 1.0, 10.0]),
    floor=st.sampled_from([0.0, 1e-5, 0.1]),
    offset=st.sampled_from(OFFSETS),
    unit=st.booleans(),
    scale=st.floats(1e-3, 1e3),
    random=st.randoms(use_true_random=False),
)
def test_properties_of_the_graph(n, d, seed, kappa, floor, offset, unit, scale, random):
    x, G = tokens(n, d, seed), tokens(n, d + 1, seed + 1)

    def W(x, G):
        return combine(vanilla_affinity(x, offset), semantic_affinity(G, unit, offset), kappa, floor)

    one = W(x, G)
    assert (one >= floor).all()  # never negative
    assert one.max() <= 1 + floor + 1e-9
    torch.testing.assert_close(one, one.T, atol=1e-12, rtol=0)  # symmetric
    # the length of the features says nothing, nor does that of G when its rows are made unit
    torch.testing.assert_close(W(scale * x, scale * G if unit else G), one, atol=1e-6, rtol=0)
    order = list(range(n))
    random.shuffle(order)
    torch.testing.assert_close(W(x[order], G[order]), one[order][:, order], atol=1e-6, rtol=0)
    binary = binary_affinity(x)
    torch.testing.assert_close(binary, binary.T)
    assert (binary > 0).all()


@settings(deadline=None, max_examples=5)
@given(st.floats(0.01, 100), st.integers(0, 1000))
def test_scaling_features_changes_nothing_in_the_head(scale, seed):
    x = tokens(24, 6, seed).float()
    one, other = train_head(x, (4, 6), epochs=3), train_head(scale * x, (4, 6), epochs=3)
    torch.testing.assert_close(one.tokens, other.tokens, atol=1e-4, rtol=0)


# --- colour ---


def photo(h=6, w=8, seed=0):
    """An image of one pixel a token: two colours side by side, noise, no ties."""
    half = np.where(np.arange(w)[:, None] < w // 2, (200, 30, 30), (20, 40, 210))
    noise = np.random.default_rng(seed).integers(0, 40, (h, w, 3))
    return np.minimum(half + noise, 255).astype(np.uint8)


def slow_knn(image):
    """For each token and each pair of settings, all the others by distance; an edge forth and back."""
    h, w = image.shape[:2]
    W = np.zeros((h * w, h * w))
    for count, weight in ((20, 2.0), (10, 0.1)):
        points = [
            np.array([*(image[i, j] / 255), weight * j / (w - 1), weight * i / (h - 1)])
            for i in range(h)
            for j in range(w)
        ]
        for a, one in enumerate(points):
            distance = [np.linalg.norm(one - other) for other in points]
            for b in sorted(range(len(points)), key=distance.__getitem__)[:count]:
                W[a, b] += 1
                W[b, a] += 1
    return W


def slow_random_walk(image):
    """Every token and every step of its 3 x 3 window; a step over the border stays at it."""
    h, w = image.shape[:2]
    W = np.zeros((h * w, h * w))
    for i, j, di, dj in np.ndindex(h, w, 3, 3):
        a, b = min(max(i + di - 1, 0), h - 1), min(max(j + dj - 1, 0), w - 1)
        distance = np.linalg.norm(image[i, j] / 255 - image[a, b] / 255)
        W[i * w + j, a * w + b] += np.exp(-900 * distance**2)
    return W


@pytest.mark.parametrize("size", [(6, 8), (4, 5), (2, 19)])
@pytest.mark.parametrize(("kind", "slow"), [("knn", slow_knn), ("random_walk", slow_random_walk)])
def test_colour_affinity_against_slow_loops(kind, slow, size):
    image = photo(*size)
    W = color_affinity(image, size, kind)
    assert W.dtype == torch.float32
    np.testing.assert_allclose(W, slow(image), atol=1e-6)
    assert torch.equal(W, W.T)


def test_rows_of_the_colour_affinity():
    """Deep Spectral Methods' scale, whatever the photo: 2 (20 + 10), and at most the window."""
    flat = np.full((90, 120, 3), 77, np.uint8)
    for image in (flat, photo(90, 120)):
        assert color_affinity(image, (9, 12), "knn").sum(1).mean() == 60
    torch.testing.assert_close(color_affinity(flat, (9, 12), "random_walk").sum(1), torch.full((108,), 9.0))


@pytest.mark.parametrize("kind", ["knn", "random_walk"])
def test_colour_affinity_joins_like_colours(kind):
    W = color_affinity(photo(60, 80), (6, 8), kind)
    left = (torch.arange(48) % 8) < 4
    within = W[left][:, left].sum() + W[~left][:, ~left].sum()
    assert within > 5 * W[left][:, ~left].sum()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: offset_value(torch.ones(2, 2), "men"), ["offset 'men'", "did you mean 'mean'"]),
        (lambda: offset_value(torch.ones(2, 2), "quantile:x"), ["offset 'quantile:x'"]),
        (lambda: offset_value(torch.ones(2, 2), "quantile:2"), ["between 0 and 1"]),
        (lambda: combine(torch.ones(2, 2), kappa=-1), ["kappa=-1"]),
        (lambda: combine(torch.ones(2, 2), kappa=float("nan")), ["kappa=nan"]),
        (lambda: combine(torch.ones(2, 2), kappa=float("inf")), ["kappa=inf"]),
        (lambda: color_affinity(np.zeros((9, 9, 3), np.uint8), (9, 9), "kmn"), ["did you mean 'knn'"]),
        (lambda: color_affinity(np.zeros((9, 9, 3), np.uint8), (3, 6)), ["20 tokens", "(3, 6) has 18"]),
    ],
)
def test_refusals(call, words, refused):
    with refused(*words):
        call()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_refused(value, refused):
    """Silently, it would become a graph of the floor alone."""
    W = torch.ones(3, 3)
    W[0, 1] = W[1, 0] = value
    with refused("NaN or infinite"):
        combine(W, floor=1e-5)
