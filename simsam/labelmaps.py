"""Chapter 6. From labels on the grid to labels on the pixels: upsampling, and edges that follow the photo."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from simsam.errors import SimsamError, unknown
from simsam.features import Geometry

REFINEMENTS = ("none", "guided", "crf")


def upsample_labels(labels: Tensor, geometry: Geometry, count: int) -> Tensor:
    """Soft labels on the pixels, (count, H, W) float32 in [0, 1], of labels (n,) int64 in 0 .. count-1.

    Each label's indicator, bilinear; they add up to 1. Their argmax has smooth outlines, where nearest
    neighbours would have steps.
    """
    return geometry.upsample(F.one_hot(labels, count).T.reshape(count, *geometry.grid).float())


def refine_labels(soft: Tensor, image: np.ndarray, method: str = "guided") -> Tensor:
    """Soft labels (C, H, W) whose argmax follows the edges of the image (H, W, 3) uint8.

    "guided" and "crf" are the guided filter and the dense CRF of `simsam.refine`, for C labels at once.
    Raises `SimsamError` for an unknown method, for shapes that
    differ and for a library that is missing.
    """
    if method not in REFINEMENTS:
        raise unknown("refinement of label maps", method, REFINEMENTS)
    if soft.shape[1:] != image.shape[:2]:
        raise SimsamError(
            f"labels of {tuple(soft.shape[1:])} cannot be refined on an image of {image.shape[:2]}."
        )
    if method == "none" or len(soft) == 1:
        return soft
    return {"guided": _guided, "crf": _crf}[method](soft, image).to(soft)


def _guided(
    soft: Tensor, image: np.ndarray, radius: float = 0.03, eps: float = 1e-4, subsample: int = 4
) -> Tensor:
    """The settings of `simsam.refine.guided_filter`."""
    from kornia.filters import guided_blur

    _, H, W = soft.shape
    guide = torch.from_numpy(np.array(image)).to(soft.device).permute(2, 0, 1)[None].float() / 255
    size = 2 * max(1, round(radius * (H * H + W * W) ** 0.5)) + 1
    # after the subsampling, a window larger than the image has nothing to mirror at the border
    subsample = max(1, min(subsample, min(H, W) // 16))
    size = min(size, 2 * ((min(H, W) // subsample - 1) // 2) + 1)
    return guided_blur(guide, soft[None], size, eps, subsample=subsample)[0]


def _crf(soft: Tensor, image: np.ndarray, doubt: float = 0.1, iterations: int = 5) -> Tensor:
    try:
        import pydensecrf.densecrf as library
    except ImportError:
        raise SimsamError(
            'refinement "crf" needs pydensecrf2, which is built by a C++ compiler: '
            'pip install "simsam[crf]", or use "guided".'
        ) from None
    C, H, W = soft.shape
    q = soft.cpu().numpy().reshape(C, -1) * (1 - doubt) + doubt / C  # adds up to 1, nothing is certain
    crf = library.DenseCRF2D(W, H, C)
    crf.setUnaryEnergy(np.ascontiguousarray(-np.log(q), dtype=np.float32))
    crf.addPairwiseGaussian(sxy=3, compat=3)
    crf.addPairwiseBilateral(sxy=60, srgb=6, rgbim=np.ascontiguousarray(image), compat=5)
    return torch.from_numpy(np.asarray(crf.inference(iterations)).reshape(C, H, W))
