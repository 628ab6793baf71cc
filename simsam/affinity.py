"""Chapter 3. From tokens to a graph: W_A, W_SA and their sum W_feat.

Every function takes one image, (n, d) or (n, n), or a batch, (B, n, d) or (B, n, n). What they have made
themselves they change in place: a graph is large, and new memory for each step takes a good part of the time.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image
from scipy.spatial import cKDTree
from torch import Tensor
from torch.nn.functional import normalize

from simsam.errors import SimsamError, check_weight, offset_quantile, unknown

OFFSETS = ("none", "mean", "max/3", "quantile:0.5")
COLORS = ("knn", "random_walk")
NEIGHBOURS = ((20, 2.0), (10, 0.1))  # of a token in colour and place: how many, and the weight of the place


def similarity(tokens: Tensor, unit: bool = True) -> Tensor:
    """S = F F^T, (n, n). With `unit` the rows of F have unit length first and S holds cosines in [-1, 1]."""
    x = normalize(tokens, dim=-1) if unit else tokens
    return x @ x.transpose(-1, -2)


def offset_value(S: Tensor, offset: str = "mean") -> Tensor:
    """One number an image, (1, 1) or (B, 1, 1): 0 ("none"), the mean of S (the paper), a third of its
    maximum (the released code) or a quantile ("quantile:q", q in [0, 1]; exact, so n^2 log n).

    Raises `SimsamError` for an unknown offset.
    """
    flat, q = S.flatten(-2), offset_quantile(offset)
    if offset == "none":
        value = torch.zeros_like(flat[..., 0])
    elif offset == "mean":
        value = flat.mean(-1)
    elif offset == "max/3":
        value = flat.amax(-1) / 3
    else:
        # kthvalue, because torch.quantile refuses more than 16 million entries
        rank = 1 + round(q * (flat.shape[-1] - 1))
        value = flat.kthvalue(rank, dim=-1).values
    return value[..., None, None]


def vanilla_affinity(tokens: Tensor, offset: str = "mean") -> Tensor:
    """W_A = F F^T - offset, where the rows of F are the tokens (n, d) at unit length.

    Entries may be negative.
    """
    S = similarity(tokens)
    return S.sub_(offset_value(S, offset))


def semantic_affinity(G: Tensor, unit: bool = True, offset: str = "none") -> Tensor:
    """W_SA = G G^T - offset for semantic tokens G (n, d).

    The paper does not say that the rows of G have unit length; `unit` decides. Entries may be negative.
    """
    S = similarity(G, unit)
    return S.sub_(offset_value(S, offset))


def combine(
    W_A: Tensor,
    W_SA: Tensor | None = None,
    kappa: float = 0.0,
    floor: float = 0.0,
) -> Tensor:
    """W_feat = max(W_A + kappa W_SA, 0) / max + floor, in [floor, 1 + floor].

    A small `floor` keeps the graph connected. An image without any positive
    entry gives a graph of the floor alone. Raises `SimsamError` for a negative
    or non-finite `kappa`, and for affinities that are not finite.
    """
    check_weight("kappa", kappa)
    alone = W_SA is None or kappa == 0
    W = W_A.clamp_min(0) if alone else W_A.add(W_SA, alpha=kappa).clamp_min_(0)
    peak = W.amax((-1, -2), keepdim=True)
    if not torch.isfinite(peak).all():
        found = "the affinity holds NaN or infinite entries"
        raise SimsamError(f"{found}: expected finite tokens.")
    # what rounding leaves of a constant is no edge: without this line,
    # a uniform image would be cut along noise
    peak = peak.where(peak > 100 * torch.finfo(W.dtype).eps, torch.inf)
    return (W / peak).add_(floor)


def binary_affinity(tokens: Tensor, tau: float = 0.2, floor: float = 1e-5) -> Tensor:
    """TokenCut's graph (Wang et al. 2022): 1 where the cosine of two tokens exceeds `tau`, else `floor`."""
    S = similarity(tokens)
    return torch.full_like(S, floor).masked_fill_(S > tau, 1)


def cosine_affinity(tokens: Tensor, tau: float = 0.0, floor: float = 1e-5) -> Tensor:
    """TokenCut's graph with the cosines kept as weights: where they are positive and exceed `tau`, else
    `floor` (its authors' ablation `no_binary_graph`)."""
    S = similarity(tokens)
    return S.masked_fill_(S <= max(tau, 0), floor)


def color_affinity(image: np.ndarray, grid: tuple[int, int], kind: str = "knn") -> Tensor:
    """W_colour (n, n) float32 of an (H, W, 3) uint8 image at token resolution, as DSM adds it (Melas-Kyriazi
    et al. 2022): non-negative and symmetric, each token joined to itself too.

    "knn" (KNN matting, Chen et al. 2013): an edge of weight 1, in both directions, from each token to each of
    the `NEIGHBOURS` nearest in colour and weighted place, all in [0, 1] and itself among them; what is found
    twice counts twice. The rows add up to 60 on average. "random_walk" (Grady et al. 2005): exp(-900 d^2), d
    the distance of the colours, to the 3 x 3 tokens around each, the grid's outermost repeated beyond its
    border. The rows add up to 9 at most.
    Raises `SimsamError` for an unknown kind and for a grid with fewer tokens than "knn" has neighbours.
    """
    if kind not in COLORS:
        raise unknown("colour affinity", kind, COLORS)
    (h, w), n = grid, grid[0] * grid[1]
    color = np.asarray(Image.fromarray(image).resize((w, h), Image.Resampling.BILINEAR)).reshape(n, 3) / 255
    if kind == "knn":
        if n < NEIGHBOURS[0][0]:
            raise SimsamError(f'color="knn" needs {NEIGHBOURS[0][0]} tokens, and a grid {grid} has {n}.')
        place = np.stack(np.meshgrid(np.linspace(0, 1, h), np.linspace(0, 1, w), indexing="ij"), -1)
        points = [np.hstack([color, weight * place.reshape(n, 2)]) for _, weight in NEIGHBOURS]
        near = np.hstack([cKDTree(p).query(p, k)[1] for p, (k, _) in zip(points, NEIGHBOURS)])
        weights = np.ones(near.shape)
    else:
        near = sliding_window_view(np.pad(np.arange(n).reshape(grid), 1, "edge"), (3, 3)).reshape(n, 9)
        weights = np.exp(-900 * np.square(color[:, None] - color[near]).sum(-1))
    W = np.zeros((n, n))
    np.add.at(W, (np.arange(n)[:, None], near), weights)
    return torch.from_numpy(W + W.T if kind == "knn" else W).float()
