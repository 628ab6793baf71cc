"""Does it know when it fails? Four numbers about a mask, and one confidence in [0, 1] made of them.

The numbers ask what the pipeline knows already, without a second look at the photo and without any truth:
each is defined for every mask, whatever recipe and features it came from. The confidence is a logistic
function of them, whose coefficients stand below and nowhere else.

`tools/confidence.py` chose them for the recipe `simsam`, without refinement, on the weights of
`focus_vits14` (very likely altered with masks of objects): on photos of ECSSD (ids 1 mod 4) and on pictures
that show no object. There it says roughly how likely an IoU of 1/2 or more is; with other features or
another recipe it is a ranking, no probability, and the threshold of "found" means nothing: on features by
hand (`classical`) few pictures without an object fall below it. What it cannot see is a whole, compact mask
of the wrong thing: the heart of a flower for the flower.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from simsam.objects.cuts import border_frame

# What a quantity is on average, how much it varies, and what one deviation more adds to the log odds.
COEFFICIENTS = {
    "contrast": (0.5672, 0.4464, 1.204),
    "cut": (0.3546, 0.2842, -1.279),
    "fiedler": (0.7347, 0.3134, 0.281),
    "border": (0.0352, 0.0566, -1.968),
}
INTERCEPT = 1.201
FOUND = 0.6369  # below it the answer is "nothing found": 5 % of the photos that it was chosen on


def on_grid(mask: np.ndarray, grid: tuple[int, int]) -> Tensor:
    """The share of each token that a mask (H, W) bool covers: (n,) float32 in [0, 1], on the CPU.

    The mask is that of the pixels the grid covers (`Geometry.covered`).
    """
    pixels = torch.from_numpy(np.ascontiguousarray(mask, dtype=np.float32))
    return F.adaptive_avg_pool2d(pixels[None, None], grid).flatten()


def evidence(
    share: Tensor, tokens: Tensor, W: Tensor, y: Tensor, grid: tuple[int, int]
) -> dict[str, float] | None:
    """What speaks for a mask that covers `share` (n,) of each token: the quantities of `COEFFICIENTS`.

    tokens (n, d); W (n, n), the graph; y (n,), its second eigenvector; grid (h, w). A token that is half
    covered counts half on either side; a and b are the mean unit-length tokens inside and outside.

    - contrast: 1 - cos(a, b), in [0, 2]; how unlike the two sides are.
    - cut: the normalised cut of the two sides in W (Shi and Malik 2000), in [0, 2].
    - fiedler: |correlation| of share and y, in [0, 1]; does the graph's own cut say the same?
    - border: the share of the mask on the outermost ring of tokens, in [0, 1].

    None where the mask or what is outside of it is empty: there are no two sides then.
    """
    m = share.to(tokens)
    inside, outside = m / m.sum(), (1 - m) / (1 - m).sum()
    if not bool(torch.isfinite(inside).all() & torch.isfinite(outside).all()):
        return None
    x = F.normalize(tokens, dim=-1)
    a, b = torch.stack([inside, outside]) @ x  # (d,) each
    degree, across = W.sum(-1), m @ (W @ (1 - m))
    tiny = torch.finfo(m.dtype).tiny
    cut = across / (m @ degree).clamp_min(tiny) + across / ((1 - m) @ degree).clamp_min(tiny)
    found = {
        "contrast": 1 - F.cosine_similarity(a, b, dim=0),
        "cut": cut,
        "fiedler": _correlation(m, y).abs(),
        "border": inside @ border_frame(grid, m.device).to(m),
    }
    return dict(zip(found, torch.stack(list(found.values())).tolist(), strict=True))


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    """Of two vectors (n,), in [-1, 1]; 0 where one of them is constant."""
    return F.cosine_similarity(a - a.mean(), b - b.mean(), dim=0)


def confidence_of(found: Mapping[str, float] | None) -> float:
    """The confidence in [0, 1] that `evidence` amounts to; 0 where there is none."""
    if found is None:
        return 0.0
    odds = INTERCEPT
    for name, (mean, deviation, weight) in COEFFICIENTS.items():
        odds += weight * (found[name] - mean) / deviation
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, odds))))
