"""The Siamese head: a projector and a predictor trained per image, without negatives.

SimSAM (Kamra et al., ICIP 2024) after SimSiam (Chen and He, CVPR 2021). With z = psi(view) and
p = pi(z) for two affine views alpha and beta of one token grid, D the negative cosine similarity and sg
the stop-gradient, the loss is

    L = D(p_alpha, sg z_beta) / 2 + D(p_beta, sg z_alpha) / 2,

and what the affinity reads afterwards is G = pi(psi(F)).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import normalize, pad

from simsam.errors import SimsamError, check_least
from simsam.siamese.fast import ELU, Cosine, both_views, full_width, pad_rows
from simsam.siamese.views import ViewRange, apply_views, random_affine


@dataclass
class Layers:
    """B multilayer maps side by side: weights (B, d, d), biases (B, 1, d), ELU after each layer or none."""

    weights: list[Tensor]
    biases: list[Tensor]
    nonlinear: bool

    def __call__(self, x: Tensor) -> Tensor:
        """(B, m, d) -> (B, m, d); with no layer at all, the identity."""
        for weight, bias in zip(self.weights, self.biases):
            x = torch.baddbmm(bias, x, weight)
            if self.nonlinear:
                x = ELU.apply(x)
        return x

    def parameters(self) -> list[Tensor]:
        return [*self.weights, *self.biases]


@dataclass
class Head:
    """psi then pi. `head(tokens)` maps (B, n, d) to semantic tokens G (B, n, d)."""

    projector: Layers
    predictor: Layers

    def __call__(self, x: Tensor) -> Tensor:
        return self.predictor(self.projector(x))

    def parameters(self) -> list[Tensor]:
        return self.projector.parameters() + self.predictor.parameters()


@dataclass(frozen=True)
class HeadResult:
    """Semantic tokens G (n, d) or (B, n, d); losses (epochs,) or (B, epochs), in [-1, 1]; the head itself."""

    tokens: Tensor
    losses: Tensor
    head: Head


def init_head(
    batch: int,
    dim: int,
    projector: int = 1,
    predictor: int = 1,
    projector_nonlinear: bool = True,
    predictor_nonlinear: bool = False,
    generator: torch.Generator | None = None,
    device: torch.device | str = "cpu",
) -> Head:
    """A head for each of `batch` images, all with the same start: torch's own for Linear, U(-1, 1) / sqrt(d).

    One start for all keeps a batch equal to its images one by one.
    """
    bound = dim**-0.5

    def layers(count: int, nonlinear: bool) -> Layers:
        kind = {"generator": generator, "dtype": torch.float32}
        draw = [2 * bound * torch.rand(dim + 1, dim, **kind) - bound for _ in range(count)]
        draw = [d.to(device).expand(batch, -1, -1) for d in draw]
        return Layers([d[:, :dim].clone() for d in draw], [d[:, dim:].clone() for d in draw], nonlinear)

    return Head(layers(projector, projector_nonlinear), layers(predictor, predictor_nonlinear))


def siamese_loss(
    head: Head,
    alpha: Tensor,
    beta: Tensor,
    stop_gradient: bool = True,
) -> Tensor:
    """The loss of each image, (B,), from two paired views, (B, m, d) each."""
    psi, pi = head.projector, head.predictor
    z_alpha, z_beta, p_alpha, p_beta = both_views(psi, pi, alpha, beta)
    sg = Tensor.detach if stop_gradient else lambda z: z
    return D(p_alpha, sg(z_beta)) / 2 + D(p_beta, sg(z_alpha)) / 2


def D(p: Tensor, z: Tensor) -> Tensor:
    """Minus the mean cosine of the rows of p and z, (B, m, d) each, for each image: (B,)."""
    return -Cosine.apply(p, z).mean(-1)


def train_head(
    tokens: Tensor,
    grid: tuple[int, int],
    *,
    projector: int = 1,
    predictor: int = 1,
    projector_nonlinear: bool = True,
    predictor_nonlinear: bool = False,
    epochs: int = 10,
    batch: int | None = None,
    lr: float = 0.06,
    views: ViewRange | None = None,
    stop_gradient: bool = True,
    seed: int = 0,
) -> HeadResult:
    """Train one head per image by SGD on affine views of its own tokens, no labels, no negatives.

    tokens: (n, d) or (B, n, d) float32, read with rows of unit length; grid: (h, w) with h w = n. Two fresh
    views an epoch; an epoch is one pass over the grid, in steps of `batch` tokens (None: all at once).
    With `epochs=0` the head stays as it was drawn: the untrained control.
    Raises `SimsamError` for a grid that does not fit and for counts below zero.
    """
    x, single = _as_batch(tokens, grid)
    B, n, d = x.shape
    for name, value in {"projector": projector, "predictor": predictor, "epochs": epochs}.items():
        check_least(name, value, 0)
    check_least("batch", batch)
    generator = torch.Generator().manual_seed(seed)
    head = init_head(
        B, d, projector, predictor, projector_nonlinear, predictor_nonlinear, generator, x.device
    )
    maps = random_affine(2 * epochs, grid, views or ViewRange(), generator)
    losses = torch.zeros(B, epochs, device=x.device, dtype=x.dtype)
    parameters = head.parameters()
    with torch.enable_grad(), full_width():
        for parameter in parameters:
            parameter.requires_grad_(True)
        for epoch, pair in enumerate(_view_pairs(x, grid, maps)):
            for step in _steps(n, batch, generator, x.device):
                alpha, beta = pair if step is None else (pair[0][:, step], pair[1][:, step])
                loss = siamese_loss(head, alpha, beta, stop_gradient)
                share = 1 if step is None else len(step) / n
                losses[:, epoch] += share * loss.detach()
                # the sum keeps the images apart: no parameter of one image meets the loss of another
                if not loss.requires_grad:  # no layer, nothing to learn
                    continue
                for parameter, grad in zip(
                    parameters, torch.autograd.grad(loss.sum(), parameters, allow_unused=True)
                ):
                    if grad is not None:
                        parameter.data.sub_(grad, alpha=lr)
    for parameter in parameters:
        parameter.requires_grad_(False)
    return _result(head, x, losses, single)


def closed_form_head(
    tokens: Tensor,
    grid: tuple[int, int],
    *,
    projector_nonlinear: bool = True,
    pairs: int = 2,
    ridge: float = 1e-2,
    views: ViewRange | None = None,
    seed: int = 0,
) -> HeadResult:
    """The linear predictor that SGD looks for, in one solve, for a fixed random projector.

    For unit vectors p and t, |p - t|^2 = 2 - 2 cos(p, t): the squared error to the unit-length target is
    the quadratic surrogate of the cosine loss. With psi fixed, z = psi(view) with a one appended for the
    bias, and t the unit-length projection of the other view of the pair, minimise over P (d + 1, d)

        sum over pairs and tokens |z P - t|^2 + ridge * m * s * |P|^2,

    m the number of terms, s the mean square of the entries of z, so that `ridge` has no unit. The gradient
    Z^T (Z P - T) + ridge m s P vanishes at P = (Z^T Z + ridge m s I)^-1 Z^T T: one Cholesky solve an image.

    tokens: (n, d) or (B, n, d), read with rows of unit length. `losses` holds one entry, the cosine loss
    that P reaches on its own views. Raises `SimsamError` for a grid that does not fit.
    """
    x, single = _as_batch(tokens, grid)
    if ridge <= 0 or pairs < 1:
        raise SimsamError(f"ridge={ridge}, pairs={pairs}: give a ridge above 0 and a pair of views.")
    B, n, d = x.shape
    generator = torch.Generator().manual_seed(seed)
    head = init_head(B, d, 1, 0, projector_nonlinear, generator=generator, device=x.device)
    # a view's token is a weighted mean of tokens, so psi's linear map may come first, once for all views
    linear = replace(head.projector, nonlinear=False)(x)
    terms = []
    with full_width():
        for moves in random_affine(2 * pairs, grid, views or ViewRange(), generator).split(2):
            z = pad_rows(apply_views(linear, grid, moves)).flatten(1, 2)
            z = ELU.apply(z) if projector_nonlinear else z
            terms.append((z, normalize(z.roll(z.shape[1] // 2, 1), dim=-1)))
        P = solve_predictor(terms, ridge, 2 * n * pairs)
        head.predictor = Layers([P[:, :d]], [P[:, d:]], nonlinear=False)
        cosines = sum(Cosine.apply(head.predictor(z), target).sum(1) for z, target in terms)
    losses = -cosines[:, None] / (2 * n * pairs)
    G = head.predictor(ELU.apply(linear) if projector_nonlinear else linear)  # head(x), whose half is there
    return HeadResult(G[0] if single else G, losses[0] if single else losses, head)


def solve_predictor(
    terms: Sequence[tuple[Tensor, Tensor]],
    ridge: float,
    m: int | None = None,
) -> Tensor:
    """The P (B, d + 1, d) that minimises |[z 1] P - t|^2 + ridge m s |P|^2.

    The first part is a sum over the pairs (z, t) of `terms`, (B, m_i, d) each.
    s is the mean square of the entries of all z; m counts the rows of all z,
    or those that are not padding. Raises `SimsamError` for a ridge too small.
    """
    m = m or sum(z.shape[1] for z, _ in terms)
    # Z^T Z and Z^T T, where Z has a last column of ones for the bias
    gram = pad(sum(z.mT @ z for z, _ in terms), (0, 1, 0, 1), value=m)
    gram[:, -1, :-1] = gram[:, :-1, -1] = sum(z.sum(1) for z, _ in terms)
    cross = sum(z.mT @ t for z, t in terms)
    last = sum(t.sum(1, keepdim=True) for _, t in terms)
    cross = torch.cat([cross, last], 1)
    diagonal = gram.diagonal(dim1=1, dim2=2)
    scale = diagonal[:, :-1].mean(1, keepdim=True)  # m s
    diagonal += ridge * scale.clamp_min(1e-12)
    try:
        return torch.cholesky_solve(cross, torch.linalg.cholesky(gram))
    except torch.linalg.LinAlgError:
        found = "too small for these tokens, the matrix is singular"
        raise SimsamError(f"ridge={ridge}: {found}; give 1e-4 or more.") from None


def _view_pairs(x: Tensor, grid: tuple[int, int], maps: Tensor):
    """The two views of each epoch, (B, n, d) twice; made together while they fit in 8 MB, a cache."""
    if not len(maps):
        return
    together = max(2, 2**21 // x.numel() // 2 * 2)
    for chunk in maps.split(together):
        seen = apply_views(x, grid, chunk).transpose(0, 1)  # (V, B, n, d)
        yield from zip(seen[0::2], seen[1::2])


def _steps(n: int, batch: int | None, generator: torch.Generator, device: torch.device):
    """Which tokens each step of an epoch sees: None for all, or shuffled index sets; pairs stay paired."""
    if batch is None or batch >= n:
        return [None]
    return torch.randperm(n, generator=generator).to(device).split(batch)


def _as_batch(tokens: Tensor, grid: tuple[int, int]) -> tuple[Tensor, bool]:
    if tokens.ndim not in (2, 3) or tokens.shape[-2] != grid[0] * grid[1]:
        raise SimsamError(
            f"tokens of shape {tuple(tokens.shape)} do not fit a grid of {grid[0]} x {grid[1]}: "
            f"expected ({grid[0] * grid[1]}, d) or (B, {grid[0] * grid[1]}, d)."
        )
    single = tokens.ndim == 2
    x = tokens.detach().float()
    return normalize(x[None] if single else x, dim=-1), single


def _result(head: Head, x: Tensor, losses: Tensor, single: bool) -> HeadResult:
    with torch.no_grad():
        G = head(x)
    return HeadResult(G[0] if single else G, losses[0] if single else losses, head)
