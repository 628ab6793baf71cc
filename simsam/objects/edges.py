"""From a score on the grid to a sharp mask at full resolution.

Three ways to let the photo's own edges decide: the guided filter (`simsam.objects.guided`), closed-form
matting (pymatting) and the dense CRF (pydensecrf2, built by a compiler at installation, so an extra and never
the default). The last two cost more than a photo's pixels: of more than `FITTED` they are solved on a reduced
photo, and what is found there is guided up to the whole one.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from simsam.errors import SimsamError, tell, unknown
from simsam.objects.guided import Sample, guide_up, reduced, sampling, shrink
from simsam.objects.matting import solve_band
from simsam.objects.models import LinearModels

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
    low, high = score.aminmax()
    if method == "none" or low > 0 or high <= 0:
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
    where = sampling(image.shape[:2])
    return guided_models(where.take(score[None])[0], where, image).apply(image)[0].sub_(0.5)


def guided_models(sample: Tensor, where: Sample, image: np.ndarray) -> LinearModels:
    """What that filter fits: models of the probability, from a score (h, w) on the pixels of a sample."""
    return where.fit(probability(sample)[None], image)


def closed_form_matting(score: Tensor, image: np.ndarray, band: int = 15) -> Tensor:
    """Alpha matting (Levin et al. 2008) of the band of +-`band` pixels around the mask's outline, on the
    photo reduced to `FITTED` pixels if it has more, and guided up from there."""
    shape = reduced(image.shape[:2])
    small = score if shape == score.shape else resize(score[None], shape)[0]
    solved = solve_band((small > 0).cpu().numpy(), shrink(image, shape), band)
    if solved is None:  # too thin for a band: nothing is certain
        return score
    return whole(torch.from_numpy(solved[0]).to(score)[None], image)[0] - 0.5


def dense_crf(score: Tensor, image: np.ndarray, settings: str = "simsam") -> Tensor:
    """The fully connected CRF (Krähenbühl and Koltun 2011) with a smoothness and an appearance kernel."""
    q = probability(score)
    return infer_crf(torch.stack([1 - q, q]), image, settings)[1] - 0.5


def infer_crf(probabilities: Tensor, image: np.ndarray, settings: str = "simsam") -> Tensor:
    """Posterior (C, H, W) of C labels, from probabilities that add up to 1 and are none of them 0.

    A photo of more than `FITTED` pixels is reduced to so many, on which the settings' pixels are measured,
    and the posterior is guided up; `tell` says so.
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
    C = len(probabilities)
    H, W = reduced(image.shape[:2])
    if (H, W) != image.shape[:2]:
        tell(
            f"a photo of {image.shape[0]} x {image.shape[1]} pixels was reduced to {H} x {W} for the CRF, "
            "and what that found was guided up to all of its pixels."
        )
        probabilities = resize(probabilities, (H, W))
    unary = -np.log(probabilities.cpu().numpy()).reshape(C, -1)
    crf = library.DenseCRF2D(W, H, C)
    crf.setUnaryEnergy(np.ascontiguousarray(unary, dtype=np.float32))
    weight, sxy, srgb, smooth, near, iterations = CRFS[settings]
    crf.addPairwiseGaussian(sxy=near, compat=smooth)
    crf.addPairwiseBilateral(sxy=sxy, srgb=srgb, rgbim=np.array(shrink(image, (H, W))), compat=weight)
    posterior = torch.from_numpy(np.array(crf.inference(iterations)).reshape(C, H, W)).to(probabilities)
    return whole(posterior, image)


def whole(maps: Tensor, image: np.ndarray) -> Tensor:
    """Maps (C, h, w) of a photo (H, W, 3) that may have been reduced, for all of it: (C, H, W)."""
    return maps if maps.shape[1:] == image.shape[:2] else guide_up(maps, image)


def resize(maps: Tensor, shape: tuple[int, int]) -> Tensor:
    """Maps (C, H, W) reduced to (h, w): bilinear, and smooth on the way up is smooth on the way down."""
    return F.interpolate(maps[None], shape, mode="bilinear", align_corners=False)[0]
