"""The largest eigenpairs of symmetric matrices: three solvers and a yardstick.

All of them take A (B, n, n), the unit eigenvector (B, n) of its largest eigenvalue where that is known (or
None), and return values, descending, and orthonormal vectors: (B, k) and (B, n, k), or more columns where
others share the k-th eigenvalue, since k columns alone would be an accident of rounding there.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh
from threadpoolctl import ThreadpoolController
from torch import Tensor

DENSE_BELOW = 129
TIE = 1e-5  # eigenvalues closer than this, beside the norm of the matrix, may be one


def largest(
    A: Tensor, k: int, first: Tensor | None = None, solver: str = "auto", tol: float = 0.0
) -> tuple[Tensor, Tensor]:
    """The k largest eigenpairs, by the solver named or by the one that is fastest for the size and device.

    All pairs that share the k-th eigenvalue are among them, so there may be more than k.
    """
    n = A.shape[-1]
    if solver == "auto":
        iterative = "lanczos" if A.device.type == "cpu" else "krylov"
        solver = "dense" if n < DENSE_BELOW or 3 * k > n else iterative
    if solver == "dense":
        return dense(A, k, first)
    if solver == "krylov":
        return krylov(A, k, first, tol=tol)
    one = shift_invert if solver == "shift_invert" else lanczos
    pairs = [one(a, k, None if first is None else first[b], tol) for b, a in enumerate(A)]
    widest = max(len(values) for values, _ in pairs)
    if any(len(values) < widest for values, _ in pairs):  # an image with ties needs more columns than others
        return dense(A, widest, first)
    return torch.stack([p[0] for p in pairs]), torch.stack([p[1] for p in pairs])


def dense(A: Tensor, k: int, first: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """All eigenpairs by `eigh`, the k largest kept, and what shares the k-th value."""
    values, vectors = eigh(A if first is None else deflate(A, first))
    values, vectors = values.flip(-1), vectors.flip(-1)
    if first is not None:  # without the deflated one, which comes last; it is put in front of them
        top = (first[:, None] @ A @ first[..., None])[..., 0]
        values, vectors = (
            torch.cat([top, values[:, :-1]], 1),
            torch.cat([first[..., None], vectors[..., :-1]], -1),
        )
    tie = TIE * A.abs().sum(-1).amax(-1, keepdim=True)
    apart = values[:, k - 1 : -1] - values[:, k:] > tie  # entry j: is pair k + j the last of its kind?
    last = torch.where(apart.any(1), apart.int().argmax(1), apart.shape[1])
    k += int(last.max()) if apart.shape[1] else 0
    return values[:, :k], vectors[..., :k]


def eigh(A: Tensor) -> tuple[Tensor, Tensor]:
    """All eigenpairs of symmetric matrices (B, n, n), ascending, in the dtype of A; on CUDA in float64.

    In float32 cuSOLVER gave vectors of a repeated eigenvalue whose inner products were up to 1/8, where they
    should be 0 (672 tokens, all pairs linked, on an H100): no basis of an eigenspace, so no mask either.
    """
    if A.device.type != "cuda":
        return torch.linalg.eigh(A)
    values, vectors = torch.linalg.eigh(A.double())
    return values.to(A), vectors.to(A)


def deflate(A: Tensor, first: Tensor) -> Tensor:
    """A with its known largest eigenpair moved below all others: A - c u u^T, c = 2 norm_inf(A)."""
    c = 2 * A.abs().sum(-1).amax(-1, keepdim=True)[..., None]
    return A - c * first[..., :, None] * first[..., None, :]


def lanczos(A: Tensor, k: int, first: Tensor | None = None, tol: float = 0.0) -> tuple[Tensor, Tensor]:
    """ARPACK's implicitly restarted Lanczos (through scipy) on one matrix (n, n), in the dtype of A.

    With `first` known, the others are sought in the rest, and one more than asked for. Lanczos sees one
    direction of an eigenspace at a time, so a graph in several parts and a spectrum with repeated eigenvalues
    go to the dense solver instead.
    """
    n = A.shape[-1]
    known = 0 if first is None else 1
    if k == known:
        return _with_first(A, first, None)
    a = A.detach().cpu().numpy()
    if _in_parts(a):
        return _dense_one(A, k, first)
    norm = float(np.abs(a).sum(1).max())
    if known:
        u = first.detach().cpu().numpy()
        shift = a.dtype.type(2 * norm)
        operator = LinearOperator(a.shape, lambda x: a @ x - shift * (u @ x) * u, dtype=a.dtype)
    else:
        operator = a
    # a fixed start: every run on one device walks the same path
    start = np.random.default_rng(0).standard_normal(n).astype(a.dtype)
    try:
        # one thread: a product takes less time than BLAS's threads need to wrest the cores from torch's
        with _blas().limit(limits=1, user_api="blas"):
            values, vectors = eigsh(operator, k=min(k - known + 1, n - 1), which="LA", v0=start, tol=tol)
    except ArpackError:
        return _dense_one(A, k, first)
    values, vectors = values[::-1].copy(), vectors[:, ::-1].copy()
    if _repeated(values, TIE * norm):
        return _dense_one(A, k, first)
    values, vectors = values[: k - known], vectors[:, : k - known]
    values, vectors = torch.from_numpy(values).to(A), torch.from_numpy(vectors).to(A)
    return _with_first(A, first, (values, vectors)) if known else (values, vectors)


@cache
def _blas() -> ThreadpoolController:
    """The libraries whose threads can be limited: looked for once, since that takes longer than a solve."""
    return ThreadpoolController()


def _dense_one(A: Tensor, k: int, first: Tensor | None) -> tuple[Tensor, Tensor]:
    values, vectors = dense(A[None], k, None if first is None else first[None])
    return values[0], vectors[0]


def _in_parts(a: np.ndarray) -> bool:
    """Whether the graph of the matrix (n, n) is disconnected: then its parts may share eigenvalues."""
    edges = a != 0
    return bool(edges.sum(1).max() < len(a) - 1) and connected_components(edges, directed=False)[0] > 1


def _repeated(values: np.ndarray, tie: float) -> bool:
    return bool((np.abs(np.diff(values)) < tie).any())


def _with_first(A: Tensor, first: Tensor, rest: tuple[Tensor, Tensor] | None) -> tuple[Tensor, Tensor]:
    mu = (first @ A @ first)[None]
    if rest is None:
        return mu, first[:, None]
    return torch.cat([mu, rest[0]]), torch.cat([first[:, None], rest[1]], 1)


def krylov(
    A: Tensor, k: int, first: Tensor | None = None, *, tol: float = 0.0, depth: int = 6, restarts: int = 30
) -> tuple[Tensor, Tensor]:
    """Block Krylov with restarts for a batch, on any device: matrix products and small factorisations only.

    Each restart spans [X, A X, ..., A^depth X], orthonormalised block by block, and keeps the best k + 4
    Ritz vectors; it ends when every residual |A u - mu u| is below `tol` (default: 30 eps) times the norm.
    A matrix with no room for two blocks goes to the dense solver, and a batch in which the last value that
    is asked for and the next are one.
    """
    B, n, _ = A.shape
    eps = torch.finfo(A.dtype).eps
    tol = max(tol, 30 * eps)
    M = A if first is None else deflate(A, first)
    wanted = k - (first is not None)
    width = wanted + 4
    if 2 * width > n:
        return dense(A, k, first)
    depth = max(1, min(depth, n // width - 1))
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(1, n, width, generator=generator, dtype=torch.float32).to(A).expand(B, -1, -1)
    if first is not None:
        X = X - first[..., None] * (first[:, None] @ X)
    norm = A.abs().sum(-1).amax(-1, keepdim=True)
    X = torch.linalg.qr(X).Q
    for _ in range(restarts):
        basis = X
        for _ in range(depth):
            X = M @ X
            for _ in range(2):  # twice is enough (Giraud et al. 2005)
                X = X - basis @ (basis.transpose(1, 2) @ X)
                X = torch.linalg.qr(X).Q
            basis = torch.cat([basis, X], -1)
        # a block that spans nothing new (A^i X in an invariant subspace) is rounding noise until this QR
        basis = torch.linalg.qr(basis).Q
        image = M @ basis
        mu, S = eigh(basis.transpose(1, 2) @ image)
        mu, S = mu[:, -width:].flip(-1), S[..., -width:].flip(-1)
        X = basis @ S
        residual = (image @ S - mu[:, None] * X)[..., :wanted].norm(dim=1)
        if bool((residual <= tol * norm).all()):
            break
        X = torch.linalg.qr(X).Q
    if wanted and bool((mu[:, wanted - 1] - mu[:, wanted] < TIE * norm[:, 0]).any()):
        return dense(A, k, first)
    mu, X = mu[:, :wanted], X[..., :wanted]
    if first is None:
        return mu, X
    top = (first[:, None] @ A @ first[..., None])[..., 0]
    return torch.cat([top, mu], 1), torch.cat([first[..., None], X], -1)


def shift_invert(A: Tensor, k: int, first: Tensor | None = None, tol: float = 0.0) -> tuple[Tensor, Tensor]:
    """The yardstick: Lanczos on (A - sigma I)^-1 with sigma just above the spectrum, as DSM's code asks of
    scipy; it factorises a dense n x n matrix first. One matrix (n, n)."""
    a = A.detach().cpu().numpy()
    norm = float(np.abs(a).sum(1).max())
    sigma = (norm if first is None else float(first @ A @ first)) + 1e-3 * norm
    if _in_parts(a):
        return _dense_one(A, k, first)
    start = np.random.default_rng(0).standard_normal(len(a)).astype(a.dtype)
    values, vectors = eigsh(a, k=k, sigma=sigma, which="LM", v0=start, tol=tol)
    order = np.argsort(-values)
    return torch.from_numpy(values[order]).to(A), torch.from_numpy(vectors[:, order]).to(A)
