"""Signs by hand, thresholds against scikit-image and brute force, the vote against a slow loop."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from skimage.filters import threshold_otsu

from simsam.objects.clustering import kmeans
from simsam.objects.cuts import SIGNS, border_frame, foreground_sign, threshold
from simsam.objects.readouts import centroid_step, cluster_vote, label_vote, seed_component
from simsam.spectral.laplacian import eigenpairs


def numbers(n: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# --- signs ---


def test_the_border_frame():
    expected = [[1, 1, 1, 1], [1, 0, 0, 1], [1, 1, 1, 1]]
    assert border_frame((3, 4)).view(3, 4).int().tolist() == expected
    assert border_frame((1, 5)).all()
    assert border_frame((2, 3)).all()


CENTRE = torch.tensor([[-1, -1, -1, -1], [-1, 3, 2, -1], [-1, 2, 3, -1], [-1, -1, -1, -5]]).double().flatten()


@pytest.mark.parametrize(
    ("rule", "score", "sign"),
    [
        ("border", CENTRE, 1),  # none of 4 on the frame, against 12 of 12
        ("minority", CENTRE, 1),  # 4 of 16
        ("peak", CENTRE, -1),  # the -5
        ("attention", CENTRE, 1),
        ("border", CENTRE.abs(), -1),  # all positive: that cannot be the side off the border
        ("minority", CENTRE.abs(), -1),
        ("border", CENTRE + 1.5, 1),
        ("minority", CENTRE.roll(1) + 1, 1),
    ],
)
def test_signs_by_hand(rule, score, sign):
    attention = (CENTRE > 0).double() / 4
    assert foreground_sign(score, (4, 4), rule, attention) == sign


def test_border_counts_shares_not_numbers():
    # 2 of the 3 positive tokens lie on the frame, 10 of the 13 others: 0.67 < 0.77
    score = -torch.ones(4, 4)
    score[0, 0] = score[0, 1] = score[1, 1] = 1
    assert foreground_sign(score.flatten(), (4, 4), "border") == 1
    assert foreground_sign(-score.flatten(), (4, 4), "border") == -1


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 5), st.integers(2, 6), st.integers(0, 10_000), st.sampled_from(SIGNS))
def test_the_sign_flips_with_the_score(h, w, seed, rule):
    score = numbers(h * w, seed)
    attention = numbers(h * w, seed + 1).softmax(0)
    inside, frame = score > 0, border_frame((h, w)).double()
    # a tie is no preference for either side
    if rule == "minority":
        assume(inside.double().mean() != 0.5)
    if rule == "border" and inside.any() and not inside.all():
        assume(abs(frame[inside].mean() - frame[~inside].mean()) > 1e-9)
    one, other = (foreground_sign(s, (h, w), rule, attention) for s in (score, -score))
    assert one == -other
    assert one in (-1, 1)


@pytest.mark.parametrize("rule", SIGNS)
def test_signs_of_a_batch(rule):
    score = torch.stack([numbers(20, seed) for seed in range(6)])
    attention = torch.stack([numbers(20, seed).softmax(0) for seed in range(9, 15)])
    together = foreground_sign(score, (4, 5), rule, attention)
    alone = [foreground_sign(s, (4, 5), rule, a) for s, a in zip(score, attention)]
    assert together.tolist() == [float(s) for s in alone]


# --- thresholds ---


def test_zero_and_mean():
    y = torch.tensor([1.0, 2.0, 6.0])
    assert threshold(y, "zero") == 0
    assert threshold(y, "mean") == 3


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", ["two humps", "one hump", "skewed"])
def test_otsu_is_scikit_images(kind, seed):
    y = numbers(400, seed)
    y = {"two humps": y + 5 * (numbers(400, seed + 99) > 0.5), "one hump": y, "skewed": y.exp()}[kind]
    values = y.numpy()
    # scikit-image returns the centre of the last bin of the lower class: all of that bin is below
    edges = np.linspace(values.min(), values.max(), 257)
    last = np.searchsorted(edges, threshold_otsu(values)) - 1
    np.testing.assert_array_equal(values > float(threshold(y, "otsu")), values >= edges[last + 1])


def within(y: np.ndarray) -> float:
    return float(((y - y.mean()) ** 2).sum()) if len(y) else 0.0


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(-50, 50), min_size=2, max_size=30).filter(lambda v: len(set(v)) > 1))
def test_two_means_against_brute_force(values):
    y = torch.tensor(values).double() / 7
    cut = float(threshold(y, "two_means"))
    a = np.sort(y.numpy())
    best = min(within(a[:i]) + within(a[i:]) for i in range(1, len(a)))
    assert within(a[a <= cut]) + within(a[a > cut]) == pytest.approx(best, abs=1e-9)
    assert 0 < (a > cut).sum() < len(a)


def slow_ncut(W: np.ndarray, inside: np.ndarray) -> float:
    cut = W[inside][:, ~inside].sum()
    return cut / W[inside].sum() + cut / W[~inside].sum()


@pytest.mark.parametrize("seed", range(4))
def test_the_ncut_sweep_against_a_slow_loop(seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(40, 3, generator=generator, dtype=torch.float64) + 2 * (torch.arange(40) < 15)[:, None]
    W = (x @ x.T).clamp_min(0) + 0.01
    y = eigenpairs(W, 2).vectors[:, 1]
    cut = float(threshold(y, "ncut", W))
    best = min(slow_ncut(W.numpy(), (y > t).numpy()) for t in y.sort().values[:-1])
    assert slow_ncut(W.numpy(), (y > cut).numpy()) == pytest.approx(best, rel=1e-9)


@pytest.mark.parametrize("rule", ["zero", "mean", "otsu", "ncut", "two_means"])
def test_a_constant_vector_has_a_threshold(rule):
    for value in (0.0, 0.3):
        assert torch.isfinite(threshold(torch.full((9,), value), rule, torch.ones(9, 9)))


# --- regions, vote, centroid ---


def slow_vote(V, grid, ks, ratio, seed):
    """Recipe C, cluster by cluster and token by token."""
    h, w = grid
    frame = [i in (0, h - 1) or j in (0, w - 1) for i in range(h) for j in range(w)]
    V = V / V.norm(dim=0)
    total = [0.0] * (h * w)
    for k in ks:
        labels = kmeans(V[:, 1:k], k, seed=seed).tolist()
        r = {}
        for c in set(labels):
            members = [t for t, label in enumerate(labels) if label == c]
            r[c] = (sum(frame[t] for t in members) / len(members)) / (sum(frame) / len(frame))
        chosen = {c for c in r if r[c] < ratio} or {min(sorted(r), key=r.get)}
        for t, label in enumerate(labels):
            total[t] += (1 if label in chosen else -1) / len(ks)
    return total


def embedding(n=63, K=7, seed=0):
    return torch.randn(n, K, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("ratio", [0.05, 0.6, 0.95, 5.0])
def test_the_vote_against_a_slow_loop(seed, ratio):
    ks = (3, 4, 5, 6)
    vote = cluster_vote(embedding(seed=seed), (7, 9), ks, ratio, seed)
    np.testing.assert_allclose(vote, slow_vote(embedding(seed=seed), (7, 9), ks, ratio, seed), atol=1e-6)


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    ks=st.lists(st.integers(2, 7), min_size=1, max_size=4).map(tuple),
    ratio=st.floats(0, 2),
    flat=st.booleans(),
)
def test_votes_lie_between_minus_one_and_one(seed, ks, ratio, flat):
    V = torch.ones(63, 7) if flat else embedding(seed=seed)
    vote = cluster_vote(V, (7, 9), ks, ratio)
    assert vote.abs().max() <= 1
    # with m clusterings the mean of m votes of one is a multiple of 2 / m, less 1
    steps = (vote + 1) * len(ks) / 2
    torch.testing.assert_close(steps, steps.round(), atol=1e-5, rtol=0)
    assert (vote > -1).any()  # at least one cluster is called foreground


def test_a_vote_finds_the_square_in_the_middle():
    inside = torch.zeros(10, 12)
    inside[3:7, 4:9] = 1
    noise = 0.05 * embedding(120, 5)
    V = torch.cat([torch.ones(120, 1), inside.view(120, 1) + noise[:, :1], noise[:, 1:]], 1)
    vote = cluster_vote(V, (10, 12), ks=(2,))
    assert torch.equal(vote > 0, inside.flatten() > 0)


def test_the_vote_and_the_centroids_of_a_batch():
    V = torch.stack([embedding(seed=seed) for seed in range(3)])
    x = torch.stack([embedding(seed=10 + seed) for seed in range(3)])
    vote = cluster_vote(V, (7, 9))
    score = centroid_step(x, vote > 0)
    for b in range(3):
        torch.testing.assert_close(vote[b], cluster_vote(V[b], (7, 9)), atol=1e-4, rtol=0)
        torch.testing.assert_close(score[b], centroid_step(x[b], vote[b] > 0), atol=1e-4, rtol=0)


def test_a_cluster_that_has_no_token_is_not_chosen():
    labels = torch.tensor([[0, 0, 0, 0, 2, 0, 0, 0, 0]])  # no 1
    vote = label_vote([labels], (3, 3), ratio=0.6)[0]
    assert vote.tolist() == [-1, -1, -1, -1, 1, -1, -1, -1, -1]


def test_the_centroid_step_by_hand():
    x = torch.tensor([[3.0, 0.0], [0.0, 1.0], [0.0, 2.0], [1.0, 1.0]])
    inside = torch.tensor([True, False, False, False])
    a = np.array([1.0, 0.0])
    b = np.array([0.0, 1.0]) + np.array([0.0, 1.0]) + np.array([1.0, 1.0]) / np.sqrt(2)
    unit = x.numpy() / np.linalg.norm(x.numpy(), axis=1, keepdims=True)
    expected = unit @ (a - b / np.linalg.norm(b))
    np.testing.assert_allclose(centroid_step(x, inside), expected, atol=1e-6)
    assert centroid_step(x, torch.ones(4, dtype=torch.bool)).tolist() == [1, 1, 1, 1]
    assert centroid_step(x, torch.zeros(4, dtype=torch.bool)).tolist() == [-1, -1, -1, -1]


def test_the_component_of_the_seed():
    mask = torch.tensor([[1, 1, 0, 1], [0, 0, 1, 1], [1, 0, 0, 1]]).bool()
    part = torch.tensor([[0, 0, 0, 1], [0, 0, 1, 1], [0, 0, 0, 1]]).bool()  # corners do not touch
    assert torch.equal(seed_component(mask.flatten(), 3, (3, 4)), part.flatten())
    assert torch.equal(seed_component(mask.flatten(), 2, (3, 4)), mask.flatten())  # a seed outside


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: foreground_sign(torch.ones(4), (2, 2), "boarder"), ["did you mean 'border'"]),
        (lambda: foreground_sign(torch.ones(4), (2, 2), "attention"), ["class token", '"border"']),
        (lambda: threshold(torch.ones(4), "otsuu"), ["did you mean 'otsu'"]),
        (lambda: threshold(torch.ones(4), "ncut"), ["graph W"]),
        (lambda: cluster_vote(torch.ones(9, 5), (3, 3)), ["needs 6", "got 5"]),
    ],
)
def test_refusals(call, words, refused):
    with refused(*words):
        call()
