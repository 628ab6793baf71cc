"""K-means for small point sets, many at once: B images times several restarts, on any device.

scikit-learn's KMeans is the oracle in the tests. It takes one set at a time on the CPU, and its fixed cost a
call is larger than the work here: a few hundred tokens in two to five dimensions.
"""

from __future__ import annotations

import torch
from torch import Tensor

from simsam.errors import SimsamError


def kmeans(
    x: Tensor, k: int, *, restarts: int = 8, trial: int = 4, iterations: int = 50, seed: int = 0
) -> Tensor:
    """Labels (n,) or (B, n), int64 in [0, k), of points x (n, d) or (B, n, d).

    k-means++ starts (Arthur and Vassilvitskii 2007); each of `restarts` gets `trial` of Lloyd's iterations,
    and the one of least inertia goes on until nothing moves. The draws depend on the seed alone, so an image
    gets the same labels alone and in a batch. Raises `SimsamError` when k is not 1 to n.
    """
    single = x.ndim == 2
    x = x[None] if single else x
    n = x.shape[1]
    if not 1 <= k <= n:
        raise SimsamError(f"k={k} clusters of {n} points: give 1 to {n}.")
    generator = torch.Generator().manual_seed(seed)
    centres = _plus_plus(x, k, torch.rand(k, restarts, generator=generator, dtype=torch.float32).to(x))
    x = x[:, None]  # (B, 1, n, d) against centres (B, R, k, d)
    centres, _ = _lloyd(x, centres, trial)
    inertia = _squared_distance(x, centres).amin(-1).sum(-1)  # (B, R)
    centres = centres.gather(1, inertia.argmin(-1).view(-1, 1, 1, 1).expand(-1, 1, *centres.shape[2:]))
    _, labels = _lloyd(x, centres, iterations)
    return labels[0, 0] if single else labels[:, 0]


def _lloyd(x: Tensor, centres: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
    """Centres (B, R, k, d) moved to their points' means until no label changes; and labels (B, R, n)."""
    numbers = torch.arange(centres.shape[-2], device=x.device)
    x1 = torch.cat([x, torch.ones_like(x[..., :1])], -1)
    previous = None
    for _ in range(iterations):
        # |x|^2 aside, which no centre changes, the squared distance is [x 1] . [-2 c, |c|^2]
        c1 = torch.cat([-2 * centres, centres.square().sum(-1, keepdim=True)], -1)
        labels = (x1 @ c1.mT).argmin(-1)
        if previous is not None and torch.equal(labels, previous):
            break
        previous = labels
        member = (labels[..., None] == numbers).to(x.dtype)
        sums = member.mT @ x1  # of the points, and their count
        count = sums[..., -1:]
        # a cluster that lost all its points stays
        centres = torch.where(count > 0, sums[..., :-1] / count.clamp_min(1), centres)
    return centres, labels


def _squared_distance(x: Tensor, centres: Tensor) -> Tensor:
    """|x|^2 - 2 x c + |c|^2, one matrix product: (B, 1, n, d), (B, R, k, d) -> (B, R, n, k)."""
    cross = x @ centres.transpose(-1, -2)
    squares = x.square().sum(-1, keepdim=True) + centres.square().sum(-1)[..., None, :]
    return (squares - 2 * cross).clamp_min(0)


def _plus_plus(x: Tensor, k: int, u: Tensor) -> Tensor:
    """k-means++ centres (B, R, k, d): each drawn with probability proportional to the squared distance."""
    B, n, _ = x.shape
    restarts = u.shape[1]
    rows = torch.arange(B, device=x.device)[:, None]
    first = (u[0] * n).long().clamp_max(n - 1).expand(B, -1)
    chosen = [x[rows, first]]
    nearest = torch.full((B, restarts, n), float("inf"), device=x.device, dtype=x.dtype)
    for c in range(1, k):
        nearest = torch.minimum(nearest, _squared_distance(x[:, None], chosen[-1][:, :, None])[..., 0])
        total = nearest.cumsum(-1)
        target = u[c, None, :, None] * total[..., -1:]
        index = torch.searchsorted(total, target, right=True)[..., 0].clamp_max(n - 1)
        chosen.append(x[rows, index])
    return torch.stack(chosen, 2)
