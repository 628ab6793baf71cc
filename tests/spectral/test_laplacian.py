"""Eigenpairs against dense SciPy, solver against solver, and graphs that are not nice."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.linalg
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from simsam.spectral import solvers
from simsam.spectral.laplacian import LAPLACIANS, SOLVERS, canonical, eigenpairs, symmetric_problem
from simsam.spectral.solvers import DENSE_BELOW

ITERATIVE = ("lanczos", "krylov", "shift_invert")


def random_graph(n: int, seed: int = 0, d: int = 8) -> torch.Tensor:
    """Cosines of n random points, cut off at 0: (n, n) float64."""
    generator = torch.Generator().manual_seed(seed)
    x = F.normalize(torch.randn(n, d, generator=generator, dtype=torch.float64), dim=1)
    S = x @ x.T
    return ((S + S.T) / 2).clamp_min(0)


def parts(*sizes: int) -> torch.Tensor:
    return torch.block_diag(*[random_graph(n, seed) for seed, n in enumerate(sizes)])


def torus(side: int) -> torch.Tensor:
    """Neighbours on a closed square grid: almost every eigenvalue is repeated."""
    cycle = torch.roll(torch.eye(side, dtype=torch.float64), 1, 0)
    cycle, one = cycle + cycle.T, torch.eye(side, dtype=torch.float64)
    return torch.kron(cycle, one) + torch.kron(one, cycle)


def isolated(n: int = 150, at: tuple[int, ...] = (3, 77)) -> torch.Tensor:
    W = random_graph(n)
    W[list(at)] = 0
    W[:, list(at)] = 0
    return W


def dense_oracle(W: torch.Tensor, laplacian: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All eigenvalues in our order, their vectors, and the matrix D of the inner product, by SciPy."""
    W = W.double().numpy()
    D = np.diag(W.sum(1))
    if laplacian == "normalized":
        return *scipy.linalg.eigh(D - W, D), D
    if laplacian == "unnormalized":
        return *scipy.linalg.eigh(D - W), np.eye(len(W))
    values, vectors = scipy.linalg.eigh(W)
    return values[::-1], vectors[:, ::-1], np.eye(len(W))


def eigenspaces(values: np.ndarray, k: int, gap: float) -> list[slice]:
    """Runs of eigenvalues that lie `gap` or more apart, without the run that k cuts through."""
    edges = [0, *(np.flatnonzero(np.abs(np.diff(values)) > gap) + 1), len(values)]
    return [slice(a, b) for a, b in itertools.pairwise(edges) if b <= k]


def assert_same_eigenpairs(W, k, laplacian, solver, atol, gap=1e-3):
    found = eigenpairs(W, k, laplacian, solver)
    values, vectors, D = dense_oracle(W, laplacian)
    scale = max(1.0, np.abs(values).max())
    np.testing.assert_allclose(found.values.double() / scale, values[:k] / scale, atol=atol)
    y = found.vectors.double().numpy()
    np.testing.assert_allclose(y.T @ D @ y, np.eye(k), atol=atol)
    for space in eigenspaces(values / scale, k, gap):
        ours, theirs = y[:, space], vectors[:, space]
        # two orthonormal bases of one space: their projectors agree
        np.testing.assert_allclose(ours @ ours.T @ D, theirs @ theirs.T @ D, atol=atol)


@pytest.mark.parametrize("laplacian", LAPLACIANS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_eigenpairs_agree_with_dense_scipy(laplacian, solver):
    assert_same_eigenpairs(random_graph(120), 12, laplacian, solver, atol=1e-5)


@pytest.mark.parametrize("laplacian", LAPLACIANS)
@pytest.mark.parametrize("solver", ["dense", "lanczos", "krylov"])
def test_eigenpairs_agree_with_dense_scipy_in_float32(laplacian, solver):
    # rounding moves an eigenvector by about eps / gap: 1e-7 / 1e-3
    W = random_graph(120).float()
    assert eigenpairs(W, 3).vectors.dtype == torch.float32
    assert_same_eigenpairs(W, 12, laplacian, solver, atol=2e-3)


@pytest.mark.parametrize("solver", ITERATIVE)
@pytest.mark.parametrize("n", [6, 20, 41])
def test_small_graphs_and_many_vectors(solver, n):
    for k in (1, 2, n // 2, n - 1):
        assert_same_eigenpairs(random_graph(n), k, "normalized", solver, atol=1e-5)


@pytest.mark.parametrize("laplacian", LAPLACIANS)
@pytest.mark.parametrize(
    "W", [parts(40, 60), parts(30, 40, 20), parts(20, 30, 20, 15, 25), torus(8)], ids=["2", "3", "5", "torus"]
)
def test_repeated_eigenvalues_are_all_found(laplacian, W):
    for solver in ("dense", *ITERATIVE):
        assert_same_eigenpairs(W, 5, laplacian, solver, atol=1e-5)


@pytest.mark.parametrize("solver", ["dense", *ITERATIVE])
@pytest.mark.parametrize("count", [2, 3])
def test_components_show_as_zeros(solver, count):
    sizes = (50, 70, 40)[:count]
    found = eigenpairs(parts(*sizes), count + 1, solver=solver)
    assert found.values[:count].abs().max() < 1e-10
    assert found.values[count] > 1e-3
    # the first eigenvectors are constant on each part, and tell the parts apart
    rows = [block.mean(0) for block in found.vectors[:, :count].split(sizes)]
    for row, block in zip(rows, found.vectors[:, :count].split(sizes)):
        torch.testing.assert_close(block, row.expand_as(block), atol=1e-8, rtol=0)
    assert torch.linalg.matrix_rank(torch.stack(rows)) == count


@pytest.mark.parametrize("laplacian", LAPLACIANS)
@pytest.mark.parametrize("solver", ["dense", *ITERATIVE])
def test_isolated_tokens(laplacian, solver):
    W = isolated()
    found = eigenpairs(W, 6, laplacian, solver)
    assert torch.isfinite(found.vectors).all()
    if laplacian == "normalized":
        assert found.vectors[[3, 77]].abs().max() == 0
        keep = [i for i in range(150) if i not in (3, 77)]
        alone = eigenpairs(W[keep][:, keep], 6, solver="dense")
        torch.testing.assert_close(found.values, alone.values, atol=1e-8, rtol=0)
    else:
        values, _, _ = dense_oracle(W, laplacian)
        np.testing.assert_allclose(found.values, values[:6], atol=1e-5)


@pytest.mark.parametrize("laplacian", LAPLACIANS)
@pytest.mark.parametrize("solver", ["dense", *ITERATIVE])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("weight", [0.0, 1e-5, 1.0])
def test_constant_graphs(laplacian, solver, dtype, weight):
    n, k = DENSE_BELOW + 1, 5
    found = eigenpairs(torch.full((n, n), weight, dtype=dtype), k, laplacian, solver)
    assert torch.isfinite(found.vectors).all()
    rest = {"normalized": 1.0, "unnormalized": n * weight, "affinity": 0.0}[laplacian]
    first = n * weight if laplacian == "affinity" else 0.0
    if weight == 0:  # no edge at all: A is 0, and 1 - 0 the only eigenvalue of the normalised problem
        first = rest
    np.testing.assert_allclose(found.values, [first] + [rest] * (k - 1), atol=2e-3 * max(weight, 1e-2))


@pytest.mark.parametrize("laplacian", LAPLACIANS)
def test_solvers_agree_vector_by_vector(laplacian):
    """Signs and bases come from the graph, not from the solver: also where eigenvalues are repeated."""
    for W, k in ((random_graph(90, 4), 8), (torus(8), 5), (parts(30, 30, 30), 6)):
        one = eigenpairs(W, k, laplacian, "dense")
        for solver in ITERATIVE:
            other = eigenpairs(W, k, laplacian, solver)
            torch.testing.assert_close(other.vectors, one.vectors, atol=1e-5, rtol=0, msg=solver)
            if solver != "shift_invert":  # which squares the rounding of float32
                other = eigenpairs(W.float(), k, laplacian, solver)
                torch.testing.assert_close(other.vectors, one.vectors.float(), atol=2e-3, rtol=0, msg=solver)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("n", [40, 150])
def test_a_batch_equals_its_graphs_one_by_one(solver, n):
    W = torch.stack([random_graph(n, seed) for seed in range(3)]).float()
    together = eigenpairs(W, 6, solver=solver)
    assert together.vectors.shape == (3, n, 6)
    for b in range(3):
        alone = eigenpairs(W[b], 6, solver=solver)
        torch.testing.assert_close(together[b].values, alone.values, atol=1e-4, rtol=0)
        torch.testing.assert_close(together[b].vectors, alone.vectors, atol=1e-4, rtol=0)


def test_the_first_eigenvector_is_constant():
    W = random_graph(200)
    for laplacian in ("normalized", "unnormalized"):
        found = eigenpairs(W, 3, laplacian)
        assert found.values[0] == pytest.approx(0, abs=1e-12)
        y = found.vectors[:, 0]
        torch.testing.assert_close(y, y.mean().expand_as(y), atol=1e-12, rtol=0)


def test_a_loose_tolerance_is_still_near():
    W = random_graph(300).float()
    for solver in ("lanczos", "krylov"):
        loose, exact = eigenpairs(W, 5, solver=solver, tol=1e-3), eigenpairs(W, 5, solver="dense")
        torch.testing.assert_close(loose.values, exact.values, atol=1e-2, rtol=0)


def test_canonical_ignores_signs_and_rotations():
    generator = torch.Generator().manual_seed(1)
    V = torch.linalg.qr(torch.randn(30, 5, generator=generator, dtype=torch.float64)).Q
    values = torch.tensor([0.0, 0.2, 0.2, 0.2, 0.5], dtype=torch.float64)
    turn = torch.eye(5, dtype=torch.float64)
    turn[1:4, 1:4] = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64)).Q
    turn[0, 0] = turn[4, 4] = -1
    once = canonical(values, V)
    torch.testing.assert_close(canonical(values, V @ turn), once)
    torch.testing.assert_close(once.T @ once, torch.eye(5, dtype=torch.float64))
    # each eigenspace is still the same one
    for a, b in ((0, 1), (1, 4), (4, 5)):
        P, Q = V[:, a:b], once[:, a:b]
        torch.testing.assert_close(P @ P.T, Q @ Q.T)
    peak = once.abs().argmax(0)
    assert (once[peak, torch.arange(5)] > 0).all()


def test_the_sign_of_a_tie_is_that_of_the_first():
    # an odd eigenvector of a mirror image: its two extremes differ by rounding alone
    y = torch.tensor([0.1, -0.7, 0.0, 0.7 + 1e-9, -0.1], dtype=torch.float64)[:, None]
    assert canonical(torch.zeros(1), y)[1, 0] > 0
    assert canonical(torch.zeros(1), -y)[1, 0] > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"k": 0}, ["k=0", "1 to n - 1 = 9"]),
        ({"k": 10}, ["k=10", "1 to n - 1 = 9"]),
        ({"laplacian": "normalised"}, ["laplacian", "did you mean 'normalized'"]),
        ({"solver": "lanczoz"}, ["solver", "did you mean 'lanczos'"]),
        ({"W": torch.ones(4, 5)}, ["(4, 5)"]),
        ({"W": torch.ones(5)}, ["(5,)"]),
        ({"W": torch.full((5, 5), float("nan"))}, ["NaN"]),
        ({"W": torch.full((5, 5), float("inf"))}, ["NaN or infinite"]),
    ],
)
def test_refusals(arguments, words, refused):
    with refused(*words):
        eigenpairs(**{"W": random_graph(10), "k": 3} | arguments)


graphs = st.builds(random_graph, st.integers(4, 25), st.integers(0, 10_000), st.integers(2, 6))


@settings(deadline=None, max_examples=20)
@given(graphs, st.floats(0, 1))
def test_normalised_eigenvalues_lie_between_0_and_2(W, floor):
    W = W + floor
    n = len(W)
    # Rayleigh quotients, so that no clamping can hide a wrong problem
    y = eigenpairs(W, n - 1).vectors
    D = torch.diag(W.sum(1))
    rayleigh = torch.einsum("nk,nm,mk->k", y, D - W, y) / torch.einsum("nk,nm,mk->k", y, D, y)
    assert rayleigh.min() >= -1e-6
    assert rayleigh.max() <= 2 + 1e-6
    torch.testing.assert_close(rayleigh, eigenpairs(W, n - 1).values, atol=1e-6, rtol=0)


@settings(deadline=None, max_examples=15)
@given(graphs, st.randoms(use_true_random=False))
def test_permuting_tokens_permutes_eigenspaces(W, random):
    n = len(W)
    order = list(range(n))
    random.shuffle(order)
    one, other = eigenpairs(W + 1e-3, n - 1), eigenpairs((W + 1e-3)[order][:, order], n - 1)
    torch.testing.assert_close(one.values, other.values, atol=1e-8, rtol=0)
    for space in eigenspaces(one.values.numpy(), n - 2, gap=1e-4):
        P, Q = one.vectors[order, space], other.vectors[:, space]
        torch.testing.assert_close(P @ P.T, Q @ Q.T, atol=1e-5, rtol=0)


@pytest.mark.gpu
def test_krylov_on_cuda_agrees_with_the_cpu():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    W = torch.stack([random_graph(300, seed) for seed in range(4)]).float()
    cpu, gpu = eigenpairs(W, 8, solver="lanczos"), eigenpairs(W.cuda(), 8)
    torch.testing.assert_close(gpu.values.cpu(), cpu.values, atol=1e-4, rtol=0)
    torch.testing.assert_close(gpu.vectors.cpu(), cpu.vectors, atol=2e-3, rtol=0)


@pytest.mark.gpu
@pytest.mark.parametrize("n", [200, 672, 690])
def test_an_eigenspace_has_an_orthonormal_basis_on_cuda(n):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    cpu, gpu = (eigenpairs(torch.ones(n, n, device=device), 4) for device in ("cpu", "cuda"))
    A, first, _ = symmetric_problem(torch.ones(1, n, n, device="cuda"), "normalized")
    all_of_it = solvers.dense(A, 4, first)[1][0]
    torch.testing.assert_close(all_of_it.T @ all_of_it, torch.eye(n, device="cuda"), atol=1e-4, rtol=0)
    torch.testing.assert_close(gpu.vectors.cpu(), cpu.vectors, atol=1e-4, rtol=0)


@pytest.mark.parametrize("solver", ["auto", "dense", "lanczos", "krylov"])
@pytest.mark.parametrize("n", [40, 150])
def test_a_share_of_an_eigenspace_is_the_same_share_every_time(solver, n):
    """In a complete graph all pairs but the first share a value: which come out is decided, no accident."""
    random = torch.Generator().manual_seed(0)
    W = torch.ones(n, n)
    found = []
    for _ in range(3):
        noise = 1e-7 * torch.rand(n, n, generator=random)
        found.append(eigenpairs(W + noise + noise.T, 2, solver=solver).vectors)
    torch.testing.assert_close(found[1], found[0], atol=1e-3, rtol=0)
    torch.testing.assert_close(found[2], found[0], atol=1e-3, rtol=0)
    y = found[0][:, 1]
    assert int(y.abs().argmax()) == 0  # the first token against all others
    assert y[1:].std() < 1e-3


def test_a_graph_that_hardly_holds_together_keeps_its_constant():
    W = torch.full((60, 60), 1e-5)
    W[:30, :30] = W[30:, 30:] = 1
    constant = eigenpairs(W, 3).vectors[:, 0]
    assert (constant / constant[0] - 1).abs().max() < 1e-5
