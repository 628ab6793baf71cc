"""What tokens betray of the weights that made them: linear algebra on outputs alone.

The share of the first component and the effective rank tell how many directions carry the features;
`recover_norm` finds the last LayerNorm's parameters, and `recognise` compares them with those of a published
model.
"""

from __future__ import annotations

import functools
import json
import math
from dataclasses import dataclass
from importlib.resources import files

import torch
import torch.nn.functional as F
from threadpoolctl import threadpool_limits
from torch import Tensor

from simsam.errors import SimsamError

TRUSTED = (
    5e-4  # residual of a norm: float32 outputs stay below 1.5e-4, and those in half precision above 5e-3
)
ENOUGH = 1.25  # tokens per channel: with fewer the sphere passes through whatever there is


@dataclass(frozen=True)
class Principal:
    """Principal components of tokens: variances (d,) float64, the largest first, and the first one's scores
    (n,) float64, whose entry of largest magnitude is positive."""

    variances: Tensor
    scores: Tensor

    @property
    def share(self) -> float:
        """The first component's part of the variance, in (0, 1]."""
        return float(self.variances[0] / self.variances.sum())

    @property
    def effective_rank(self) -> float:
        """exp of the entropy of the variances, normalised to sum 1; from 1 to min(n - 1, d).

        After Roy and Vetterli 2007, who take the singular values of the matrix as it is. Here the tokens are
        centred and the variances (squares of the singular values) take their place, so that rank and share
        speak of the same spectrum. Rows keep their length.
        """
        return float(torch.special.entr(self.variances / self.variances.sum()).sum().exp())


@threadpool_limits.wrap(limits=1)  # on a busy machine more of them wait for each other, up to 40 times longer
def principal(tokens: Tensor) -> Principal:
    """The principal components of tokens (n, d), in float64 on the CPU.

    Raises `SimsamError` for fewer than two tokens, values that are not finite, and tokens that are all equal.
    """
    x = _checked(tokens)
    centred = x - x.mean(0)
    variances, directions = torch.linalg.eigh(centred.T @ centred / len(x))  # in ascending order
    if variances.sum() <= 1e-12 * x.square().sum(1).mean():  # what float32 leaves of nothing
        raise SimsamError(f"the {len(x)} tokens are all equal, so they have no principal component.")
    scores = centred @ directions[:, -1]
    return Principal(variances.flip(0).clamp(min=0), scores * scores[scores.abs().argmax()].sign())


def component_share(tokens: Tensor) -> float:
    """The part of the variance of tokens (n, d) that their first principal component has, in (0, 1].

    The tokens are centred. Raises as `principal` does.
    """
    return principal(tokens).share


def effective_rank(tokens: Tensor) -> float:
    """How many directions tokens (n, d) fill: `Principal.effective_rank`. Raises as `principal` does."""
    return principal(tokens).effective_rank


def first_component(tokens: Tensor) -> Tensor:
    """Scores (n,) float64 of tokens (n, d) on their first principal component, mean 0.

    The entry of largest magnitude is positive. Raises as `principal` does.
    """
    return principal(tokens).scores


def mean_cosine(tokens: Tensor) -> float:
    """The mean cosine of two different tokens of (n, d), from -1 / (n - 1) to 1; a zero token's is 0.

    Raises `SimsamError` for fewer than two tokens and for values that are not finite.
    """
    unit = F.normalize(_checked(tokens), dim=1)
    pairs = len(unit) * (len(unit) - 1)
    # the squared length of the sum holds every pair twice, and each token with itself
    return float((unit.sum(0).square().sum() - unit.square().sum()) / pairs)


def mask_correlation(component: Tensor, mask: Tensor) -> float:
    """|Pearson correlation| of a component (n,) with a mask on the grid (n,) in [0, 1]; from 0 to 1.

    Without the sign, which a component does not have. Raises `SimsamError` where the lengths differ, and
    where one of both is constant: a correlation with nothing is not defined.
    """
    if component.shape != mask.shape or component.ndim != 1:
        raise SimsamError(
            f"a component {tuple(component.shape)} and a mask {tuple(mask.shape)}: give both as (n,)."
        )
    both = torch.stack([component.cpu().double(), mask.cpu().double()])
    if not (both.amax(1) > both.amin(1)).all():
        raise SimsamError("the component or the mask has one value on the whole grid: nothing to correlate.")
    return min(1.0, abs(float(torch.corrcoef(both)[0, 1])))


@dataclass(frozen=True)
class Norm:
    """A LayerNorm recovered from its outputs: weight and bias (d,) float64, and how well it explains them.

    plane: the smallest singular value of the outputs, each channel with deviation 1, over the second
        smallest. For float32 outputs of a LayerNorm 1e-5 to 1.5e-4, and the median error of the weights is
        about a third of it; near 1 for tokens that lie on no plane.
    sphere: root mean square, over the tokens, of (variance of the recovered z over the channels) - 1.
    tokens: how many there were.
    """

    weight: Tensor
    bias: Tensor
    plane: float
    sphere: float
    tokens: int

    @property
    def fits(self) -> bool:
        """Whether the tokens did come out of a LayerNorm, with digits enough to compare its weights."""
        return self.plane < TRUSTED and self.sphere < TRUSTED


@threadpool_limits.wrap(limits=1)
def recover_norm(tokens: Tensor) -> Norm:
    """The LayerNorm that tokens (n, d) came out of, from these outputs alone; n at least 1.25 d, float32.

    y = w z + b, where each token's z has mean 0 and variance 1 over the channels. So the (y - b) / w lie on a
    plane through 0, whose normal (1, ..., 1) gives sum_c (y_c - b_c) / w_c = 0: up to a factor, 1 / w is the
    direction in which the centred outputs do not vary. They also lie on a sphere of radius sqrt(d): that is
    linear in its centre b, and gives the factor.

    Everything is determined but one sign: -w with -z gives the same outputs. So the bias is exact, and the
    weights are up to a sign common to all of them; here their sum is positive. Weights include what the
    epsilon of the norm took away (a part below 1e-6 where the variance is above 1).

    Raises `SimsamError` for too few tokens, values that are not finite, and a channel that is constant (its
    weight is 0, and nothing of z is seen through it). Tokens of another origin give some norm, too: look at
    `Norm.fits`.
    """
    y = _checked(tokens)
    n, d = y.shape
    if n < ENOUGH * d:
        raise SimsamError(
            f"{n} tokens of {d} channels are too few to recover a norm: give at least "
            f"{math.ceil(ENOUGH * d)}, those of several photos if need be."
        )
    center, deviation = y.mean(0), y.std(0)
    if not (deviation > 0).all():
        channel = int(deviation.argmin())
        raise SimsamError(f"channel {channel} of the tokens is constant, so no norm can be seen through it.")
    standard = (y - center) / deviation
    # the triangle has the singular values and right vectors of all n rows; the Gram matrix would lose half
    # of the digits, and the plane's lie in those
    _, spread, directions = torch.linalg.svd(torch.linalg.qr(standard, mode="r").R)
    normal = directions[-1] / deviation
    normal = normal / normal.norm()
    # p = (y - center) normal = a (z - mean of z) with a factor a; |p - q|^2 = a^2 d for the centre q, so
    # 2 p.q + (a^2 d - |q|^2) = |p|^2. As the p lie on a plane, so does q: the last row.
    p = (y - center) * normal
    system = torch.cat([2 * p, y.new_ones(n, 1)], 1)
    on_plane = torch.cat([y.new_ones(1, d), y.new_zeros(1, 1)], 1)
    target = torch.cat([p.square().sum(1), y.new_zeros(1)])
    solution = torch.linalg.lstsq(torch.cat([system, on_plane]), target[:, None]).solution[:, 0]
    q, rest = solution[:-1], solution[-1]
    weight = ((rest + q @ q).clamp(min=0) / d).sqrt() / normal
    bias = center + q / normal
    variance = ((y - bias) / weight).square().mean(1)
    return Norm(
        weight=weight * weight.sum().sign(),
        bias=bias,
        plane=float(spread[-1] / spread[-2]),
        sphere=float((variance - 1).square().mean().sqrt()),
        tokens=n,
    )


@dataclass(frozen=True)
class Fingerprint:
    """What a published model is recognised by: the weights (d,) float64 of its last norm, their origin in a
    sentence, and the largest median difference that still counts as the same."""

    name: str
    origin: str
    tolerance: float
    weight: Tensor


@functools.cache
def fingerprints() -> tuple[Fingerprint, ...]:
    """The published models that can be recognised."""
    text = (files("simsam") / "data" / "fingerprints.json").read_text(encoding="utf-8")
    return tuple(
        Fingerprint(**{**each, "weight": torch.tensor(each["weight"], dtype=torch.float64)})
        for each in json.loads(text)
    )


def distances(norm: Norm) -> dict[str, float]:
    """Median |difference| of a norm's weights to those of each fingerprint of its width, by name."""
    same_width = [each for each in fingerprints() if each.weight.shape == norm.weight.shape]
    return {each.name: float((norm.weight - each.weight).abs().median()) for each in same_width}


def recognise(norm: Norm) -> str | None:
    """The published model whose last norm this is, or None.

    It says which model tokens descend from unchanged in this place: training moves every weight a little,
    but somebody who froze the last norm and changed the rest would pass.
    """
    far = distances(norm)
    near = (each.name for each in fingerprints() if far.get(each.name, torch.inf) < each.tolerance)
    return next(near, None) if norm.fits else None


def whose_norm(norm: Norm) -> str:
    """In a sentence, whether a norm is that of the nearest published model of its width; "" without one.

    A norm that is not the published one proves that weights were changed; see `recognise` for the reverse.
    """
    if not (far := distances(norm)):
        return ""
    name = min(far, key=far.get)
    if not norm.fits:
        return f"The tokens show no LayerNorm that could be compared with that of the published {name}."
    tolerance = next(each.tolerance for each in fingerprints() if each.name == name)
    return (
        f"The last norm is {'' if recognise(norm) == name else 'not '}that of the published {name}: its "
        f"{len(norm.weight)} weights, recovered from {norm.tokens} tokens, differ by {far[name]:.1e} in the "
        f"median (the same norm: by less than {tolerance:.0e})."
    )


def _checked(tokens: Tensor) -> Tensor:
    """Tokens (n, d) as float64 on the CPU."""
    if tokens.ndim != 2 or len(tokens) < 2:
        raise SimsamError(f"tokens of shape {tuple(tokens.shape)}: give those of one image, (n, d), n >= 2.")
    x = tokens.detach().cpu().double()
    if not x.isfinite().all():
        raise SimsamError("the tokens hold NaN or infinite values: no component of them is defined.")
    return x
