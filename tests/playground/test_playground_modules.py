"""Each module in the page against its twin in Python, on small inputs."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
import torch

from simsam import affinity, objects, siamese, spectral
from simsam.features import Geometry
from simsam.siamese.views import ViewRange, apply_views, random_affine

GRID = (6, 8)
PLAIN = """
    const M = SIMSAM_PLAYGROUND.modules;
    const matrix = (rows) => M.linalg.matrix(rows.length, rows[0].length, rows.flat());
    const plain = (value) => {
        if (ArrayBuffer.isView(value)) return Array.from(value);
        if (Array.isArray(value)) return value.map(plain);
        if (value && value.data && value.rows !== undefined) {
            return Array.from({ length: value.rows }, (_, i) => plain(M.linalg.rowOf(value, i)));
        }
        if (value && typeof value === "object") {
            return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
        }
        return value;
    };
"""


@pytest.fixture
def js(page) -> Callable:
    """`js("expression of a, b", a=..., b=...)`: arrays come as lists; `matrix(a)` makes a Matrix of them."""

    def call(expression: str, **given: object) -> object:
        lists = {name: value.tolist() if hasattr(value, "tolist") else value for name, value in given.items()}
        # as one text each way: Playwright wraps every number of a list
        body = (
            f"const {{ {', '.join(lists)} }} = JSON.parse(given); return JSON.stringify(plain({expression}));"
        )
        return json.loads(page.evaluate(f"(given) => {{ {PLAIN} {body} }}", json.dumps(lists)))

    return call


def tokens_of(seed: int, n: int = 48, d: int = 12) -> torch.Tensor:
    """Tokens in two groups, so that there is something to find."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, d, generator=generator)
    x[: n // 3] += 2 * torch.randn(d, generator=generator)
    return x


def close(found: object, expected: object, atol: float = 1e-5) -> None:
    np.testing.assert_allclose(np.asarray(found, float), np.asarray(expected, float), rtol=0, atol=atol)


@pytest.mark.parametrize("seed", [0, 7, 2**40 + 3])
def test_random_numbers_are_torchs(js, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    expected = [
        torch.rand(1500, generator=generator).tolist(),
        torch.randperm(70, generator=generator).tolist(),
    ]
    draw = "((g) => [M.random.uniform(1500, g), M.random.shuffled(70, g)])(new M.random.Generator(seed))"
    assert js(draw, seed=seed) == expected


def test_linear_algebra(js) -> None:
    a, b = torch.rand(2, 13, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    positive = a.T @ a + 0.1 * torch.eye(7)
    close(js("M.linalg.timesTransposed(matrix(a), matrix(b))", a=a, b=b), a @ b.T, 1e-12)
    close(js("M.linalg.gram(matrix(a))", a=a), a @ a.T, 1e-12)
    close(js("M.linalg.times(matrix(a), M.linalg.transpose(matrix(b)))", a=a, b=b), a @ b.T, 1e-12)
    close(js("M.linalg.timesVector(matrix(a), b)", a=a, b=b[0]), a @ b[0], 1e-12)
    solved = js("M.linalg.solvePositive(matrix(p), matrix(b))", p=positive, b=b.T)
    close(solved, torch.linalg.solve(positive, b.T), 1e-9)
    c = torch.rand(80, 70, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    positive = c.T @ c + 0.1 * torch.eye(70)  # in several blocks
    solved = js("M.linalg.solvePositive(matrix(p), matrix(c))", p=positive, c=c[:9].T)
    close(solved, torch.linalg.solve(positive, c[:9].T), 1e-9)
    assert "singular" in js(
        "(() => { try { M.linalg.solvePositive(matrix(p), matrix(p)); } "
        "catch (error) { return error.message; } })()",
        p=torch.ones(3, 3),
    )


@pytest.mark.parametrize("shape", [(1, 1, 1), (13, 5, 7), (70, 33, 385), (40, 100, 2)])
def test_products_in_tiles_are_those_of_the_loops(js, shape: tuple[int, int, int]) -> None:
    m, n, d = shape
    generator = torch.Generator().manual_seed(m)
    a, b = (torch.randn(rows, d, dtype=torch.float64, generator=generator) for rows in (m, n))
    call = "((C) => [M.{}(matrix(a), matrix(b), C), C])(M.linalg.matrix(a.length, b.length))"
    taken, fast = js(call.format("simd.productInTiles"), a=a, b=b)
    assert taken  # this Chromium has SIMD: else the loops would be compared with themselves
    _, plain = js(call.format("linalg.productInLoops"), a=a, b=b)
    close(fast, a @ b.T, 1e-12)
    close(plain, a @ b.T, 1e-12)
    close(js("M.linalg.gram(matrix(a))", a=a), a @ a.T, 1e-12)


def test_views_move_the_grid(js) -> None:
    ranges = {"view_scale": 0.3, "view_degrees": 40.0, "view_shear": 0.4, "view_shift": 0.6}
    maps = random_affine(5, GRID, ViewRange(*ranges.values()), torch.Generator().manual_seed(3))
    tokens = tokens_of(0)
    draw = "M.views.randomAffine(5, grid, ranges, new M.random.Generator(3))"
    drawn = js(draw, grid=GRID, ranges=ranges)
    close([m["linear"] for m in drawn], maps[:, :, :2].reshape(5, 4), 1e-6)
    close([m["shift"] for m in drawn], maps[:, :, 2], 1e-6)
    views = js(
        f"{draw}.map((m) => M.views.applyView(matrix(x), grid, m))", grid=GRID, ranges=ranges, x=tokens
    )
    close(views, apply_views(tokens[None], GRID, maps)[0], 1e-4)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"epochs": 0},
        {"lr": 0.5, "stop_gradient": False},
        {"lr": 0.3, "batch": 7, "seed": 5},
        {"projector": 2, "predictor": 2, "predictor_nonlinear": True, "lr": 0.3},
        {"projector": 0, "projector_nonlinear": False, "lr": 0.3},
        {"predictor": 0, "lr": 0.3, "stop_gradient": False},
    ],
    ids=str,
)
def test_head_learns_as_in_python(js, settings: dict[str, object]) -> None:
    settings = {"epochs": 3, **settings}
    tokens = tokens_of(1)
    expected = siamese.train_head(tokens, GRID, **settings)
    run = "M.head.atTheEnd(M.head.trainHead(matrix(x), grid, settings))"
    found = js(run, x=tokens, grid=GRID, settings=settings)
    close(found["losses"], expected.losses)
    close(found["tokens"], expected.tokens, 1e-4)


def test_head_tells_of_each_epoch(js) -> None:
    steps = js(
        "[...M.head.trainHead(matrix(x), grid, { epochs: 4 })].map(({ epoch, loss }) => [epoch, loss])",
        x=tokens_of(2),
        grid=GRID,
    )
    assert [epoch for epoch, _ in steps] == [1, 2, 3, 4]
    close([loss for _, loss in steps], siamese.train_head(tokens_of(2), GRID, epochs=4).losses)


@pytest.mark.parametrize(
    "settings", [{}, {"pairs": 3, "ridge": 0.3, "seed": 4}, {"projector_nonlinear": False}], ids=str
)
def test_closed_form(js, settings: dict[str, object]) -> None:
    tokens = tokens_of(3)
    expected = siamese.closed_form_head(tokens, GRID, **settings)
    found = js(
        "M.closed_form.closedFormHead(matrix(x), grid, settings)", x=tokens, grid=GRID, settings=settings
    )
    close(found["losses"], expected.losses, 1e-4)
    close(found["tokens"], expected.tokens, 1e-3)


@pytest.mark.parametrize("offset", ["none", "mean", "max/3", "quantile:0.37"])
@pytest.mark.parametrize("unit", [True, False])
def test_affinities(js, offset: str, unit: bool) -> None:
    x, G = tokens_of(4), tokens_of(5)
    W_A, W_SA = affinity.vanilla_affinity(x, offset), affinity.semantic_affinity(G, unit, offset)
    found = js("M.affinity.vanillaAffinity(matrix(x), offset)", x=x, offset=offset)
    close(found, W_A)
    semantic = "M.affinity.semanticAffinity(matrix(G), unit, offset)"
    close(js(semantic, G=G, unit=unit, offset=offset), W_SA, 1e-4)
    both = f"M.affinity.combine(M.affinity.vanillaAffinity(matrix(x), offset), {semantic}, 0.7, 0.01)"
    close(js(both, x=x, G=G, unit=unit, offset=offset), affinity.combine(W_A, W_SA, 0.7, 0.01))
    constant = both.replace(semantic, f"M.affinity.constantAffinity({semantic})")
    expected = affinity.combine(W_A, torch.full_like(W_SA, float(W_SA.mean())), 0.7, 0.01)
    close(js(constant, x=x, G=G, unit=unit, offset=offset), expected)


def test_other_graphs(js) -> None:
    x = tokens_of(6)
    for tau in (-0.1, 0.25):
        expected = affinity.binary_affinity(x, tau, 1e-3), affinity.cosine_affinity(x, tau, 1e-3)
        for name, W in zip(("binary", "cosine"), expected, strict=True):
            close(js(f"M.affinity.{name}Affinity(matrix(x), tau, 1e-3)", x=x, tau=tau), W)
    flat = torch.full((5, 5), -1.0)
    close(js("M.affinity.combine(matrix(x), null, 0, 0.25)", x=flat), affinity.combine(flat, floor=0.25))


def graphs() -> dict[str, torch.Tensor]:
    """Graphs that ask each of the solvers, and the rule for eigenspaces of several dimensions."""
    connected = affinity.combine(affinity.vanilla_affinity(tokens_of(7, 160)), floor=1e-3)
    small = affinity.combine(affinity.vanilla_affinity(tokens_of(8, 40)), floor=1e-3)
    pieces = torch.block_diag(*[affinity.combine(affinity.vanilla_affinity(tokens_of(9, 50), "none"))] * 3)
    lonely = connected.clone()
    lonely[11] = lonely[:, 11] = 0
    ring = torch.roll(torch.eye(150), 1, 0)
    return {
        "connected": connected,
        "small": small,
        "three equal pieces": pieces,
        "a token without edges": lonely,
        "a ring": ring + ring.T + torch.eye(150),
        "complete": torch.ones(140, 140),
    }


@pytest.mark.parametrize("laplacian", spectral.LAPLACIANS)
@pytest.mark.parametrize("name", graphs())
def test_eigenvectors(js, name: str, laplacian: str) -> None:
    W = graphs()[name]
    expected = spectral.eigenpairs(W.double(), 4, laplacian, "dense")
    found = js("M.spectral.eigenpairs(matrix(W), 4, laplacian)", W=W, laplacian=laplacian)
    scale = 1.0 if laplacian == "normalized" else float(W.sum(1).max())
    close(found["values"], expected.values, 1e-5 * scale)
    close(found["vectors"], expected.vectors.T, 3e-4)


def field(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A lopsided eigenvector on the grid, and the graph that it is of."""
    W = affinity.combine(affinity.vanilla_affinity(tokens_of(seed)), floor=1e-3)
    return spectral.eigenpairs(W, 2).vectors[:, 1] + 0.01, W


@pytest.mark.parametrize("rule", objects.THRESHOLDS)
@pytest.mark.parametrize("sign", objects.SIGNS)
def test_cuts(js, rule: str, sign: str) -> None:
    for seed in (10, 11):
        y, W = field(seed)
        attention = torch.rand(48, generator=torch.Generator().manual_seed(seed))
        settings = {"threshold": rule, "sign": sign}
        for component, hard in ((False, False), (True, False), (False, True)):
            expected = objects.bipartition(
                y, W, GRID, cut=rule, sign=sign, component=component, hard=hard, attention=attention
            )
            found = js(
                "M.cuts.bipartition(Float64Array.from(y), matrix(W), grid, settings)",
                y=y,
                W=W,
                grid=GRID,
                settings={**settings, "component": component, "hard": hard, "attention": attention.tolist()},
            )
            close(found["score"], expected)
            close(found["cut"], objects.threshold(y, rule, W), 1e-4)


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("seed", [0, 3])
def test_clusters(js, k: int, seed: int) -> None:
    x = tokens_of(12, 200, 3)
    expected = objects.kmeans(x, k, seed=seed).tolist()
    assert js("M.clustering.kmeans(matrix(x), k, { seed })", x=x, k=k, seed=seed) == expected


@pytest.mark.parametrize("ratio", [0.0, 0.6, 1.1])
def test_votes(js, ratio: float) -> None:
    x = tokens_of(13)
    W = affinity.combine(affinity.vanilla_affinity(x), floor=1e-3)
    V = spectral.eigenpairs(W, 5).vectors
    given = {"grid": GRID, "ks": [2, 4, 5], "ratio": ratio, "seed": 2}
    vote = js("M.objects.clusterVote(matrix(V), grid, ks, ratio, seed)", V=V.T, **given)
    close(vote["score"], objects.cluster_vote(V, GRID, (2, 4, 5), ratio, 2))
    # each clustering tells what it called foreground, and these votes make the score
    counted = sum(np.where(np.array(v["chosen"])[v["labels"]], 1, -1) for v in vote["votes"]) / 3
    close(counted, vote["score"])
    vote = js("M.objects.tokenVote(matrix(x), grid, ks, ratio, seed)", x=x, **given)
    close(vote["score"], objects.token_vote(x[None], GRID, (2, 4, 5), ratio, 2)[0])


def test_centroid_step_and_margin(js) -> None:
    x = tokens_of(14)
    score = torch.linspace(-1, 2, 48)
    step = "M.objects.centroidStep(matrix(x), score)"
    expected = objects.centroid_step(x, score > 0)
    close(js(step, x=x, score=score), expected)
    close(js(step, x=x, score=score - 5), -torch.ones(48))
    less = expected - 0.3 * expected.abs().mean()
    close(js(f"M.objects.lessMargin({step}, 0.3)", x=x, score=score), less)


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize("shape", [(23, 61), (6, 8), (84, 112), (200, 9)])
def test_upsampling(js, mode: str, shape: tuple[int, int]) -> None:
    values = torch.rand(48, generator=torch.Generator().manual_seed(0))
    expected = Geometry(shape, (0, 0, *shape), GRID).upsample(values.view(GRID), mode)
    found = js(
        "M.features.upsample(values, grid, shape, mode)", values=values, grid=GRID, shape=shape, mode=mode
    )
    close(found, expected.flatten(), 1e-5)


def test_iou_and_runs(js) -> None:
    from playground_photos import runs

    from simsam.measuring import iou

    a, b = np.random.default_rng(0).random((2, 11, 7)) > 0.6
    b[0] = True
    decode = "M.features.decodeRuns(runs, [11, 7])"
    for mask in (a, b, np.zeros_like(a), np.ones_like(a)):
        assert js(decode, runs=runs(mask)) == mask.astype(int).ravel().tolist()
    found = js(
        f"M.objects.iouOf({decode}, {decode.replace('runs,', 'others,')})", runs=runs(a), others=runs(b)
    )
    assert found == pytest.approx(iou(a, b))
    assert js(f"M.objects.iouOf({decode}, {decode})", runs=runs(np.zeros_like(a))) == 1
