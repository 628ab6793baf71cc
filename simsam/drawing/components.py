"""Where in a photo the main direction of its features lies."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from simsam.drawing.figures import SIGNED, panels


def component_strip(
    photo: np.ndarray,
    maps: Mapping[str, Tensor],
    *,
    title: str = "photo",
    columns: int | None = 3,
    width: float = 6.4,
) -> tuple[Figure, str]:
    """A photo (H, W, 3) uint8 and beside it first components (h, w), a title over each, zero in the middle.

    `maps` names them, as `Diagnosis.maps` does. Each is scaled by itself. A component has no sign, so each is
    turned to agree with the last one: what then differs, differs. The alt text says how much they agree.
    """
    last = list(maps.values())[-1]
    agreements = {name: _agreement(field, last) for name, field in maps.items()}
    turns = {name: -1 if agreement < 0 else 1 for name, agreement in agreements.items()}
    fields = [(turns[name] * field / field.abs().max()).cpu().numpy() for name, field in maps.items()]
    *others, final = maps
    said = ", ".join(f"{name} {abs(agreements[name]):.2f}" for name in others)
    alt = (
        f"A photo and the first principal component of its tokens: {', '.join(maps)}. "
        + (f"Absolute correlation with {final}: {said}." if others else "")
    ).rstrip()
    figure, alt = panels(
        [photo, *fields], [title, *maps], alt, columns=columns, cmap=SIGNED, limits=(-1, 1), width=width
    )
    return figure, alt


def _agreement(field: Tensor, other: Tensor) -> float:
    """Correlation of two fields (h, w) of one grid."""
    return float(torch.corrcoef(torch.stack([field.flatten(), other.flatten()]).cpu())[0, 1])
