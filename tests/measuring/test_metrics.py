"""Metrics against loops over pixels, against cases worked by hand, and at their edges."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from simsam.data.masks import box_of
from simsam.errors import SimsamError
from simsam.measuring import metrics

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=7)


@st.composite
def mask_pairs(draw):
    shape = draw(SHAPES)
    return draw(hnp.arrays(bool, shape)), draw(hnp.arrays(bool, shape))


def as_mask(*rows):
    return np.array([[c == "#" for c in row] for row in rows])


def counts(mask, truth):
    """(true positives, false positives, false negatives, true negatives), one pixel at a time."""
    found = [0, 0, 0, 0]
    for m, t in zip(mask.ravel().tolist(), truth.ravel().tolist(), strict=True):
        found[(0 if t else 1) if m else (2 if t else 3)] += 1
    return found


# --- masks ---


def test_hand_computed_masks():
    mask, truth = as_mask("##.", "##."), as_mask(".##", ".##")
    assert metrics.iou(mask, truth) == 2 / 6
    assert metrics.accuracy(mask, truth) == 2 / 6
    assert metrics.f_beta(mask, truth) == pytest.approx(0.5)  # P = R = 1/2
    # P = 1, R = 1/2: 1.3 * 0.5 / (0.3 + 0.5)
    assert metrics.f_beta(as_mask("#."), as_mask("##")) == pytest.approx(0.65 / 0.8)


@pytest.mark.parametrize(
    ("mask", "truth", "iou", "accuracy", "f"),
    [
        ("..", "..", 1, 1, 1),
        ("#.", "..", 0, 0.5, 0),
        ("..", "#.", 0, 0.5, 0),
        ("#.", ".#", 0, 0, 0),
        ("##", "##", 1, 1, 1),
    ],
    ids=["both empty", "truth empty", "mask empty", "no overlap", "all of it"],
)
def test_edges_of_masks(mask, truth, iou, accuracy, f):
    mask, truth = as_mask(mask), as_mask(truth)
    assert (metrics.iou(mask, truth), metrics.accuracy(mask, truth), metrics.f_beta(mask, truth)) == (
        iou,
        accuracy,
        f,
    )


@given(mask_pairs())
def test_masks_against_loops(pair):
    tp, fp, fn, tn = counts(*pair)
    assert metrics.iou(*pair) == (tp / (tp + fp + fn) if tp + fp + fn else 1)
    assert metrics.accuracy(*pair) == pytest.approx((tp + tn) / (tp + fp + fn + tn))
    if tp:
        precision, recall = tp / (tp + fp), tp / (tp + fn)
        assert metrics.f_beta(*pair) == pytest.approx(1.3 * precision * recall / (0.3 * precision + recall))
    else:
        assert metrics.f_beta(*pair) == (1 if fp + fn == 0 else 0)


@given(mask_pairs())
def test_properties_of_iou(pair):
    mask, truth = pair
    value = metrics.iou(mask, truth)
    assert 0 <= value <= 1
    assert value == metrics.iou(truth, mask)
    assert metrics.iou(mask, mask) == 1
    assert value <= metrics.f_beta(mask, truth, beta2=1)  # the Dice score is never below IoU
    assert metrics.accuracy(mask, truth) + metrics.accuracy(~mask, truth) == pytest.approx(1)


@given(st.data())
def test_f_curve_is_f_beta_at_every_threshold(data):
    shape = data.draw(SHAPES)
    truth = data.draw(hnp.arrays(bool, shape))
    soft = data.draw(
        hnp.arrays(float, shape, elements=st.sampled_from([0, 0.25, 128 / 255, 0.9, 1]) | st.floats(0, 1))
    )
    slow = [metrics.f_beta(soft > t, truth) for t in metrics.THRESHOLDS]
    np.testing.assert_allclose(metrics.f_curve(soft, truth), slow)


def test_thresholds_tell_all_levels_of_an_8_bit_map_apart():
    levels = (np.arange(256) / 255)[None, :] > metrics.THRESHOLDS[:, None]
    np.testing.assert_array_equal(levels.sum(axis=0), np.arange(256))


def test_max_f_takes_one_threshold_for_all_images():
    curves = [[0.2, 0.8, 0.4], [0.9, 0.1, 0.5]]
    assert metrics.max_f(curves) == pytest.approx(0.55)  # not the mean of 0.8 and 0.9
    mask, truth = as_mask("##."), as_mask(".##")
    assert metrics.max_f(metrics.f_curve(mask.astype(float), truth)) == pytest.approx(
        metrics.f_beta(mask, truth)
    )


@pytest.mark.parametrize("call", [metrics.iou, metrics.accuracy, metrics.f_beta])
@pytest.mark.parametrize(
    ("mask", "match"),
    [
        (np.zeros((2, 3), bool), r"\(2, 3\) and the truth \(3, 2\)"),
        (np.zeros((3, 2)), "float64.*expected a bool array"),
        (np.zeros((3, 2, 1), bool), "expected a bool array"),
        ([[True]], "list"),
    ],
)
def test_bad_masks(call, mask, match):
    with pytest.raises(SimsamError, match=match):
        call(mask, np.zeros((3, 2), bool))


@pytest.mark.parametrize(
    "soft", [np.full((3, 2), 1.5), np.full((3, 2), np.nan), np.ones((3, 2), int), np.zeros((2, 2))]
)
def test_bad_soft_map(soft):
    with pytest.raises(SimsamError, match="soft map"):
        metrics.f_curve(soft, np.ones((3, 2), bool))


def test_empty_mask_array_and_empty_curves():
    with pytest.raises(SimsamError, match="bool array"):
        metrics.iou(np.zeros((0, 2), bool), np.zeros((0, 2), bool))
    with pytest.raises(SimsamError, match="F curves"):
        metrics.max_f([])


# --- boxes ---


def test_box_of_hand_computed():
    mask = as_mask("......", ".#..##", ".#..#.")
    assert box_of(mask) == (1, 1, 3, 6)
    assert box_of(mask, largest=True) == (1, 4, 3, 6)
    assert box_of(np.zeros((2, 3), bool)) is None
    assert box_of(as_mask("#.", ".#"), largest=True) == (
        0,
        0,
        1,
        1,
    )  # diagonal neighbours do not touch
    assert box_of(as_mask("#.", ".#"), largest=True, neighbours=8) == (0, 0, 2, 2)  # but where they do


@given(hnp.arrays(bool, SHAPES))
def test_box_is_the_smallest_that_holds_the_mask(mask):
    box = box_of(mask)
    on = [(i, j) for i, j in itertools.product(*map(range, mask.shape)) if mask[i, j]]
    if not on:
        assert box is None
    else:
        rows, columns = zip(*on, strict=True)
        assert box == (min(rows), min(columns), max(rows) + 1, max(columns) + 1)


boxes = st.tuples(*[st.integers(0, 8)] * 4).map(
    lambda c: (min(c[0], c[2]), min(c[1], c[3]), max(c[0], c[2]), max(c[1], c[3]))
)


@given(boxes, boxes)
def test_box_iou_against_counting_pixels(a, b):
    cells = [{(i, j) for i in range(t, d) for j in range(left, r)} for t, left, d, r in (a, b)]
    union = len(cells[0] | cells[1])
    assert metrics.box_iou(a, b) == pytest.approx(len(cells[0] & cells[1]) / union if union else 0)


def test_box_iou_broadcasts_and_agrees_with_masks():
    a, many = (0, 0, 4, 4), np.array([[0, 0, 4, 4], [2, 2, 6, 6], [4, 4, 5, 5]])
    np.testing.assert_allclose(metrics.box_iou(a, many), [1, 4 / 28, 0])
    assert metrics.box_iou(many[:, None], many[None]).shape == (3, 3)


def test_localised_boxes():
    true = np.array([[0, 0, 10, 10], [20, 20, 30, 30]])
    assert metrics.is_localised((20, 20, 30, 30), true)
    assert metrics.is_localised((0, 0, 5, 10), true)  # IoU exactly 0.5 counts
    assert not metrics.is_localised((0, 0, 4, 10), true)
    assert not metrics.is_localised(None, true)


def test_bad_boxes():
    with pytest.raises(SimsamError, match="top <= bottom"):
        metrics.box_iou((5, 0, 1, 1), (0, 0, 1, 1))
    with pytest.raises(SimsamError, match=r"\(\.\.\., 4\)"):
        metrics.box_iou((0, 0, 1), (0, 0, 1, 1))
    with pytest.raises(SimsamError, match="without true boxes"):
        metrics.is_localised((0, 0, 1, 1), np.zeros((0, 4)))
