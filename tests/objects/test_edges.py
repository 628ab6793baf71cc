"""Every refinement moves the outline of a coarse mask toward the photo's true edge."""

from __future__ import annotations

import sys
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch

from simsam.features import plan
from simsam.objects.edges import CRFS, REFINEMENTS, infer_crf, probability, refine

SHAPE = 112, 140


@pytest.fixture(scope="module")
def disc():
    """A red disc on blue, its truth, and a score as the pipeline makes it: coarse, and a little off."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    truth = (y - 58) ** 2 + (x - 66) ** 2 < 35**2
    image = np.where(truth[..., None], (200, 70, 50), (50, 90, 160))
    rng = np.random.default_rng(0)
    image = np.clip(image + rng.normal(0, 12, image.shape), 0, 255).astype(np.uint8)
    geometry = plan(SHAPE, 14, None)
    share = truth.reshape(8, 14, 10, 14).mean((1, 3))
    score = torch.from_numpy(share - 0.5 + rng.normal(0, 0.12, share.shape)).float()
    return image, truth, geometry.upsample(score)


def iou(mask, truth):
    return (mask & truth).sum() / (mask | truth).sum()


def needs(method):
    if method == "crf":
        pytest.importorskip("pydensecrf.densecrf", reason="pydensecrf2 is not installed: no C++ compiler")


@pytest.mark.parametrize("method", [m for m in REFINEMENTS if m != "none"])
def test_the_outline_moves_to_the_edge(disc, method):
    needs(method)
    image, truth, score = disc
    before = iou((score > 0).numpy(), truth)
    refined = refine(score, image, method)
    assert refined.shape == SHAPE
    assert refined.dtype == torch.float32
    assert torch.isfinite(refined).all()
    after = iou((refined > 0).numpy(), truth)
    assert before < 0.93
    assert after > before + 0.02


def test_none_leaves_the_score_as_it_is(disc):
    image, _, score = disc
    assert refine(score, image, "none") is score


@pytest.mark.parametrize("method", REFINEMENTS)
def test_nothing_to_refine(disc, method):
    image, _, score = disc
    for empty in (score.abs() + 0.1, -score.abs() - 0.1, torch.zeros(SHAPE)):
        assert refine(empty, image, method) is empty


@pytest.mark.parametrize("method", REFINEMENTS)
def test_flat_and_small_images(method):
    needs(method)
    for shape in ((14, 14), (15, 60)):
        score = torch.linspace(-1, 1, shape[0] * shape[1]).view(shape)
        refined = refine(score, np.full((*shape, 3), 90, np.uint8), method)
        assert torch.isfinite(refined).all()


def test_a_mask_too_thin_for_matting_stays(disc):
    score = torch.full(SHAPE, -1.0)
    score[50:55, 40:90] = 1
    assert refine(score, disc[0], "matting") is score


def test_probabilities_by_hand():
    score = torch.tensor([-2.0, -0.1, 0.0, 0.1, 2.0])  # mean |s| = 0.84
    expected = [0.02, 0.5 - 4 * 0.5 * 0.1 / 0.84, 0.5, 0.5 + 4 * 0.5 * 0.1 / 0.84, 0.98]
    np.testing.assert_allclose(probability(score), expected, atol=1e-6)
    assert probability(torch.zeros(3)).tolist() == [0.5] * 3


def test_the_crf_without_its_library(disc, monkeypatch, refused):
    monkeypatch.setitem(sys.modules, "pydensecrf", None)
    monkeypatch.setitem(sys.modules, "pydensecrf.densecrf", None)
    with refused("pydensecrf2", 'pip install "simsam[crf]"', '"guided"'):
        refine(disc[2], disc[0], "crf")


@pytest.mark.parametrize(
    ("settings", "smooth", "appearance", "iterations"),
    [
        ("simsam", {"compat": 3, "sxy": 3}, {"compat": 5, "sxy": 60, "srgb": 6}, 5),
        ("dsm", {"compat": 3, "sxy": 3}, {"compat": 10, "sxy": 80, "srgb": 13}, 5),
        ("cutler", {"compat": 7, "sxy": 3}, {"compat": 10, "sxy": 50, "srgb": 5}, 10),
    ],
)
def test_whose_crf(disc, monkeypatch, settings, smooth, appearance, iterations):
    """What reaches the library, which is not needed for that."""
    library = MagicMock()
    library.DenseCRF2D().inference.return_value = np.full((2, SHAPE[0] * SHAPE[1]), 0.5)
    monkeypatch.setitem(sys.modules, "pydensecrf", MagicMock(densecrf=library))
    monkeypatch.setitem(sys.modules, "pydensecrf.densecrf", library)
    refine(disc[2], disc[0], "crf", settings)
    crf = library.DenseCRF2D()
    crf.addPairwiseGaussian.assert_called_once_with(**smooth)
    assert crf.addPairwiseBilateral.call_args.kwargs.items() >= appearance.items()
    crf.inference.assert_called_once_with(iterations)


def test_every_crf_gives_another_mask(disc):
    needs("crf")
    masks = [(refine(disc[2], disc[0], "crf", settings) > 0).numpy() for settings in CRFS]
    assert len({mask.tobytes() for mask in masks}) == len(CRFS)
    assert all(iou(mask, disc[1]) > 0.9 for mask in masks)


def test_refusals(disc, refused):
    image, _, score = disc
    with refused("CRF settings 'cuttler'", "did you mean 'cutler'"):
        infer_crf(torch.full((2, *SHAPE), 0.5), image, "cuttler")
    with refused("refinement 'guded'", "did you mean 'guided'"):
        refine(score, image, "guded")
    with refused("(112, 140)", "(111, 140)"):
        refine(score, image[1:], "guided")
