"""What the pipeline gives for one photo."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from torch import Tensor

from simsam import objects
from simsam.data import box_of, local_path, overlay_mask, write_png
from simsam.errors import SimsamError
from simsam.features import Features
from simsam.pipeline import outputs
from simsam.pipeline.outputs import check_pictures
from simsam.pipeline.recipes import Recipe


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """What one photo gave. Compared by identity.

    mask (H, W) bool; masks, every object found (one, but for "maskcut"); pixels, a function that gives the
    refined score before small parts were dropped (`score` calls it); eigenvalues (K,) and eigenvectors
    (n, K); affinity (n, n); features; losses of the head, or None; image (H, W, 3) uint8, and its opacity
    (H, W) uint8, or None where nothing is transparent; recipe; backbone, and weights, where they come from.
    """

    mask: np.ndarray
    masks: list[np.ndarray]
    pixels: Callable[[], Tensor]
    eigenvalues: Tensor
    eigenvectors: Tensor
    affinity: Tensor
    features: Features
    losses: Tensor | None
    image: np.ndarray
    recipe: Recipe
    weights: str
    opacity: np.ndarray | None = None

    @property
    def backbone(self) -> str:
        return self.features.backbone

    @property
    def box(self) -> tuple[int, int, int, int] | None:
        """The object's tight box (top, left, bottom, right) in pixels, or None."""
        return box_of(self.mask)

    @cached_property
    def score(self) -> np.ndarray:
        """The refined score (H, W) float32, positive exactly on the mask; computed when it is asked for."""
        return objects.positive_on(self.pixels(), self.mask).numpy()

    @cached_property
    def evidence(self) -> dict[str, float] | None:
        """What speaks for the mask (`simsam.objects.evidence`); None where it holds nothing or all."""
        share = objects.on_grid(self.features.geometry.covered(self.mask), self.features.grid)
        parts = (self.features.tokens, self.affinity, self.eigenvectors[:, 1], self.features.grid)
        return objects.evidence(share, *parts)

    @property
    def confidence(self) -> float:
        """How sure the mask is, in [0, 1]: a ranking; see `simsam.objects.confidence` for what it was chosen
        on."""
        return objects.confidence_of(self.evidence)

    @property
    def found(self) -> bool:
        """Whether the confidence is large enough to speak of an object; the mask is there in any case."""
        return self.confidence >= objects.FOUND

    def __repr__(self) -> str:
        (h, w), area = self.features.grid, self.mask.mean()
        sure = f"confidence {self.confidence:.2f}{'' if self.found else ', nothing found'}"
        return f"Result({self.recipe.name}, grid {h} x {w}, area {area:.1%}, box {self.box}, {sure})"

    def eigenmaps(self) -> Tensor:
        """The eigenvectors as pictures on the grid, (K, h, w)."""
        return self.features.map(self.eigenvectors.T)

    def alpha(self) -> np.ndarray:
        """The object's share of each pixel, (H, W) float32 in [0, 1]: soft at the edge (`soft_alpha`), and
        never more than the image's own opacity."""
        share = objects.soft_alpha(self.mask, self.image)
        return share if self.opacity is None else np.minimum(share, self.opacity / np.float32(255))

    def cutout(self) -> np.ndarray:
        """The object in its own colours on nothing, (H, W, 4) uint8."""
        return outputs.cutout(self.image, self.alpha())

    def pictures(self, kinds: Sequence[str]) -> Iterator[np.ndarray]:
        """Those of `PICTURES` that are asked for, in that order, as arrays that a PNG file holds.

        mask (H, W) bool; cutout (H, W, 4) uint8; alpha (H, W) uint8; score (H, W) uint16, where 32768 is the
        cut; overlay (H, W, 3) uint8; instances (H, W) uint8, k on the k-th of `masks` and 0 elsewhere.
        Raises `SimsamError` for another one.
        """
        check_pictures(kinds)
        share = self.alpha() if {"cutout", "alpha"} & set(kinds) else None
        draw = {
            "mask": lambda: self.mask,
            "cutout": lambda: outputs.cutout(self.image, share),
            "alpha": lambda: np.rint(share * 255).astype(np.uint8),
            "score": lambda: outputs.score16(self.score),
            "overlay": lambda: overlay_mask(self.image, self.mask),
            "instances": lambda: outputs.instances(self.masks),
        }
        return (draw[kind]() for kind in kinds)

    def save(self, path: str | Path, kind: str = "mask") -> None:
        """Write one of `pictures` as PNG, whole or not at all.

        Raises `SimsamError` for a picture that there is not, and where the file cannot be written.
        """
        path = local_path(path)
        (picture,) = self.pictures([kind])
        if path.suffix.lower() != ".png":
            raise SimsamError(f"{path}: pictures are written as PNG; give NAME.png.")
        write_png(path, picture)
