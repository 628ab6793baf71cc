"""From labels on the grid to labels on the pixels: upsampling, and edges that follow the photo."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from simsam.errors import SimsamError, unknown
from simsam.features import Geometry
from simsam.objects import follow_edges, infer_crf

REFINEMENTS = ("none", "guided", "crf")
DOUBT = 0.1  # what the CRF takes to be uncertain of any label
ENTRIES = 2**26  # of soft labels that `hard_labels` holds at once: 256 MB


def upsample_labels(labels: Tensor, geometry: Geometry, count: int) -> Tensor:
    """Soft labels on the pixels, (count, H, W) float32 in [0, 1], of labels (n,) int64 in 0 .. count-1.

    Each label's indicator, bilinear; they add up to 1. Their argmax has smooth outlines, where nearest
    neighbours would have steps.
    """
    return _upsample(F.one_hot(labels, count), geometry)


def hard_labels(labels: Tensor, geometry: Geometry, count: int) -> Tensor:
    """`upsample_labels(...).argmax(0)`, (H, W) int64: some labels after the other, so that memory does not
    grow with their number. The first label wins a tie, as in argmax.
    """
    H, W = geometry.image
    indicator = F.one_hot(labels, count)
    step = max(1, ENTRIES // (H * W))
    top, where = _upsample(indicator[:, :step], geometry).max(0)
    for first in range(step, count, step):
        value, place = _upsample(indicator[:, first : first + step], geometry).max(0)
        better = value > top
        top, where = torch.where(better, value, top), torch.where(better, place + first, where)
    return where


def _upsample(indicator: Tensor, geometry: Geometry) -> Tensor:
    """(n, C) as (C, H, W), bilinear."""
    return geometry.upsample(indicator.T.reshape(-1, *geometry.grid).float())


def refine_labels(soft: Tensor, image: np.ndarray, method: str = "guided", crf: str = "simsam") -> Tensor:
    """Soft labels (C, H, W) whose argmax follows the edges of the image (H, W, 3) uint8.

    "guided" and "crf" are the guided filter and the dense CRF of `simsam.objects.refine`, for C labels at
    once; `crf` names the CRF's numbers. Raises `SimsamError` for an unknown method, for shapes that differ
    and for a library that is missing.
    """
    if method not in REFINEMENTS:
        raise unknown("refinement of label maps", method, REFINEMENTS)
    if soft.shape[1:] != image.shape[:2]:
        raise SimsamError(f"labels of {tuple(soft.shape[1:])} do not fit an image of {image.shape[:2]}.")
    if method == "none" or len(soft) == 1:
        return soft
    if method == "guided":
        return follow_edges(soft, image)
    return infer_crf(soft * (1 - DOUBT) + DOUBT / len(soft), image, crf)
