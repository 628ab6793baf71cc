"""Whose features? What the tokens of a backbone tell about it, block by block, on photos at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from simsam.data import check_mask
from simsam.errors import SimsamError
from simsam.features import Features, Kind, Size, extract_all
from simsam.measuring.results import Table, table
from simsam.weights import TOKENS, Backbone, Norm, mask_correlation, mean_cosine, principal, recover_norm

PLENTY = 4  # tokens per channel for the norm: more of them add no digit
COLUMNS = {
    "tokens": "{tokens}",
    "block": "{block}",
    "first component, % of variance": "{share:.1%}",
    "effective rank": "{rank:.1f}",
    "mean cosine": "{cosine:.2f}",
}


@dataclass(frozen=True)
class Diagnosis:
    """What `diagnose` found of one backbone.

    rows: one a kind of token and block: tokens, block (from 0; -1 where there are no blocks), share (the
        first component's part of the variance, 0 to 1), rank (effective), cosine (mean of two tokens) and,
        with masks, correlation (absolute, of the first component with the mask); means over the photos.
    components: of each photo, (tokens, block) to the first component (h, w) float32 on its grid.
    norm: the last LayerNorm, recovered from the output tokens; None where there are too few of them.
    labels: what the backbone was trained with, as far as is known.
    """

    backbone: str
    source: str
    sha256: str
    labels: str
    size: Size
    rows: tuple[dict[str, str | int | float], ...]
    components: tuple[dict[Kind, Tensor], ...] = field(repr=False)
    norm: Norm | None = field(repr=False)

    def table(self) -> Table:
        """The rows, with the backbone, its labels and the number of photos as a caption."""
        masked = {"|correlation| with the mask": "{correlation:.2f}"} if "correlation" in self.rows[0] else {}
        photos = f"{len(self.components)} photo{'s' * (len(self.components) > 1)}"
        caption = f"{self.backbone} (labels: {self.labels}), mean over {photos} at size {self.size}."
        return table(self.rows, COLUMNS | masked, caption)

    def maps(self, photo: int = 0) -> dict[str, Tensor]:
        """First components (h, w) of one photo by name: keys along the depth, and what comes out at the end.

        For a picture, such as `simsam.drawing.component_strip(image, diagnosis.maps())`.
        """
        found = self.components[photo]
        blocks = sorted({block for _, block in found})
        quarters = dict.fromkeys(blocks[(len(blocks) * part - 1) // 4] for part in (1, 2, 3, 4))
        kinds = [*(("keys", block) for block in quarters), ("output", blocks[-1])]
        return {
            f"{tokens}, block {block}" if block >= 0 else tokens: found[tokens, block]
            for tokens, block in kinds
            if (tokens, block) in found
        }


def diagnose(
    backbone: Backbone, photos: object, masks: Sequence[np.ndarray] | None = None, size: Size = 480
) -> Diagnosis:
    """What the tokens of every kind and block of a backbone tell of it, on a photo or a list of photos.

    photos: what `simsam.extract` takes, of any shapes. masks: an object mask (H, W) bool of each photo.
    One forward pass a photo. A backbone without blocks has the one row of its output tokens.
    Raises `SimsamError` for a photo that cannot be read, and for masks that do not belong to the photos or
    are one value on the whole grid.
    """
    photos = list(photos) if isinstance(photos, list | tuple) else [photos]
    if not photos:
        raise SimsamError("an empty list of photos came in: give at least one photo.")
    if masks is not None and len(masks) != len(photos):
        raise SimsamError(f"{len(masks)} masks for {len(photos)} photos: give one mask a photo.")
    kinds, measured, components, outputs = kinds_of(backbone), [], [], []
    for i, photo in enumerate(photos):
        features = extract_all([photo], backbone, kinds, size)
        last = features[kinds[-1]]
        mask = None if masks is None else on_grid(masks[i], last, f"mask of photo {i + 1}")
        found = {kind: _measure(features[kind].tokens[0], mask) for kind in kinds}
        measured.append({kind: numbers for kind, (numbers, _) in found.items()})
        components.append({kind: scores.reshape(last.grid).float() for kind, (_, scores) in found.items()})
        if sum(map(len, outputs)) < PLENTY * backbone.dim:
            outputs.append(last.tokens[0].cpu())
    rows = tuple({"tokens": t, "block": b, **_mean([each[t, b] for each in measured])} for t, b in kinds)
    who = (backbone.name, backbone.source, backbone.sha256, backbone.provenance.labels)
    return Diagnosis(*who, size, rows, tuple(components), _norm_of(torch.cat(outputs)))


def kinds_of(backbone: Backbone) -> list[Kind]:
    """Every kind of token and block that a backbone has, the final output last."""
    blocks = range(len(getattr(backbone.model, "blocks", ())))  # what is computed by hand has none
    return [(tokens, block) for tokens in TOKENS for block in blocks] or [("output", -1)]


def on_grid(mask: np.ndarray, features: Features, name: str = "mask") -> Tensor:
    """A mask (H, W) bool as its mean over what each token of one photo saw, (n,) float32 in [0, 1]."""
    check_mask(name, mask)
    geometry = features.geometry[0]
    if mask.shape != geometry.image:
        raise SimsamError(f"the {name} is {mask.shape}, but its photo is {geometry.image} (height, width).")
    pixels = torch.from_numpy(np.array(geometry.covered(mask), np.float32))
    mean = F.interpolate(pixels[None, None], features.grid, mode="area").flatten()
    if mean.min() == mean.max():
        raise SimsamError(f"the {name} has one value on the whole grid: give one with object and background.")
    return mean


def _measure(tokens: Tensor, mask: Tensor | None) -> tuple[dict[str, float], Tensor]:
    """The numbers of a row for tokens (n, d) of one photo, and their first component (n,)."""
    found = principal(tokens)
    numbers = {"share": found.share, "rank": found.effective_rank, "cosine": mean_cosine(tokens)}
    if mask is not None:
        numbers["correlation"] = mask_correlation(found.scores, mask)
    return numbers, found.scores


def _mean(numbers: list[dict[str, float]]) -> dict[str, float]:
    return {key: float(np.mean([each[key] for each in numbers])) for key in numbers[0]}


def _norm_of(outputs: Tensor) -> Norm | None:
    try:
        return recover_norm(outputs)
    except SimsamError:  # too few tokens, or a channel that says nothing
        return None
