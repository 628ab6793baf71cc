"""The eigenvectors of a graph: normalised cut and its relatives.

With D = diag(W 1) and L = D - W, the normalised problem is L y = lambda D y (Shi and Malik 2000). With
u = D^(1/2) y it is the ordinary problem D^(-1/2) W D^(-1/2) u = (1 - lambda) u: the smallest lambda are the
largest eigenvalues of a symmetric matrix, which Lanczos finds without factorising anything. The largest of
all is known, u_1 = D^(1/2) 1, and is moved out of the way before the search.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from simsam.errors import SimsamError, unknown
from simsam.spectral import solvers

LAPLACIANS = ("normalized", "unnormalized", "affinity")
SOLVERS = ("auto", "dense", "lanczos", "krylov", "shift_invert")
# Eigenvalues closer than this, relative to the largest there can be, share one eigenspace: within it no basis
# is better than another.
DEGENERATE = 1e-6


@dataclass(frozen=True)
class Spectrum:
    """Eigenvalues (K,) and eigenvectors (n, K) of one graph, or (B, K) and (B, n, K).

    values: ascending lambda in [0, 2] (normalized) or [0, inf) (unnormalized); descending for "affinity".
    vectors: column k belongs to values[k]; D-orthonormal for "normalized", orthonormal for the others.
    """

    values: Tensor
    vectors: Tensor

    def __getitem__(self, b: int) -> Spectrum:
        return Spectrum(self.values[b], self.vectors[b])


def eigenpairs(
    W: Tensor, k: int = 15, laplacian: str = "normalized", solver: str = "auto", tol: float = 0.0
) -> Spectrum:
    """The K smallest eigenpairs of the Laplacian of W, (n, n) or (B, n, n), symmetric and non-negative.

    `laplacian`: "normalized" (L y = lambda D y), "unnormalized" (L y = lambda y) or "affinity" (the K
    largest of W itself). `solver`: "auto" is dense below 129 tokens, else Lanczos on the CPU and batched
    block Krylov on an accelerator; "shift_invert" is the released code's call, kept as a yardstick. `tol`:
    relative accuracy at which an iterative solver may stop (0: as exact as the dtype allows).

    A token without any edge takes no part: its entries are 0. Signs, and the basis of an eigenspace of
    several dimensions, are fixed by `canonical`. Raises `SimsamError` for a K that is not 1 to n - 1 and
    for a W that is not square or holds NaN.
    """
    if laplacian not in LAPLACIANS:
        raise unknown("laplacian", laplacian, LAPLACIANS)
    if solver not in SOLVERS:
        raise unknown("solver", solver, SOLVERS)
    if W.ndim not in (2, 3) or W.shape[-1] != W.shape[-2]:
        raise SimsamError(f"W has shape {tuple(W.shape)}: expected (n, n) or (B, n, n).")
    n = W.shape[-1]
    if not 1 <= k <= n - 1:
        raise SimsamError(f"k={k} eigenvectors of {n} tokens: give 1 to n - 1 = {n - 1}.")
    if not torch.isfinite(W.sum()):
        raise SimsamError("W holds NaN or infinite entries: expected finite weights.")
    batch = W[None] if W.ndim == 2 else W
    A, first, scale = symmetric_problem(batch, laplacian)
    mu, U = solvers.largest(A, k, first, solver, tol)
    values = {"normalized": 1 - mu, "unnormalized": -mu, "affinity": mu}[laplacian]
    if laplacian == "normalized":
        values = values.clamp(0, 2)
    elif laplacian == "unnormalized":
        values = values.clamp_min(0)
    # the largest: 1 for the normalised matrix, below its row sums for any other
    sizes = [1.0] * len(A) if laplacian == "normalized" else A.abs().sum(-1).amax(-1).tolist()
    U = torch.stack([canonical(v, u, size, k) for v, u, size in zip(values, U, sizes)])
    values = values[:, :k]
    vectors = U if scale is None else scale[..., None] * U
    if W.ndim == 2:
        values, vectors = values[0], vectors[0]
    return Spectrum(values, vectors)


def symmetric_problem(W: Tensor, laplacian: str) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """A whose largest eigenpairs are sought, its known first eigenvector (B, n), and D^(-1/2) (B, n)."""
    if laplacian == "affinity":
        return W, None, None
    degree = W.sum(-1)
    if laplacian == "unnormalized":
        first = torch.full_like(degree, degree.shape[-1] ** -0.5)
        return W - torch.diag_embed(degree), first, None
    root = degree.clamp_min(0).sqrt()
    inverse = torch.where(root > 0, 1 / root.clamp_min(torch.finfo(W.dtype).tiny), torch.zeros_like(root))
    first = root / root.norm(dim=-1, keepdim=True).clamp_min(torch.finfo(W.dtype).tiny)
    return (inverse[..., None] * W).mul_(inverse[..., None, :]), first, inverse


def canonical(values: Tensor, vectors: Tensor, size: float = 1.0, k: int | None = None) -> Tensor:
    """One representative of each eigenspace: (K,), (n, K) -> (n, k). The only place that decides signs.

    An eigenvector is defined up to its sign, and the basis of a degenerate eigenspace up to a rotation.
    Here, in each eigenvector, the entry of largest magnitude is positive (the first such, up to rounding);
    and each group of eigenvalues that `DEGENERATE` and rounding do not tell apart, relative to `size`, gets
    the basis in which the rows of the tokens that stand out most form a triangle. Both depend on the
    eigenspace alone, not on the solver. `k`: how many are wanted of the K (default all); an eigenspace that
    the k-th belongs to has to be there as a whole.
    Whether the positive side is the object is another question: `simsam.objects.foreground_sign`.
    """
    start, parts = 0, []
    k = len(values) if k is None else k
    near = max(DEGENERATE, 64 * torch.finfo(values.dtype).eps) * size
    for stop in _group_ends(values, near):
        if start >= k:
            break
        V = vectors[:, start:stop]
        parts.append(_triangular_basis(V, min(stop, k) - start) if stop - start > 1 else V)
        start = stop
    V = torch.cat(parts, 1)
    size = V.abs()
    # argmax of a boolean finds the first entry within rounding of the largest
    peak = (size >= size.amax(0) * (1 - 1e-4)).int().argmax(0)
    sign = V.gather(0, peak[None]).sign()
    return V * torch.where(sign == 0, 1, sign)


def _group_ends(values: Tensor, near: float) -> list[int]:
    """Where each run of nearly equal eigenvalues ends."""
    v = values.tolist()
    return [i for i in range(1, len(v) + 1) if i == len(v) or abs(v[i] - v[i - 1]) > near]


def _triangular_basis(V: Tensor, count: int) -> Tensor:
    """`count` of the vectors (n, count) of a basis of span(V), V (n, m), that is lower triangular on pivot
    rows, chosen greedily by length."""
    rows, pivots = V.clone(), []
    for _ in range(count):
        length = rows.square().sum(1)
        pivot = int((length >= length.max() * (1 - 1e-4)).int().argmax())
        pivots.append(pivot)
        direction = rows[pivot] / rows[pivot].norm().clamp_min(torch.finfo(V.dtype).tiny)
        rows = rows - torch.outer(rows @ direction, direction)
    Q, _ = torch.linalg.qr(V[pivots].T)
    return V @ Q
