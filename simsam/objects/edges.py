"""From a score on the grid to a sharp mask at full resolution.

Three ways to let the photo's own edges decide, all through libraries: the guided filter (kornia; on any
device), closed-form matting (pymatting; CPU) and the dense CRF (pydensecrf2; CPU, built by a compiler at
installation, so an extra and never the default).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from simsam.errors import SimsamError, unknown

REFINEMENTS = ("none", "guided", "matting", "crf")
CRFS = {  # appearance kernel: weight, deviation in pixels, in colour; smoothness: weight, pixels; iterations
    "simsam": (5, 60, 6, 3, 3, 5),
    "dsm": (10, 80, 13, 3, 3, 5),  # Melas-Kyriazi et al. 2022: w1, alpha, beta, w2, gamma, it
    "cutler": (10, 50, 5, 7, 3, 10),  # Wang et al. 2023
}


def refine(score: Tensor, image: np.ndarray, method: str = "guided", crf: str = "simsam") -> Tensor:
    """A sharper score (H, W) float32, positive on the object, from one (H, W) and its image (H, W, 3) uint8.

    `crf`: for that method, whose settings (`CRFS`). Raises `SimsamError` for an unknown method or settings,
    for shapes that differ and for a library that is missing.
    """
    if method not in REFINEMENTS:
        raise unknown("refinement", method, REFINEMENTS)
    if score.shape != image.shape[:2]:
        raise SimsamError(
            f"a score of {tuple(score.shape)} cannot be refined on an image of {image.shape[:2]}."
        )
    if method == "none" or bool((score > 0).all()) or bool((score <= 0).all()):
        return score
    if method == "crf":
        return dense_crf(score, image, crf)
    return {"guided": guided_filter, "matting": closed_form_matting}[method](score, image)


def probability(score: Tensor, contrast: float = 4.0, margin: float = 0.02) -> Tensor:
    """A foreground probability in [margin, 1 - margin]: 1/2 + contrast s / (2 mean |s|), clipped."""
    scale = score.abs().mean().clamp_min(torch.finfo(score.dtype).tiny)
    return (0.5 + contrast * 0.5 * score / scale).clamp(margin, 1 - margin)


def guided_filter(score: Tensor, image: np.ndarray) -> Tensor:
    """The fast guided filter (He and Sun 2015) of the probability, guided by the photo's colours."""
    return follow_edges(probability(score)[None], image)[0] - 0.5


def follow_edges(
    maps: Tensor, image: np.ndarray, radius: float = 0.03, eps: float = 1e-4, subsample: int = 4
) -> Tensor:
    """Maps (C, H, W), guided-filtered by the image (H, W, 3) uint8.

    `radius` is a share of the image's diagonal; the local linear models are fitted on every `subsample`-th
    pixel, which makes the filter 30 times faster and changes no more than the outline's last pixels.
    """
    from kornia.filters import guided_blur

    H, W = image.shape[:2]
    guide = torch.from_numpy(np.array(image)).to(maps.device).permute(2, 0, 1)[None].float() / 255
    size = 2 * max(1, round(radius * (H * H + W * W) ** 0.5)) + 1
    # after the subsampling, a window larger than the image has nothing to mirror at the border
    subsample = max(1, min(subsample, min(H, W) // 16))
    size = min(size, 2 * ((min(H, W) // subsample - 1) // 2) + 1)
    return guided_blur(guide, maps[None], size, eps, subsample=subsample)[0]


def closed_form_matting(score: Tensor, image: np.ndarray, band: int = 15) -> Tensor:
    """Alpha matting (Levin et al. 2008) of the band of +-`band` pixels around the mask's outline."""
    from pymatting import estimate_alpha_cf  # numba makes this import slow: only when asked for
    from scipy.ndimage import distance_transform_edt

    mask = (score > 0).cpu().numpy()
    depth = np.where(mask, distance_transform_edt(mask), -distance_transform_edt(~mask))
    trimap = np.where(depth > band, 1.0, np.where(depth < -band, 0.0, 0.5))
    if not ((trimap == 0).any() and (trimap == 1).any()):  # too thin for a band: nothing is certain
        return score
    alpha = estimate_alpha_cf(image.astype(np.float64) / 255, trimap)
    return torch.from_numpy(alpha).to(score) - 0.5


def dense_crf(score: Tensor, image: np.ndarray, settings: str = "simsam") -> Tensor:
    """The fully connected CRF (Krähenbühl and Koltun 2011) with a smoothness and an appearance kernel."""
    q = probability(score)
    return infer_crf(torch.stack([1 - q, q]), image, settings)[1] - 0.5


def infer_crf(probabilities: Tensor, image: np.ndarray, settings: str = "simsam") -> Tensor:
    """Posterior (C, H, W) of C labels, from probabilities that add up to 1 and are none of them 0.

    Raises `SimsamError` for settings that are none of `CRFS`, and where pydensecrf2 is missing.
    """
    if settings not in CRFS:
        raise unknown("CRF settings", settings, CRFS)
    try:
        import pydensecrf.densecrf as library
    except ImportError:
        raise SimsamError(
            'refinement "crf" needs pydensecrf2, which is built by a C++ compiler: '
            'pip install "simsam[crf]", or use "guided".'
        ) from None
    C, H, W = probabilities.shape
    unary = -np.log(probabilities.cpu().numpy()).reshape(C, -1)
    crf = library.DenseCRF2D(W, H, C)
    crf.setUnaryEnergy(np.ascontiguousarray(unary, dtype=np.float32))
    weight, sxy, srgb, smooth, near, iterations = CRFS[settings]
    crf.addPairwiseGaussian(sxy=near, compat=smooth)
    crf.addPairwiseBilateral(sxy=sxy, srgb=srgb, rgbim=np.array(image), compat=weight)
    return torch.from_numpy(np.array(crf.inference(iterations)).reshape(C, H, W)).to(probabilities)
