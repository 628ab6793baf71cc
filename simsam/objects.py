"""Chapter 5. From eigenvectors to an object: thresholds, signs, the vote of several clusterings.

Scores are real numbers a token, (n,), positive on the object; `simsam.features.Geometry.upsample` takes them
to pixels before they are cut at 0. Functions take one image or, with a leading B, a batch.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor

from simsam.clustering import kmeans
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


def cluster_vote(
    vectors: Tensor,
    grid: tuple[int, int],
    ks: tuple[int, ...] = (3, 4, 5, 6),
    ratio: float = 0.6,
    seed: int = 0,
) -> Tensor:
    """How many of several clusterings call each token foreground, in [-1, 1]: (n,) or (B, n).

    For each k: K-means on eigenvectors 2 to k, columns of unit length; r_c, the share of the border frame
    that cluster c holds over its share of the grid; foreground is every cluster with r_c < `ratio`, or the
    one of smallest r_c if none is. vectors: (n, K) or (B, n, K), K at least max(ks), the first one constant.
    """
    single = vectors.ndim == 2
    V = vectors[None] if single else vectors
    if V.shape[-1] < max(ks):
        raise SimsamError(f"a vote over {ks} clusters needs {max(ks)} eigenvectors, got {V.shape[-1]}.")
    V = F.normalize(V, dim=1)
    vote = label_vote([kmeans(V[..., 1:k], k, seed=seed) for k in ks], grid, ratio)
    return vote[0] if single else vote


def label_vote(labels: list[Tensor], grid: tuple[int, int], ratio: float = 0.6) -> Tensor:
    """The mean vote, in [-1, 1] and (B, n), of clusterings (B, n) int64: see `cluster_vote` for the rule."""
    frame = border_frame(grid, labels[0].device).float()
    votes = []
    for label in labels:
        member = F.one_hot(label).float()  # (B, n, k)
        size = member.mean(1)
        r = (frame @ member) / frame.sum() / size.clamp_min(1e-9)
        r = torch.where(size > 0, r, torch.inf)
        chosen = r < ratio
        least = F.one_hot(r.argmin(-1), r.shape[-1]).bool()
        chosen = chosen | (least & ~chosen.any(-1, keepdim=True))
        votes.append(2 * (member * chosen[:, None]).sum(-1) - 1)
    return torch.stack(votes).mean(0)


def centroid_step(tokens: Tensor, inside: Tensor) -> Tensor:
    """Each token against the two mean tokens, (n,) or (B, n): s = F (a / |a| - b / |b|).

    a and b are the mean unit-length tokens (n, d) inside and outside of `inside` (n,) bool. Positive where
    a token is closer to the object's mean. All True or all False gives +1 or -1 everywhere.
    """
    x = F.normalize(tokens, dim=-1)
    y = inside.to(x.dtype)[..., None]
    a = F.normalize((x * y).sum(-2), dim=-1)
    b = F.normalize((x * (1 - y)).sum(-2), dim=-1)
    score = (x @ (a - b)[..., None])[..., 0]
    share = inside.to(x.dtype).mean(-1, keepdim=True)
    return torch.where((share == 0) | (share == 1), 2 * share - 1, score)


def seed_component(mask: Tensor, seed: int, grid: tuple[int, int]) -> Tensor:
    """The 4-connected component of mask (n,) bool that holds token `seed` (TokenCut); (n,) bool."""
    labels, _ = ndimage.label(mask.reshape(grid).cpu().numpy())
    part = labels.flatten()[seed]
    return torch.from_numpy((labels == part).flatten()).to(mask.device) if part else mask.clone()


def drop_small_parts(score: Tensor, share: float) -> Tensor:
    """A score (H, W) made negative on every 4-connected part of its positive side that is smaller than
    `share` (in [0, 1]) of the largest part: specks go, a second object of some size stays."""
    if share <= 0:
        return score
    labels, count = ndimage.label((score > 0).cpu().numpy())
    if count < 2:
        return score
    size = np.bincount(labels.ravel())
    size[0] = 0
    small = (size > 0) & (size < share * size.max())
    return torch.where(torch.from_numpy(small[labels]).to(score.device), -score.abs(), score)


def box_of(mask: np.ndarray) -> tuple[int, int, int, int] | None:
    """The tight box (top, left, bottom, right), ends excluded, of a mask (H, W); None if it is empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
