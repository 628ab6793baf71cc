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


def drop_small_parts(score: Tensor, share: float) -> Tensor:
    """A score (H, W) made negative on every 4-connected part of its positive side that is smaller than
    `share` (in [0, 1]) of the largest part: specks go, a second object of some size stays."""
    if share <= 0:
        return score
    runs = find_runs((score > 0).cpu().numpy())
    size = runs.sizes()
    small = size < share * size.max(initial=0)
    if not small.any():
        return score
    gone = small[runs.part]
    start, stop = runs.start[gone], runs.stop[gone]
    first, last = start[0], stop[-1]  # nothing changes before and behind
    step = np.zeros(last - first + 1, np.int8)  # +1 where a run that goes begins, -1 behind it
    step[start - first] += 1
    step[stop - first] -= 1
    inside = torch.from_numpy(np.cumsum(step[:-1], dtype=np.int8, out=step[:-1]).view(bool))
    kept = score.clone(memory_format=torch.contiguous_format)
    part = kept.view(-1)[first:last]
    part.copy_(torch.where(inside.to(score.device), -part, part))
    return kept
