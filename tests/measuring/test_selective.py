"""Ranking of failures against scikit-learn and slow loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from simsam.measuring.selective import auroc, auroc_of, kept_mean, kept_mean_of, redrawn

grades = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=30)


def split(pairs: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    confidence, failed = zip(*pairs)
    assume(0 < sum(failed) < len(failed))
    return np.array(confidence, float), np.array(failed)


@given(grades)
def test_auroc_is_scikit_learns(pairs):
    confidence, failed = split(pairs)
    expected = roc_auc_score(failed, -confidence)
    assert auroc(confidence, failed) == pytest.approx(expected)
    assert auroc_of(confidence, failed)(np.ones((1, len(failed))))[0] == pytest.approx(expected)


@given(grades, st.integers(0, 999))
def test_a_redrawn_auroc_is_that_of_the_images_drawn(pairs, seed):
    confidence, failed = split(pairs)
    times = np.random.default_rng(seed).multinomial(len(failed), np.full(len(failed), 1 / len(failed)), 5)
    for drawn, value in zip(times, auroc_of(confidence, failed)(times.astype(float))):
        c, f = np.repeat(confidence, drawn), np.repeat(failed, drawn)
        if f.all() or not f.any():
            assert np.isnan(value)
        else:
            assert value == pytest.approx(roc_auc_score(f, -c))


@given(st.permutations(range(10)), st.integers(1, 10))
def test_what_is_kept_against_sorting(order, kept):
    confidence, values = np.array(order, float), np.sin(np.arange(10))
    surest = sorted(range(10), key=lambda i: -confidence[i])[:kept]
    assert kept_mean(confidence, values, kept / 10) == pytest.approx(np.mean([values[i] for i in surest]))


def test_what_is_kept_by_hand():
    values = np.array([1.0, 0.5, 0.0, 0.0])
    assert kept_mean(np.array([4.0, 3, 2, 1]), values, 0.625) == pytest.approx(1.5 / 2.5)  # half of the third
    assert kept_mean(np.ones(4), values, 0.25) == pytest.approx(values.mean())  # nothing tells them apart
    assert kept_mean(np.arange(4.0), values, 1.0) == pytest.approx(values.mean())


def test_a_redrawn_mean_is_that_of_the_images_drawn():
    random = np.random.default_rng(3)
    confidence, values = random.random(12), random.random(12)
    times = random.multinomial(12, np.full(12, 1 / 12), 20)
    for drawn, value in zip(times, kept_mean_of(confidence, values, 0.75)(times.astype(float))):
        c, v = np.repeat(confidence, drawn), np.repeat(values, drawn)
        assert value == pytest.approx(v[np.argsort(-c)][:9].mean())


def test_redraws_are_the_same_for_every_statistic():
    first = redrawn(lambda times: times[:, 0], 7, samples=50)
    again = redrawn(lambda times: times[:, 0], 7, samples=50, batch=11)
    assert first.shape == again.shape == (50,)
    np.testing.assert_array_equal(redrawn(lambda t: t.sum(1), 7, samples=50), 7)
    np.testing.assert_array_equal(first, redrawn(lambda times: times[:, 0], 7, samples=50))
    assert len(set(first)) > 2


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: auroc(np.ones(3), np.ones(3, bool)), ["of one kind"]),
        (lambda: auroc(np.ones(3), np.zeros(3)), ["float64", "a bool an image"]),
        (lambda: auroc(np.ones(2), np.zeros(3, bool)), ["(2,)", "(3,)"]),
        (lambda: kept_mean(np.ones(2), np.ones(2), 0.0), ["coverage 0.0"]),
    ],
)
def test_refusals(call, words, refused):
    with refused(*words):
        call()
