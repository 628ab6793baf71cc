"""Runs and their parts against scipy's labels."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from simsam.objects.parts import drop_small_parts, find_runs, large_parts, positive_on

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=9))


@given(MASKS)
def test_runs_hang_together_as_labels_do(mask):
    runs = find_runs(mask)
    own = np.zeros(mask.size, int)
    for start, stop, part in zip(runs.start, runs.stop, runs.part, strict=True):
        assert not own[start:stop].any()
        own[start:stop] = part + 1
    labels, count = ndimage.label(mask)
    assert np.array_equal(own.reshape(mask.shape) > 0, mask)
    assert runs.count == count == len(set(zip(own[mask.ravel()], labels[mask], strict=True)))
    assert sorted(runs.sizes()) == sorted(np.bincount(labels.ravel())[1:])


@given(MASKS, st.floats(0, 1))
def test_what_is_small_goes(mask, share):
    score = torch.from_numpy(np.where(mask, 1.0, -1.0) * np.arange(1, mask.size + 1).reshape(mask.shape))
    labels, _ = ndimage.label(mask)
    size = np.bincount(labels.ravel())
    size[0] = 0
    expected = mask & (size[labels] >= share * size.max())
    kept = drop_small_parts(score, share)
    assert np.array_equal(kept.numpy() > 0, expected)
    assert torch.equal(kept.abs(), score.abs())
    assert np.array_equal(score.numpy() > 0, mask)  # what came in stays as it was
    before = mask.copy()
    assert np.array_equal(large_parts(mask, share), expected)
    assert np.array_equal(mask, before)


def test_a_score_takes_the_sign_of_a_mask():
    score = torch.tensor([[2.0, -3.0, 0.0], [-1.0, 4.0, 0.0]])
    mask = np.array([[True, True, True], [False, False, False]])
    signed = positive_on(score, mask)
    assert np.array_equal((signed > 0).numpy(), mask)
    torch.testing.assert_close(signed.abs(), score.abs(), atol=1e-30, rtol=0)


def test_small_parts_go():
    score = torch.full((6, 9), -1.0)
    score[1:4, 1:4] = 2  # 9 pixels
    score[1:3, 6:8] = 3  # 4
    score[5, 8] = 4  # 1
    for share, sizes in ((0, {9, 4, 1}), (0.1, {9, 4, 1}), (0.2, {9, 4}), (0.5, {9}), (1.0, {9})):
        kept = drop_small_parts(score, share)
        labels, _ = ndimage.label(kept.numpy() > 0)
        assert set(np.bincount(labels.ravel())[1:].tolist()) == sizes
        assert torch.equal(kept[kept > 0], score[kept > 0])
        assert torch.equal(kept.abs(), score.abs())
    for empty in (-torch.ones(3, 3), torch.ones(3, 3)):
        assert torch.equal(drop_small_parts(empty, 0.5), empty)
