"""Where to cut an eigenvector, and which side of the cut is the object.

Scores are real numbers a token, (n,), positive on the object. Functions take one image or, with a leading B,
a batch.
"""

from __future__ import annotations

import torch
from torch import Tensor

from simsam.errors import SimsamError, unknown

SIGNS = ("border", "minority", "attention", "peak")
THRESHOLDS = ("zero", "mean", "otsu", "ncut", "two_means")


def border_frame(grid: tuple[int, int], device: torch.device | str = "cpu") -> Tensor:
    """(n,) bool: the tokens of the outermost ring of the grid."""
    h, w = grid
    frame = torch.zeros(h, w, dtype=torch.bool, device=device)
    frame[[0, -1]] = True
    frame[:, [0, -1]] = True
    return frame.flatten()


def foreground_sign(
    score: Tensor, grid: tuple[int, int], rule: str = "border", attention: Tensor | None = None
) -> Tensor:
    """+1 or -1 an image, (...,), so that sign * score is positive on the object. score: (..., n).

    The side of the object is: "border", the one with the smaller share of its tokens on the border frame;
    "minority", the smaller one (DSM); "attention", the one the class token attends to more, on average;
    "peak", the one that holds the entry of largest magnitude (TokenCut).
    Raises `SimsamError` for an unknown rule and for "attention" without attention.
    """
    if rule not in SIGNS:
        raise unknown("sign rule", rule, SIGNS)
    positive = (score > 0).to(score.dtype)
    if rule == "minority":
        flip = positive.mean(-1) > 0.5
    elif rule == "peak":
        peak = score.gather(-1, score.abs().argmax(-1, keepdim=True))[..., 0]
        flip = peak < 0
    else:
        if rule == "border":
            weight = -border_frame(grid, score.device).to(score.dtype).expand_as(score)
        elif attention is None:
            raise SimsamError(
                'sign="attention" needs a class token, and this backbone has none: use "border".'
            )
        else:
            weight = attention
        inside = (weight * positive).sum(-1) / positive.sum(-1).clamp_min(1)
        outside = (weight * (1 - positive)).sum(-1) / (1 - positive).sum(-1).clamp_min(1)
        flip = inside < outside
    return torch.where(flip, -1.0, 1.0).to(score.dtype)


def threshold(y: Tensor, rule: str = "zero", W: Tensor | None = None) -> Tensor:
    """The number at which to cut an eigenvector y (n,): a scalar tensor.

    "zero"; "mean"; "otsu" (the histogram's own, Otsu 1979); "ncut", the cut of least normalised-cut value
    among all n - 1 (Shi and Malik 2000; needs the graph W (n, n)); "two_means", between the two groups of
    exact 2-means. Raises `SimsamError` for an unknown rule and for "ncut" without W.
    """
    if rule not in THRESHOLDS:
        raise unknown("threshold", rule, THRESHOLDS)
    if rule == "zero":
        return y.new_zeros(())
    if rule == "mean":
        return y.mean()
    if rule == "ncut":
        if W is None:
            raise SimsamError('threshold "ncut" needs the graph W that the eigenvector came from.')
        return _ncut_threshold(y, W)
    ordered = y.double().sort().values
    return (_otsu(ordered, bins=256) if rule == "otsu" else _otsu(ordered)).to(y)


def _otsu(ordered: Tensor, bins: int | None = None) -> Tensor:
    """The cut of sorted values (n,) that maximises the variance between the sides.

    On the values themselves that is exact 2-means in one dimension; Otsu's method does the same on a
    histogram of `bins`.
    """
    if bins is not None:
        low, high = ordered[0], ordered[-1]
        if low == high:
            return low
        place = ((ordered - low) / (high - low) * bins).floor().clamp_max(bins - 1)
        ordered = low + (place + 0.5) / bins * (high - low)
    n = len(ordered)
    left = torch.arange(1, n, device=ordered.device, dtype=ordered.dtype)
    total = ordered.cumsum(0)
    mean_left = total[:-1] / left
    mean_right = (total[-1] - total[:-1]) / (n - left)
    best = (left * (n - left) * (mean_left - mean_right).square()).argmax()
    return (ordered[best] + ordered[best + 1]) / 2


def _ncut_threshold(y: Tensor, W: Tensor) -> Tensor:
    """The sweep: Ncut of every prefix of the sorted tokens from two cumulative sums, no loop over cuts."""
    order = y.argsort()
    P = W[order][:, order].double()
    degree = P.sum(1)
    volume = degree.cumsum(0)[:-1]
    within = (2 * P.tril(-1).sum(1) + P.diagonal()).cumsum(0)[:-1]
    cut = volume - within
    rest = degree.sum() - volume
    tiny = torch.finfo(cut.dtype).tiny
    best = (cut / volume.clamp_min(tiny) + cut / rest.clamp_min(tiny)).argmin()
    ordered = y[order]
    return (ordered[best] + ordered[best + 1]) / 2
