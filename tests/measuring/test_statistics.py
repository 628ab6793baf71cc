"""Bootstrap intervals against closed forms, against a loop, and for their determinism."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from simsam.errors import SimsamError
from simsam.measuring import metrics
from simsam.measuring.statistics import (
    bootstrap_interval,
    bootstrap_miou,
    paired_difference,
    paired_miou_of_runs,
)


def paired_miou_difference(a, b):
    return paired_miou_of_runs([a], [b])


def tables(n, classes=3, clusters=4, seed=0):
    """Random confusion matrices (n, C, K), each class mostly in one cluster."""
    random = np.random.default_rng(seed)
    return random.poisson(20 * np.eye(classes, clusters) + 2, size=(n, classes, clusters))


def test_interval_of_a_mean_is_near_the_t_interval():
    values = np.random.default_rng(1).normal(0.8, 0.1, size=400)
    low, high = stats.t.interval(0.95, 399, values.mean(), stats.sem(values))
    np.testing.assert_allclose(bootstrap_interval(values), (low, high), atol=0.05 * (high - low))


def test_interval_covers_the_truth_as_often_as_it_says():
    random = np.random.default_rng(2)
    hits = 0
    for seed in range(300):
        low, high = bootstrap_interval(random.normal(size=60), samples=400, seed=seed)
        hits += low <= 0 <= high
    assert (
        0.90 <= hits / 300 <= 0.98
    )  # 0.95 give or take three standard errors, and the percentile's small bias


def test_same_seed_same_interval():
    values = np.random.default_rng(3).random(50)
    assert bootstrap_interval(values) == bootstrap_interval(values.copy())
    assert bootstrap_interval(values, samples=500) != bootstrap_interval(values, samples=500, seed=1)
    a = tables(10)
    assert bootstrap_miou(a) == bootstrap_miou(a.copy())
    assert bootstrap_miou(a, samples=500) != bootstrap_miou(a, samples=500, seed=1)


def test_level_and_statistic_matter():
    values = np.random.default_rng(4).exponential(size=100)
    narrow, wide = bootstrap_interval(values, level=0.5), bootstrap_interval(values, level=0.99)
    assert wide[0] < narrow[0] < values.mean() < narrow[1] < wide[1]
    low, high = bootstrap_interval(values, statistic=np.median)
    assert low < np.median(values) < high < values.mean() * 1.2


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-10, 10), min_size=1, max_size=20))
def test_interval_lies_within_the_values(values):
    low, high = bootstrap_interval(values, samples=200)
    assert min(values) - 1e-9 <= low <= high + 1e-9 <= max(values) + 2e-9  # sums round


def test_one_value_and_equal_values():
    assert bootstrap_interval([0.3]) == (0.3, 0.3)
    np.testing.assert_allclose(bootstrap_interval([0.3] * 5), (0.3, 0.3))


def test_paired_difference():
    random = np.random.default_rng(5)
    hard = random.random(200)  # what both share
    a, b = hard + 0.02 + 0.01 * random.normal(size=200), hard
    difference, low, high = paired_difference(a, b)
    assert difference == pytest.approx((a - b).mean())
    assert 0 < low < difference < high
    # Unpaired, the same means could not be told apart.
    assert bootstrap_interval(a)[0] < bootstrap_interval(b)[1]
    assert paired_difference(a, a) == (0, 0, 0)
    np.testing.assert_allclose(paired_difference(b, a), [-difference, -high, -low], atol=2e-4)


def test_miou_interval_against_a_loop():
    a = tables(12)
    assignment = metrics.match_clusters(a.sum(axis=0))
    random = np.random.default_rng(6)
    slow = [metrics.miou(a[random.integers(0, 12, size=12)].sum(axis=0), assignment) for _ in range(3000)]
    low, high = bootstrap_miou(a)
    np.testing.assert_allclose((low, high), np.quantile(slow, [0.025, 0.975]), atol=0.05 * (high - low))
    assert low < metrics.miou(a.sum(axis=0)) < high


def test_miou_interval_leaves_out_what_a_resample_lacks():
    # Class 1 and all of its errors are in one image of two: alone, the other is perfect.
    a = np.array([[[4, 0], [0, 0]], [[0, 0], [2, 2]]])
    low, high = bootstrap_miou(a, assignment=[0, 1])
    assert (low, high) == (0.5, 1.0)
    void = np.zeros_like(a[:1])
    assert bootstrap_miou(np.concatenate([a, void]), assignment=[0, 1]) == (0.5, 1.0)


def test_assignment_is_held_fixed():
    a = tables(5, classes=2, clusters=2)
    assert bootstrap_miou(a, assignment=[1, 0])[1] < bootstrap_miou(a)[0]
    assert bootstrap_miou(a, assignment=metrics.match_clusters(a.sum(axis=0))) == bootstrap_miou(a)


def test_paired_miou_difference():
    a = tables(30)
    worse = a + np.random.default_rng(7).poisson(3, size=a.shape)
    difference, low, high = paired_miou_difference(a, worse)
    assert difference == pytest.approx(metrics.miou(a.sum(axis=0)) - metrics.miou(worse.sum(axis=0)))
    assert 0 < low < difference < high
    assert paired_miou_difference(a, a) == (0, 0, 0)
    assert paired_miou_difference(a, a[:, :, ::-1]) == pytest.approx(
        (0, 0, 0)
    )  # names of clusters mean nothing
    more = np.concatenate([a, np.zeros((30, 3, 2), int)], axis=2)
    assert paired_miou_difference(a, more) == pytest.approx((0, 0, 0))  # their number may differ


def test_bad_input():
    for bad in ([], [[1.0]], [np.nan, 1], [np.inf]):
        with pytest.raises(SimsamError, match="values"):
            bootstrap_interval(bad)
    for level in (0, 1, 95):
        with pytest.raises(SimsamError, match="level"):
            bootstrap_interval([1, 2], level=level)
    with pytest.raises(SimsamError, match="at least one"):
        bootstrap_interval([1, 2], samples=0)
    with pytest.raises(SimsamError, match="2 values against 3"):
        paired_difference([1, 2], [1, 2, 3])
    with pytest.raises(SimsamError, match="confusion matrices of shape"):
        bootstrap_miou(np.eye(2, dtype=int))
    with pytest.raises(SimsamError, match="runs of 5 and 6 images"):
        paired_miou_difference(tables(5), tables(6))
    with pytest.raises(SimsamError, match="void only"):
        bootstrap_miou(np.zeros((3, 2, 2), int))


def test_runs_of_one_clustering_change_nothing():
    a, b = tables(12, seed=0), tables(12, seed=1)
    assert paired_miou_of_runs([a, a], [b]) == pytest.approx(paired_miou_of_runs([a], [b]))
    assert paired_miou_of_runs([a]) == pytest.approx((metrics.miou(a.sum(0)), *bootstrap_miou(a)))


def test_clusterings_that_differ_widen_the_interval(refused):
    a = np.tile(np.eye(2, dtype=int)[None] * 10, (20, 1, 1))  # right everywhere
    bad = a + 10  # half wrong everywhere: no spread over images, only over runs
    value, low, high = paired_miou_of_runs([a, bad])
    mean = (metrics.miou(a.sum(0)) + metrics.miou(bad.sum(0))) / 2
    assert value == pytest.approx(mean)
    assert low == pytest.approx(metrics.miou(bad.sum(0)))
    assert high == pytest.approx(1)
    assert paired_miou_of_runs([a, bad], [a, bad])[1] < 0 < paired_miou_of_runs([a, bad], [a, bad])[2]
    with refused("the same images"):
        paired_miou_of_runs([a], [a[:3]])
    with refused("at least one run"):
        paired_miou_of_runs([a], [])
