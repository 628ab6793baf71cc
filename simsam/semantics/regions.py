"""The regions of one image: groups of tokens that are close together in the eigenvectors.

A region map is (n,) or (h, w) int64: 0 .. R-1 number the regions, and `BACKGROUND` marks tokens of none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor

from simsam.data import box_of
from simsam.errors import SimsamError
from simsam.features import Geometry, forward, to_input
from simsam.objects import border_frame, kmeans
from simsam.semantics.labelmaps import hard_labels
from simsam.weights import Backbone

if TYPE_CHECKING:
    from simsam.pipeline import Result

BACKGROUND = -1
MOST_REGIONS = 256  # that 8 bits a pixel can number


def eigengap(values: Tensor, least: int = 2) -> int:
    """How many regions eigenvalues (K,) in ascending order suggest: the k, `least` <= k < K, before the
    widest step from one eigenvalue to the next (von Luxburg 2007, section 8.3); the first such if two tie.

    k clusters that hardly touch make k eigenvalues close to 0, and the next one is not. Raises `SimsamError`
    for fewer than `least` + 1 eigenvalues.
    """
    if len(values) <= least:
        raise SimsamError(
            f"{len(values)} eigenvalues: the largest gap after the {least}th needs {least + 1}."
        )
    return least + int(values.diff().abs()[least - 1 :].argmax())


def spectral_regions(vectors: Tensor, count: int, seed: int = 0) -> Tensor:
    """At most `count` regions of one image: K-means on its non-constant eigenvectors, columns of unit length.

    vectors (n, K), the first of them constant; the result is (n,) int64, regions numbered in the order in
    which they first appear. Raises `SimsamError` when `count` is not 1 to n or there is only one eigenvector.
    """
    if vectors.shape[1] < 2:
        raise SimsamError("regions need an eigenvector beside the constant one: give k of at least 2.")
    return number(kmeans(F.normalize(vectors[:, 1:], dim=0), count, seed=seed))


def number(labels: Tensor) -> Tensor:
    """The same regions (n,), numbered 0, 1, ... in the order in which they first appear; -1 stays."""
    values, first, place = np.unique(labels.cpu().numpy(), return_index=True, return_inverse=True)
    names = np.full(len(values), BACKGROUND)
    regions = values != BACKGROUND
    names[regions] = first[regions].argsort().argsort()
    return torch.from_numpy(names[place]).to(labels.device)


def border_region(regions: Tensor, grid: tuple[int, int]) -> int:
    """The region that owns most tokens of the outermost ring of the grid (the lowest number if two tie)."""
    return int(regions[border_frame(grid, regions.device)].bincount().argmax())


def without(regions: Tensor, inside: Tensor) -> Tensor:
    """The region map (n,) with the tokens of `inside` (n,) bool made background, the rest numbered anew."""
    return number(torch.where(inside, BACKGROUND, regions))


def region_boxes(
    regions: Tensor, grid: tuple[int, int], erode: int = 2, dilate: int = 3
) -> list[tuple[int, int, int, int]]:
    """Each region's box (top, left, bottom, right) in tokens, bottom and right excluded.

    Erosion by `erode` tokens takes specks and thin arms off a region before its box is drawn, and stops
    before it would wipe the region out; dilation by `dilate` gives the rest some surroundings.
    Both are by the 4-connected cross; what lies beyond the border counts as region, so that a region is not
    eaten where the photo ends.
    """
    boxes = []
    field = regions.view(grid).cpu().numpy()
    for region in range(int(field.max()) + 1):
        mask = field == region
        for _ in range(erode):
            core = ndimage.binary_erosion(mask, border_value=1)
            mask = core if core.any() else mask
        if dilate:
            mask = ndimage.binary_dilation(mask, iterations=dilate)
        boxes.append(box_of(mask))
    return boxes


def pixel_box(box: tuple[int, int, int, int], geometry: Geometry) -> tuple[int, int, int, int]:
    """The pixels (top, left, bottom, right) that a box of tokens saw, rounded."""
    top, left, *_ = geometry.token_box(box[0], box[1])
    *_, bottom, right = geometry.token_box(box[2] - 1, box[3] - 1)
    return round(top), round(left), round(bottom), round(right)


def pooled(tokens: Tensor, regions: Tensor) -> Tensor:
    """The mean token of each region, (R, d), of tokens (n, d) and a region map (n,)."""
    member = F.one_hot(regions + 1)[:, 1:].to(tokens.dtype)  # (n, R); background belongs to none
    return (member.T @ tokens) / member.sum(0)[:, None]


def crop_boxes(
    image: np.ndarray,
    geometry: Geometry,
    boxes: list[tuple[int, int, int, int]],
    backbone: Backbone,
    crop: int = 224,
) -> Tensor:
    """Boxes of tokens cut out of an image (H, W, 3) uint8, each resized to a square: the network's inputs
    (R, 3, side, side), side `crop` in whole patches."""
    side = crop // backbone.patch
    none = (0, 3, side * backbone.patch, side * backbone.patch)
    inputs = [torch.empty(none, device=backbone.device, dtype=torch.float32)]
    for box in boxes:
        top, left, bottom, right = pixel_box(box, geometry)
        window = Geometry(geometry.image, (top, left, bottom - top, right - left), (side, side))
        inputs.append(to_input(image, window, backbone)[None])
    return torch.cat(inputs)


def embed_crops(crops: Tensor, backbone: Backbone, batch: int = 16) -> Tensor:
    """The backbone's class embedding (R, D) of crops (R, 3, height, width), `batch` at a time."""
    parts = [forward(part, backbone)[1] for part in crops.split(batch) if len(part)]
    return torch.cat([crops.new_empty(0, backbone.dim), *parts])


def eigen_regions(result: Result, count: int | None = None) -> np.ndarray:
    """The regions of one photo, (H, W) uint8, numbered from 0; `count` None takes the largest eigengap.

    Raises `SimsamError` for a count that is not 1 to 256, or more than there are tokens.
    """
    if count is None:
        count = min(eigengap(result.eigenvalues), MOST_REGIONS)
    if not 1 <= count <= MOST_REGIONS:
        raise SimsamError(f"{count} regions: give 1 to {MOST_REGIONS}, all that 8 bits a pixel can number.")
    regions = spectral_regions(result.eigenvectors, count, result.recipe.seed)
    labels = hard_labels(regions, result.features.geometry, int(regions.max()) + 1)
    return labels.to(torch.uint8).cpu().numpy()
