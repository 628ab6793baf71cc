"""The Siamese head: gradients against autograd by hand, the closed form."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from simsam.features import extract
from simsam.siamese.head import closed_form_head, init_head, siamese_loss, solve_predictor, train_head
from simsam.siamese.views import ViewRange, apply_views, random_affine


def tokens(n: int, d: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=dtype)


# --- gradients ---


def head_and_views(d: int = 6, m: int = 20, **layers):
    generator = torch.Generator().manual_seed(0)
    head = init_head(2, d, generator=generator, **layers)
    for parameter in head.parameters():
        parameter.requires_grad_(True)
    return head, torch.randn(2, m, d, generator=generator), torch.randn(2, m, d, generator=generator)


@pytest.mark.parametrize("m", [20, 150])  # 150 are filled up to whole blocks
def test_the_loss_by_hand(m):
    head, alpha, beta = head_and_views(m=m)
    z_a, z_b = head.projector(alpha), head.projector(beta)
    p_a, p_b = head.predictor(z_a), head.predictor(z_b)
    expected = -(F.cosine_similarity(p_a, z_b, dim=-1) + F.cosine_similarity(p_b, z_a, dim=-1)).mean(1) / 2
    for stop in (True, False):
        torch.testing.assert_close(siamese_loss(head, alpha, beta, stop), expected)


def test_layers_are_linear_maps_and_elu():
    head, alpha, _ = head_and_views(projector=2, predictor=1)
    for b in range(2):
        z = alpha[b]
        for W, c in zip(head.projector.weights, head.projector.biases):
            z = F.elu(z @ W[b] + c[b])
        torch.testing.assert_close(
            head(alpha)[b], z @ head.predictor.weights[0][b] + head.predictor.biases[0][b]
        )
    bound = 6**-0.5
    assert all(p.abs().max() <= bound for p in head.parameters())


def gradients(loss, head):
    return torch.autograd.grad(loss.sum(), head.parameters())


def test_psi_and_pi_both_receive_gradient():
    head, alpha, beta = head_and_views()
    for stop in (True, False):
        assert all(g.abs().max() > 1e-4 for g in gradients(siamese_loss(head, alpha, beta, stop), head))


@pytest.mark.parametrize("m", [20, 150])
def test_no_gradient_flows_through_the_stop_gradient(m):
    head, alpha, beta = head_and_views(m=m)
    # the same loss with targets that are plain numbers
    z_a, z_b = (head.projector(v).detach().clone() for v in (alpha, beta))
    p_a, p_b = head(alpha), head(beta)
    loss = -(F.cosine_similarity(p_a, z_b, dim=-1) + F.cosine_similarity(p_b, z_a, dim=-1)).mean(1) / 2
    by_hand = gradients(loss, head)
    stopped = gradients(siamese_loss(head, alpha, beta, True), head)
    flowing = gradients(siamese_loss(head, alpha, beta, False), head)
    psi = len(head.projector.parameters())
    for k, (one, two, three) in enumerate(zip(by_hand, stopped, flowing)):
        torch.testing.assert_close(one, two)
        if k < psi:  # only psi is reached through the target
            assert (two - three).abs().max() > 1e-3
        else:
            torch.testing.assert_close(two, three)


def test_one_step_is_plain_gradient_descent():
    x, grid = F.normalize(tokens(12, 4), dim=-1), (3, 4)
    trained = train_head(x, grid, epochs=1, lr=0.1, seed=5)
    generator = torch.Generator().manual_seed(5)
    head = init_head(1, 4, generator=generator)
    alpha, beta = apply_views(x[None], grid, random_affine(2, grid, ViewRange(), generator)).unbind(1)
    for parameter in head.parameters():
        parameter.requires_grad_(True)
    loss = siamese_loss(head, alpha, beta)
    torch.testing.assert_close(trained.losses, loss.detach())
    for new, old, g in zip(trained.head.parameters(), head.parameters(), gradients(loss, head)):
        torch.testing.assert_close(new, old.detach() - 0.1 * g)
    assert not any(p.requires_grad for p in trained.head.parameters())


# --- training ---


def test_the_papers_head_learns_the_cats_keys(backbone, cat):
    features = extract(cat, backbone, tokens="keys")
    result = train_head(features.tokens, features.grid)
    assert result.losses.shape == (10,)
    assert result.losses[-1] < -0.85
    assert result.losses[0] > -0.3
    assert result.tokens.shape == features.tokens.shape


@pytest.mark.parametrize("batch", [None, 7])
def test_a_batch_equals_its_images_one_by_one(batch):
    x = torch.stack([tokens(24, 8, seed) for seed in range(3)])
    together = train_head(x, (4, 6), epochs=4, batch=batch)
    closed = closed_form_head(x, (4, 6))
    assert together.tokens.shape == (3, 24, 8)
    assert together.losses.shape == (3, 4)
    for b in range(3):
        for both, alone in (
            (together, train_head(x[b], (4, 6), epochs=4, batch=batch)),
            (closed, closed_form_head(x[b], (4, 6))),
        ):
            torch.testing.assert_close(both.tokens[b], alone.tokens, atol=1e-4, rtol=0)
            torch.testing.assert_close(both.losses[b], alone.losses, atol=1e-4, rtol=0)


@pytest.mark.parametrize("run", [train_head, closed_form_head])
def test_the_seed_decides(run):
    x = tokens(24, 8)
    torch.testing.assert_close(run(x, (4, 6), seed=1).tokens, run(x, (4, 6), seed=1).tokens, atol=0, rtol=0)
    assert (run(x, (4, 6), seed=1).tokens - run(x, (4, 6), seed=2).tokens).abs().max() > 1e-2


def test_training_leaves_torchs_own_generator_and_its_input_alone():
    x = tokens(24, 8)
    before, state = x.clone(), torch.get_rng_state()
    with torch.no_grad():  # as the pipeline calls it
        train_head(x, (4, 6), batch=5)
        closed_form_head(x, (4, 6))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(x, before)


@pytest.mark.parametrize(
    "change",
    [
        {"projector": 2},
        {"predictor": 2},
        {"projector_nonlinear": False},
        {"predictor_nonlinear": True},
        {"epochs": 5},
        {"batch": 6},
        {"lr": 0.2},
        {"views": ViewRange(0.5, 40, 0, 0)},
        {"stop_gradient": False},
        {"seed": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_setting_matters(change):
    x = tokens(24, 8)
    one, other = train_head(x, (4, 6)), train_head(x, (4, 6), **change)
    assert (one.tokens - other.tokens).abs().max() > 1e-4


def test_minibatches_see_every_token_once_an_epoch():
    x = tokens(24, 8)
    whole = train_head(x, (4, 6), epochs=3)
    for batch in (24, 100):
        torch.testing.assert_close(train_head(x, (4, 6), epochs=3, batch=batch).tokens, whole.tokens)
    # at a learning rate of zero, the mean over an epoch's steps is the loss of the whole grid, also where
    # the last step is a short one
    still = train_head(x, (4, 6), epochs=3, lr=0)
    torch.testing.assert_close(train_head(x, (4, 6), epochs=3, lr=0, batch=7).losses, still.losses)
    # many small steps go further than one
    small = train_head(x, (4, 6), epochs=10, batch=4)
    assert small.losses[-1] < train_head(x, (4, 6), epochs=10).losses[-1]


def test_untrained_and_empty_heads():
    x = tokens(24, 8)
    untrained = train_head(x, (4, 6), epochs=0)
    assert untrained.losses.shape == (0,)
    generator = torch.Generator().manual_seed(0)
    torch.testing.assert_close(
        untrained.tokens, init_head(1, 8, generator=generator)(F.normalize(x[None], dim=-1))[0]
    )
    nothing = train_head(x, (4, 6), projector=0, predictor=0, epochs=2)
    torch.testing.assert_close(nothing.tokens, F.normalize(x, dim=-1))
    assert (train_head(x, (4, 6), predictor=0).losses.diff() != 0).any()  # psi alone learns as well


@pytest.mark.gpu
def test_a_head_on_cuda_equals_the_one_on_the_cpu():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    x = tokens(24, 8)
    for run in (train_head, closed_form_head):
        one, other = run(x, (4, 6)), run(x.cuda(), (4, 6))
        torch.testing.assert_close(other.tokens.cpu(), one.tokens, atol=1e-3, rtol=0)


# --- the closed form ---


def surrogate(d: int = 5, m: int = 60) -> tuple[torch.Tensor, torch.Tensor]:
    z = tokens(m, d, 1, torch.float64)[None] + 0.5
    return z, F.normalize(tokens(m, d, 2, torch.float64) + z[0], dim=-1)[None]


@pytest.mark.parametrize("ridge", [1e-2, 0.3])
def test_gradient_descent_on_the_surrogate_converges_to_the_closed_form(ridge):
    z, target = surrogate()
    closed = solve_predictor([(z, target)], ridge)[0]
    Z, T = F.pad(z[0], (0, 1), value=1.0), target[0]
    weight = ridge * len(Z) * z.square().mean()
    P = torch.zeros_like(closed, requires_grad=True)
    step = 0.5 / float(torch.linalg.eigvalsh(Z.T @ Z)[-1] + weight)
    for _ in range(3000):
        objective = (Z @ P - T).square().sum() + weight * P.square().sum()
        (gradient,) = torch.autograd.grad(objective, P)
        with torch.no_grad():
            P -= step * gradient
    torch.testing.assert_close(P.detach(), closed, atol=1e-6, rtol=0)
    # the normal equations
    torch.testing.assert_close(
        Z.T @ (Z @ closed - T) + weight * closed, torch.zeros_like(closed), atol=1e-9, rtol=0
    )


@pytest.mark.parametrize("grid", [(5, 6), (10, 15)])
@pytest.mark.parametrize("nonlinear", [True, False])
def test_the_closed_form_head_solves_its_own_views(grid, nonlinear):
    """The whole function: psi fixed, targets from the other view of the pair, the bias as a last row."""
    x, pairs, ridge = F.normalize(tokens(grid[0] * grid[1], 6), dim=-1), 2, 1e-2
    result = closed_form_head(x, grid, pairs=pairs, ridge=ridge, projector_nonlinear=nonlinear, seed=3)
    generator = torch.Generator().manual_seed(3)
    psi = init_head(1, 6, 1, 0, nonlinear, generator=generator).projector
    views = apply_views(x[None], grid, random_affine(2 * pairs, grid, ViewRange(), generator))[0]
    z = [psi(view[None])[0] for view in views]
    Z = torch.cat(z).double()
    T = torch.cat([F.normalize(z[k], dim=-1) for k in (1, 0, 3, 2)]).double()
    weight = ridge * len(Z) * Z.square().mean()
    Z1 = F.pad(Z, (0, 1), value=1.0)
    P = torch.linalg.solve(Z1.T @ Z1 + weight * torch.eye(7, dtype=torch.float64), Z1.T @ T)
    expected = psi(x[None])[0].double() @ P[:6] + P[6]
    torch.testing.assert_close(result.tokens.double(), expected, atol=1e-4, rtol=0)
    loss = -F.cosine_similarity(Z1 @ P, T, dim=-1).mean()
    torch.testing.assert_close(result.losses.double(), loss[None], atol=1e-5, rtol=0)


def test_the_closed_form_beats_an_untrained_predictor_and_sgd_steps():
    x, grid = tokens(60, 8), (6, 10)
    untrained = train_head(x, grid, epochs=1, lr=0).losses[-1]
    assert closed_form_head(x, grid).losses[-1] < untrained - 0.2


@pytest.mark.parametrize(
    "change",
    [{"projector_nonlinear": False}, {"pairs": 4}, {"ridge": 0.5}, {"views": ViewRange(0.5, 40, 0, 0)}],
    ids=lambda change: next(iter(change)),
)
def test_every_setting_of_the_closed_form_matters(change):
    x = tokens(24, 8)
    one, other = closed_form_head(x, (4, 6)), closed_form_head(x, (4, 6), **change)
    assert (one.tokens - other.tokens).abs().max() > 1e-4


@pytest.mark.parametrize(
    ("run", "arguments", "words"),
    [
        (train_head, {"grid": (4, 5)}, ["(24, 8)", "4 x 5", "(20, d)"]),
        (closed_form_head, {"grid": (4, 5)}, ["(24, 8)", "4 x 5"]),
        (train_head, {"tokens": torch.zeros(24)}, ["(24,)"]),
        (train_head, {"epochs": -1}, ["epochs=-1"]),
        (train_head, {"projector": -1}, ["projector=-1"]),
        (train_head, {"predictor": -2}, ["predictor=-2"]),
        (train_head, {"batch": 0}, ["batch=0"]),
        (closed_form_head, {"ridge": 0}, ["ridge=0"]),
        (closed_form_head, {"tokens": torch.ones(24, 8), "ridge": 1e-30}, ["ridge=1e-30", "1e-4 or more"]),
        (closed_form_head, {"pairs": 0}, ["pairs=0"]),
    ],
)
def test_refusals(run, arguments, words, refused):
    with refused(*words):
        run(**{"tokens": tokens(24, 8), "grid": (4, 6)} | arguments)
