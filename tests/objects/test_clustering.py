"""K-means against scikit-learn's."""

from __future__ import annotations

import pytest
import torch
from sklearn.cluster import KMeans

from simsam.objects.clustering import kmeans


def inertia(x, labels):
    """The sum of squared distances to the mean of one's own cluster."""
    return sum(float((x[labels == c] - x[labels == c].mean(0)).square().sum()) for c in labels.unique())


def points(n=300, d=3, groups=5, spread=0.4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    centres = 2 * torch.randn(groups, d, generator=generator)
    return centres[torch.randint(groups, (n,), generator=generator)] + spread * torch.randn(
        n, d, generator=generator
    )


@pytest.mark.parametrize("spread", [0.2, 1.0])
@pytest.mark.parametrize("k", [2, 3, 5, 6])
def test_as_tight_as_scikit_learn(k, spread):
    for seed in range(2):
        x = points(spread=spread, seed=seed)
        labels = kmeans(x, k)
        assert labels.dtype == torch.int64
        assert labels.shape == (300,)
        assert set(labels.tolist()) <= set(range(k))
        best = KMeans(k, n_init=8, random_state=0).fit(x.numpy()).inertia_
        assert inertia(x, labels) <= 1.03 * best


def test_it_ends_at_a_fixed_point():
    x = points(spread=1.0)
    labels = kmeans(x, 4, iterations=300)
    centres = torch.stack([x[labels == c].mean(0) for c in range(4)])
    assert torch.equal(torch.cdist(x, centres).argmin(1), labels)


def test_the_seed_decides():
    x = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(kmeans(x, 6, seed=3), kmeans(x, 6, seed=3))
    assert not torch.equal(kmeans(x, 6, seed=3), kmeans(x, 6, seed=4))


def test_a_batch_equals_its_sets_one_by_one():
    x = torch.stack([points(seed=seed) for seed in range(4)])
    together = kmeans(x, 5)
    for b in range(4):
        assert torch.equal(together[b], kmeans(x[b], 5))


def test_repeated_points_and_as_many_clusters_as_points():
    assert len(kmeans(torch.ones(20, 2), 3).unique()) == 1  # nothing to tell apart
    x = torch.arange(6.0)[:, None]
    assert sorted(kmeans(x, 6).tolist()) == list(range(6))
    assert kmeans(x, 1).tolist() == [0] * 6


@pytest.mark.parametrize("k", [0, 7])
def test_k_must_fit(k, refused):
    with refused(f"k={k}", "1 to 6"):
        kmeans(torch.zeros(6, 2), k)
