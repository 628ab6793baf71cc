"""Features that nobody trained: CIELAB and texture on the grid of the default backbone, for a control.

Every number in it was written by hand. The few settings (`GROUPS`, the smoothing, `RIDGE`) were chosen on the
shipped cutouts and on a quarter of ECSSD (ids 1 mod 4), whose masks are thus the only labels it has met.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from simsam.errors import SimsamError

NAME = "classical"
PATCH = 14  # as the default's, so that both see one grid
WAVES = (4, 8, 16)  # wavelengths of the Gabor filters, pixels
ANGLES = 4
WINDOWS = (1, 3, 7)  # local context: cells on each side
# What a group of channels weighs, and a usual deviation of its channels, in units of their own.
GROUPS = {"color": (1.0, 17.0), "spread": (0.5, 4.5), "texture": (0.4, 0.05), "context": (0.3, 6.0)}
LEAST = 0.05  # of the usual deviation: a channel that varies less (a, b of a grey photo) is not blown up
REACH, NEAR = 3, 3.0  # of the smoothing: cells on each side, and the deviation of their weights in place
ALIKE, ROUNDS = 0.35, 5  # the deviation of weights in features, and how often
FAINT = 1e-8  # a mean variance that is rounding alone: a plain photo has no features
RIDGE = 0.1  # of the mean variance: a direction in which little happens is not blown up as far as the rest


class Classical(nn.Module):
    """Photos (B, 3, height, width) in [0, 1], both sides whole cells, to tokens (B, n, 27) and one embedding
    of each photo (B, 27), float32. No parameters, no randomness.

    Of each cell of 14 x 14 pixels: mean and standard deviation of L, a, b; the energy of Gabor filters on L
    (3 wavelengths, 4 angles), its square root; and the standard deviation of L, a, b over three windows of
    cells around it. Then, for the tokens, each photo by itself:

    1. every channel gets mean 0, and a standard deviation so that each group has its share;
    2. cells are smoothed with like neighbours, edges stay: a bilateral filter (Tomasi and Manduchi 1998);
    3. all channels are whitened, so that no direction (such as bright against dark) outweighs the rest.

    So tokens tell the parts of a photo apart, and their mean is 0. What tells photos apart, in place of a
    class token, is the mean of the cells before that.
    """

    def __init__(self) -> None:
        super().__init__()
        for wave in WAVES:
            self.register_buffer(f"gabor{wave}", gabor(wave), persistent=False)

    @property
    def embed_dim(self) -> int:
        return 6 + len(WAVES) * ANGLES + 3 * len(WINDOWS)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        groups = [
            share / usual / cells.shape[1] ** 0.5 * cells
            for cells, (share, usual) in zip(self.measure(x), GROUPS.values(), strict=True)
        ]
        parts = [standardise(cells, share) for cells, (share, _) in zip(groups, GROUPS.values())]
        tokens = whiten(smooth(torch.cat(parts, 1))).flatten(2).mT.contiguous()
        return tokens, torch.cat(groups, 1).mean((2, 3))

    def measure(self, x: Tensor) -> list[Tensor]:
        """The groups of channels in the order of `GROUPS`, (B, channels, h, w) each, in their own units."""
        from kornia.color import rgb_to_lab  # takes seconds to import

        lab = rgb_to_lab(x)
        center = lab.mean((2, 3), keepdim=True)  # squares of small numbers keep their digits
        shade = F.avg_pool2d(lab - center, PATCH)
        square = F.avg_pool2d((lab - center).square(), PATCH)
        lightness = lab[:, :1] / 100
        energies = []
        for wave in WAVES:
            padded = F.pad(lightness, (wave,) * 4, mode="replicate")
            even_odd = F.conv2d(padded, getattr(self, f"gabor{wave}")).unflatten(1, (2, ANGLES))
            energies.append(F.avg_pool2d(even_odd.square().sum(1).sqrt(), PATCH).sqrt())
        around = [deviation(window(shade.square(), r), window(shade, r)) for r in WINDOWS]
        return [shade + center, deviation(square, shade), torch.cat(energies, 1), torch.cat(around, 1)]


def gabor(wave: int) -> Tensor:
    """Even and odd Gabor filters of a wavelength in pixels, (2 * angles, 1, side, side); they sum to 0."""
    y, x = torch.meshgrid(*[torch.arange(-wave, wave + 1).float()] * 2, indexing="ij")
    angles = torch.arange(ANGLES).float().view(-1, 1, 1) * math.pi / ANGLES
    phase = 2 * math.pi * (x * angles.cos() + y * angles.sin()) / wave
    envelope = torch.exp(-(x.square() + y.square()) / (2 * (0.4 * wave) ** 2))
    envelope = envelope / envelope.sum()
    even, odd = envelope * phase.cos(), envelope * phase.sin()
    even = even - envelope * even.sum((1, 2), keepdim=True)  # a plain surface has no texture
    return torch.cat([even, odd])[:, None]


def window(x: Tensor, radius: int) -> Tensor:
    """The mean over a square window of cells, as much of it as lies on the grid: (B, C, h, w) to the same."""
    return F.avg_pool2d(x, 2 * radius + 1, 1, radius, count_include_pad=False)


def deviation(square: Tensor, mean: Tensor) -> Tensor:
    """The standard deviation from the mean of squares and the mean."""
    return (square - mean.square()).clamp(min=0).sqrt()


def standardise(x: Tensor, share: float) -> Tensor:
    """Channels (B, C, h, w) of mean 0 whose variances add up to share^2, but for those that hardly vary."""
    x = x - x.mean((2, 3), keepdim=True)
    size, part = x.square().mean((2, 3), keepdim=True).sqrt(), share / x.shape[1] ** 0.5
    return x * part / size.clamp(min=LEAST * part)


def smooth(x: Tensor) -> Tensor:
    """Cells (B, C, h, w) as weighted means of their neighbours near in place and alike in all channels."""
    side, (h, w) = 2 * REACH + 1, x.shape[2:]
    steps = torch.arange(-REACH, REACH + 1.0, device=x.device).square()
    near = (steps[:, None] + steps).flatten()[:, None] / NEAR**2
    for _ in range(ROUNDS):
        around = F.unfold(F.pad(x, (REACH,) * 4, mode="replicate"), side).unflatten(1, (-1, side**2))
        far = (around - x.flatten(2)[:, :, None]).square().sum(1) / ALIKE**2  # (B, side^2, n)
        weight = torch.softmax(-(far + near) / 2, 1)
        x = (around * weight[:, None]).sum(2).unflatten(2, (h, w))
    return x


def whiten(x: Tensor) -> Tensor:
    """Channels (B, C, h, w) with mean 0, uncorrelated and of about equal variance, each photo by itself."""
    flat = x.flatten(2)
    flat = flat - flat.mean(2, keepdim=True)
    # on the CPU in float64: 27 x 27 numbers, which not every device can decompose
    covariance = (flat @ flat.mT).cpu().double() / flat.shape[2]
    values, directions = torch.linalg.eigh(covariance)
    mean = values.mean(1, keepdim=True)
    scale = (values + RIDGE * mean).rsqrt().masked_fill(mean < FAINT, 0)
    white = (directions * scale[:, None]) @ directions.mT
    return (white.to(flat) @ flat).unflatten(2, x.shape[2:])


@dataclass(frozen=True)
class Computed:
    """What `tap` gives for these features, read as from a network: tokens (B, n, d), embedding (B, d)."""

    tokens: Tensor
    embedding: Tensor

    def read(self, tokens: str, block: int) -> tuple[Tensor, Tensor, None]:
        """Tokens (B, n, d), the embedding (B, d) in place of a class token's, and no attention.

        Raises `SimsamError` for all but tokens "output" of block -1.
        """
        if (tokens, block) != ("output", -1):
            raise SimsamError(
                f"{tokens} of block {block} were asked of the {NAME} features, which no network makes: they "
                "have no keys, queries, values or blocks; take tokens 'output' and block -1."
            )
        return self.tokens, self.embedding, None
