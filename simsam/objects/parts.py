"""The connected parts of a mask, by its runs: what they cost grows with the outline, not with the pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor


@dataclass(frozen=True)
class Runs:
    """The rows' unbroken stretches of a mask, in reading order: run i is the pixels start[i] to stop[i] - 1
    of the flattened mask, and belongs to the 4-connected part part[i]; all (r,) int64. count: of the
    parts."""

    start: np.ndarray
    stop: np.ndarray
    part: np.ndarray
    count: int

    def sizes(self) -> np.ndarray:
        """The pixels of each part, (count,) float64."""
        return np.bincount(self.part, self.stop - self.start, self.count)


def find_runs(mask: np.ndarray) -> Runs:
    """The runs of a mask (H, W) bool, and which of them hang together."""
    W = mask.shape[1]
    # a run starts, and ends, where a pixel is unlike the one before it; every row begins and ends outside
    change = np.zeros((mask.shape[0], W + 1), bool)
    change[:, 0], change[:, -1] = mask[:, 0], mask[:, -1]
    np.not_equal(mask[:, 1:], mask[:, :-1], out=change[:, 1:-1])
    edges = np.flatnonzero(change)
    edges -= edges // (W + 1)  # its place in the mask, which has one column fewer
    start, stop = edges[::2], edges[1::2]
    # The runs that touch run i from below: those of the next row that end behind its start and start before
    # its end. Both lists are sorted, so these are neighbours in them.
    first = np.searchsorted(stop, start + W, "right")
    last = np.searchsorted(start, stop + W, "left")
    touching = np.maximum(last - first, 0)
    above = np.repeat(np.arange(len(start)), touching)
    below = np.arange(len(above)) - np.repeat(np.cumsum(touching) - touching, touching) + first[above]
    graph = coo_array((np.ones(len(above), bool), (above, below)), (len(start), len(start)))
    count, part = connected_components(graph, directed=False)
    return Runs(start, stop, part, count)


def large_parts(mask: np.ndarray, share: float) -> np.ndarray:
    """A mask (H, W) bool without those of its 4-connected parts that are smaller than `share` (in [0, 1]) of
    the largest: specks go, a second object of some size stays. The mask itself where nothing goes."""
    if share <= 0:
        return mask
    runs = find_runs(mask)
    size = runs.sizes()
    small = size < share * size.max(initial=0)
    if not small.any():
        return mask
    gone = small[runs.part]
    start, length = runs.start[gone], (runs.stop - runs.start)[gone]
    before = np.cumsum(length) - length  # pixels of the runs that go, in those before
    kept = mask.copy()
    kept.ravel()[np.repeat(start - before, length) + np.arange(length.sum())] = False
    return kept


def drop_small_parts(score: Tensor, share: float) -> Tensor:
    """A score (H, W) made negative on every part of its positive side that `large_parts` drops."""
    mask = (score > 0).cpu().numpy()
    kept = large_parts(mask, share)
    return score if kept is mask else positive_on(score, kept)


def positive_on(score: Tensor, mask: np.ndarray) -> Tensor:
    """A score (H, W) whose sign is that of a mask (H, W) bool, and whose magnitude stays."""
    least = torch.finfo(score.dtype).tiny
    return torch.where(torch.from_numpy(mask).to(score.device), score.abs().clamp_min(least), -score.abs())
