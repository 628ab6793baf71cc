"""Clusters matched to classes: counts against loops, the best matching against trying all of them."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from simsam.errors import SimsamError
from simsam.measuring import metrics
from simsam.measuring.metrics import VOID

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=7)


@st.composite
def label_pairs(draw, clusters=4, classes=3):
    shape = draw(SHAPES)
    truth = draw(hnp.arrays(np.uint8, shape, elements=st.sampled_from([*range(classes), VOID])))
    return draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, clusters - 1))), truth


def slow_confusion(prediction, truth, clusters, classes):
    table = np.zeros((classes, clusters), int)
    for p, t in zip(prediction.ravel().tolist(), truth.ravel().tolist(), strict=True):
        if t != VOID:
            table[t, p] += 1
    return table


def slow_class_iou(prediction, truth, assignment, classes):
    """IoU of each class from relabelled pixels, nan where the truth lacks the class."""
    values = []
    valid = truth != VOID
    relabelled = np.array([assignment[p] for p in prediction.ravel().tolist()]).reshape(prediction.shape)
    for c in range(classes):
        mine, its = (relabelled == c) & valid, truth == c
        values.append(metrics.iou(mine, its) if its.any() else np.nan)
    return values


def slow_match(total):
    """The best sum of IoU over all one-to-one matchings, by trying them all."""
    classes, clusters = total.shape
    union = total.sum(1, keepdims=True) + total.sum(0) - total
    score = np.where(union > 0, total / np.maximum(union, 1), 0)
    if classes <= clusters:
        pairings = (
            zip(range(classes), p, strict=True) for p in itertools.permutations(range(clusters), classes)
        )
    else:
        pairings = (
            zip(p, range(clusters), strict=True) for p in itertools.permutations(range(classes), clusters)
        )
    return max(sum(score[c, k] for c, k in pairing) for pairing in pairings)


@given(label_pairs())
def test_confusion_against_loops(pair):
    np.testing.assert_array_equal(metrics.confusion(*pair, 4, 3), slow_confusion(*pair, 4, 3))


def test_confusion_does_not_overflow_bytes():
    prediction, truth = np.full((1, 1), 30, np.uint8), np.full((1, 1), 20, np.uint8)
    table = metrics.confusion(prediction, truth, 31, 21)
    assert (table[20, 30], table.sum()) == (1, 1)


def test_void_only_image():
    table = metrics.confusion(np.zeros((2, 2), int), np.full((2, 2), VOID), 2, 3)
    np.testing.assert_array_equal(table, np.zeros((3, 2)))
    for metric in (metrics.miou, metrics.matched_accuracy):
        with pytest.raises(SimsamError, match="void only"):
            metric(table)
    other = np.array([[3, 0], [0, 2], [0, 0]])
    assert metrics.miou(other + table) == metrics.miou(other) == 1


def test_matching_by_hand():
    total = np.array([[8, 1], [2, 9]])
    np.testing.assert_array_equal(metrics.match_clusters(total), [0, 1])
    np.testing.assert_allclose(metrics.class_iou(total, [0, 1]), [8 / 11, 9 / 12])
    assert metrics.miou(total) == pytest.approx((8 / 11 + 9 / 12) / 2)
    assert metrics.matched_accuracy(total) == pytest.approx(17 / 20)
    np.testing.assert_array_equal(metrics.match_clusters(total[::-1]), [1, 0])


def test_more_clusters_than_classes():
    total = np.array([[6, 0, 4], [0, 5, 0]])
    np.testing.assert_array_equal(metrics.match_clusters(total), [0, 1, -1])
    assert metrics.miou(total) == pytest.approx((6 / 10 + 1) / 2)  # cluster 2 counts as wrong
    assert metrics.matched_accuracy(total) == pytest.approx(11 / 15)
    np.testing.assert_array_equal(metrics.majority_clusters(total), [0, 1, 0])
    assert metrics.miou(total, metrics.majority_clusters(total)) == 1


def test_fewer_clusters_than_classes():
    total = np.array([[6], [3]])
    np.testing.assert_array_equal(metrics.match_clusters(total), [0])
    np.testing.assert_allclose(metrics.class_iou(total, [0]), [6 / 9, 0])


def test_a_class_absent_from_the_truth_is_left_out():
    total = np.array([[4, 0], [0, 0], [0, 4]])
    np.testing.assert_allclose(metrics.class_iou(total, metrics.match_clusters(total)), [1, np.nan, 1])
    assert metrics.miou(total) == 1


def test_clusters_that_never_occur_match_nothing():
    total = np.array([[4, 0], [0, 0]])
    np.testing.assert_array_equal(metrics.match_clusters(total), [0, -1])
    np.testing.assert_array_equal(metrics.majority_clusters(total), [0, -1])


@given(hnp.arrays(int, st.tuples(st.integers(1, 4), st.integers(1, 4)), elements=st.integers(0, 9)))
def test_matching_is_the_best_there_is(total):
    assignment = metrics.match_clusters(total)
    used = assignment[assignment >= 0]
    assert len(set(used.tolist())) == len(used)
    assert np.nansum(metrics.class_iou(total, assignment)) == pytest.approx(slow_match(total))


@given(label_pairs(), st.permutations(range(4)))
def test_miou_against_relabelled_pixels_and_cluster_names(pair, order):
    prediction, truth = pair
    table = metrics.confusion(prediction, truth, 4, 3)
    for assignment in (
        metrics.match_clusters(table),
        metrics.majority_clusters(table),
        np.array([2, 2, -1, 0]),
    ):
        slow = slow_class_iou(prediction, truth, assignment, 3)
        np.testing.assert_allclose(metrics.class_iou(table, assignment), slow)
    if table.any():
        assert metrics.miou(table) == pytest.approx(
            metrics.miou(table[:, order])
        )  # names of clusters mean nothing
        assert 0 <= metrics.miou(table) <= 1


@given(st.lists(label_pairs(), min_size=1, max_size=3))
def test_counts_add_up_over_images(pairs):
    tables = np.stack([metrics.confusion(*pair, 4, 3) for pair in pairs])
    assignment = np.array([0, 2, -1, 1])
    for each, total in zip(
        metrics.class_counts(tables, assignment), metrics.class_counts(tables.sum(0), assignment), strict=True
    ):
        np.testing.assert_array_equal(each.sum(axis=0), total)


@pytest.mark.parametrize(
    ("prediction", "truth", "match"),
    [
        (np.zeros((2, 2), int), np.zeros((2, 3), int), "shape"),
        (np.full((2, 2), 4), np.zeros((2, 2), int), "prediction holds labels from 4 to 4: expected 0 to 3"),
        (np.full((2, 2), -1), np.zeros((2, 2), int), "prediction holds"),
        (np.zeros((2, 2), int), np.full((2, 2), 3), "truth holds labels from 3 to 3: expected 0 to 2"),
        (np.zeros((2, 2)), np.zeros((2, 2), int), "float64: expected a map of integer labels"),
    ],
)
def test_bad_label_maps(prediction, truth, match):
    with pytest.raises(SimsamError, match=match):
        metrics.confusion(prediction, truth, 4, 3)


def test_bad_confusions_and_assignments():
    for bad in (np.zeros(3, int), np.ones((2, 2)), np.array([[-1, 0]]), np.zeros((0, 2), int)):
        with pytest.raises(SimsamError, match="confusion matrix"):
            metrics.match_clusters(bad)
    for bad in ([0], [0, 2], [-2, 0]):
        with pytest.raises(SimsamError, match="assignment"):
            metrics.class_iou(np.eye(2, dtype=int), bad)
