"""The ways from eigenvectors to a score: one cut, the vote of several clusterings, one object after the
other.

Scores are real numbers a token, (n,), positive on the object; `simsam.features.Geometry.upsample` takes them
to pixels before they are cut at 0. Functions take one image or, with a leading B, a batch.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor

from simsam.errors import SimsamError
from simsam.objects.clustering import kmeans
from simsam.objects.cuts import border_frame, foreground_sign, threshold
from simsam.spectral import eigenpairs


def bipartition(
    y: Tensor,
    W: Tensor,
    grid: tuple[int, int],
    *,
    cut: str = "zero",
    sign: str = "border",
    component: bool = False,
    hard: bool = False,
    attention: Tensor | None = None,
    corners: bool = False,
) -> Tensor:
    """An eigenvector y (n,) of the graph W (n, n), cut by a threshold rule and turned by a sign rule: (n,).

    `cut`, `sign`, `attention`: see `threshold` and `foreground_sign`. `component`: of the positive side, only
    the part that holds its largest entry (TokenCut). `hard`: +1 and -1 instead of a score. `corners`: turned
    once more if the positive side holds three or four of the grid's corners (CutLER).
    """
    y = y / y.abs().max().clamp_min(torch.finfo(y.dtype).tiny)
    score = y - threshold(y, cut, W)
    turn = foreground_sign(y if sign == "peak" else score, grid, sign, attention)
    if corners and int((turn * score > 0).view(grid)[[0, 0, -1, -1], [0, -1, 0, -1]].sum()) >= 3:
        turn = -turn
    score = turn * score
    if component:
        part = seed_component(score > 0, int((turn * y).argmax()), grid)
        score = torch.where(part, score, -score.abs())
    return torch.where(score > 0, 1.0, -1.0) if hard else score


def maskcut(
    y: Tensor,
    W: Tensor,
    grid: tuple[int, int],
    *,
    objects: int = 3,
    floor: float = 1e-5,
    laplacian: str = "normalized",
    **cut,
) -> list[Tensor]:
    """CutLER's MaskCut (Wang et al. 2023) of one graph W (n, n) and its second eigenvector y (n,): cut, take
    the object's tokens out of the graph (edges of weight `floor`), cut again, `objects` times; `cut`: see
    `bipartition`. The scores (n,) of the objects: the first one, and of the later cuts what is still free.

    A later cut that covers 1 % of the grid or less, or has an IoU above 1/2 with the cut before, is dropped:
    its tokens stay in the graph, and it is one of so many all the same. The same cut then comes once more,
    with nothing before it to overlap with, as in CutLER's code.
    """
    scores: list[Tensor] = []
    free = torch.ones(len(W), dtype=torch.bool, device=W.device)
    before, left = ~free, W
    for i in range(objects):
        if bool(before.any()):
            left = torch.where(free[:, None] & free, W, floor)
            y = eigenpairs(left, 2, laplacian).vectors[:, 1]
        score = bipartition(y, left, grid, corners=True, **cut)
        now = score > 0
        overlap = (now & before).sum() / (now | before).sum().clamp_min(1)
        if i and (now.sum() <= 0.01 * len(W) or overlap > 0.5):
            now = torch.zeros_like(now)
        elif not i or bool((now & free).any()):
            scores.append(torch.where(free, score, -score.abs()))
        free, before = free & ~now, now
    return scores


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


def token_vote(
    tokens: Tensor,
    grid: tuple[int, int],
    ks: tuple[int, ...] = (3, 4, 5, 6),
    ratio: float = 0.6,
    seed: int = 0,
) -> Tensor:
    """The vote of `cluster_vote` on the tokens (B, n, d) themselves, rows of unit length, without any
    graph."""
    x = F.normalize(tokens, dim=-1)
    return label_vote([kmeans(x, min(k, x.shape[1]), seed=seed) for k in ks], grid, ratio)


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
