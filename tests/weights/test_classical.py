"""Features that nobody trained: what they are, and that they go wherever a backbone goes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from simsam.features import extract, forward
from simsam.pipeline import RECIPES, segment
from simsam.weights import Classical, load_backbone, tap
from simsam.weights.classical import gabor, smooth, standardise, whiten


@pytest.fixture(scope="module")
def classical():
    return load_backbone("classical", device="cpu")


def test_nothing_is_learned(classical):
    assert isinstance(classical.model, Classical)
    assert list(classical.model.parameters()) == []
    assert classical.model.state_dict() == {}
    assert (classical.provenance.labels, classical.sha256) == ("none", "")
    assert "nothing is learned" in classical.source


def test_its_grid_is_that_of_the_default(classical, backbone, cat):
    ours, theirs = extract(cat, classical, "output"), extract(cat, backbone, "output")
    assert (ours.grid, ours.patch, ours.geometry) == (theirs.grid, theirs.patch, theirs.geometry)
    assert ours.tokens.shape == (ours.grid[0] * ours.grid[1], classical.dim)
    assert ours.tokens.dtype == ours.cls.dtype == torch.float32
    assert ours.cls.shape == (classical.dim,)
    assert ours.attention is None


def test_a_batch_is_its_photos_one_by_one(classical, cat):
    together = extract([cat, cat[:, ::-1].copy()], classical, "output", size=140)
    for b, photo in enumerate((cat, cat[:, ::-1].copy())):
        alone = extract(photo, classical, "output", size=140)
        torch.testing.assert_close(together[b].tokens, alone.tokens, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(together[b].cls, alone.cls)


def test_a_mirrored_photo_has_mirrored_colours(classical, cat):
    cat = cat[:280, :448]  # whole cells
    tokens, mirrored = (extract(c, classical, "output", size=None) for c in (cat, cat[:, ::-1].copy()))
    flipped = mirrored.tokens.view(*mirrored.grid, -1).flip(1).flatten(0, 1)
    # angles of texture change places, colours do not
    torch.testing.assert_close(flipped.square().sum(1), tokens.tokens.square().sum(1), atol=1e-2, rtol=1e-2)
    torch.testing.assert_close(mirrored.cls[:6], tokens.cls[:6], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("tokens", "block"), [("keys", -1), ("queries", -1), ("values", -1), ("output", 3)])
def test_what_no_network_makes_is_refused(classical, cat, tokens, block, refused):
    with refused(tokens, f"block {block}", "classical", "'output'"):
        extract(cat, classical, tokens, block)
    with refused("classical", "'output'"):
        tap(torch.rand(1, 3, 28, 28), classical, [block]).read(tokens, block)


def test_embeddings_need_no_keys_and_tell_colours_apart(classical):
    x = torch.zeros(3, 3, 56, 56)
    x[0, 0], x[1, 2], x[2, 2] = 0.9, 0.9, 0.85  # red, blue, nearly the same blue
    embedded = forward(x, classical)[1]
    assert embedded.shape == (3, classical.dim)
    assert (embedded[1] - embedded[2]).norm() < 0.2 * (embedded[0] - embedded[1]).norm()


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_plain_photo_has_no_features_at_all(classical, value):
    photo = np.full((70, 98, 3), value, np.uint8)
    found = extract(photo, classical, "output", size=None)
    assert found.tokens.isfinite().all()
    assert found.tokens.abs().max() < 1e-3


@pytest.mark.parametrize("shape", [(14, 14), (14, 280), (28, 42)])
def test_small_grids(classical, shape):
    tokens, embedding, _ = forward(torch.rand(1, 3, *shape), classical)
    assert tokens.shape == (1, shape[0] * shape[1] // 196, classical.dim)
    assert tokens.isfinite().all()
    assert embedding.isfinite().all()


def test_a_grey_photo_is_not_blown_up_by_its_noise(classical):
    x = torch.rand(1, 1, 140, 140, generator=torch.Generator().manual_seed(0)).expand(1, 3, -1, -1)
    color = classical.model.measure(x)[0]
    parts = standardise(color / 17, 1.0)
    assert parts[0, 0].std() > 10 * parts[0, 1:].std()


def test_gabor_filters_see_waves_of_their_own_angle():
    filters = gabor(8)
    assert filters.shape == (8, 1, 17, 17)
    assert filters.sum((1, 2, 3)).abs().max() < 1e-5
    y, x = torch.meshgrid(*[torch.arange(-8.0, 9)] * 2, indexing="ij")
    answers = [
        torch.stack([(filters[i, 0] * torch.cos(2 * np.pi * w / 8)).sum() for i in range(4)]) for w in (x, y)
    ]
    assert [int(answer.argmax()) for answer in answers] == [0, 2]


def test_smoothing_keeps_an_edge_and_whitening_evens_out():
    generator = torch.Generator().manual_seed(0)
    x = 0.1 * torch.randn(1, 4, 10, 12, generator=generator)
    x[..., 6:] += 2
    smoothed = smooth(x)
    assert smoothed[..., :6].std() < 0.3 * x[..., :6].std()
    assert (smoothed[..., 6:].mean() - smoothed[..., :6].mean() - 2).abs() < 0.05
    spread = torch.randn(1, 4, 40, 40, generator=generator) * torch.tensor([3.0, 2, 1, 1]).view(1, 4, 1, 1)
    flat = whiten(spread).flatten(2)[0]
    covariance = flat @ flat.T / flat.shape[1]
    assert (covariance - covariance.diag().diag()).abs().max() < 0.01
    assert covariance.diag().max() < 1.7 * covariance.diag().min()


def test_a_bright_shape_is_found(classical):
    photo = np.full((280, 280, 3), (60, 90, 60), np.uint8)
    photo[98:196, 84:182] = (220, 60, 40)
    noise = np.random.default_rng(0).integers(0, 20, photo.shape, np.uint8)
    mask = segment(photo + noise, "spectral", classical, refine="none", size=None).mask
    truth = np.zeros((280, 280), bool)
    truth[98:196, 84:182] = True
    assert (mask & truth).sum() / (mask | truth).sum() > 0.6  # the context of the cells around it is mixed


def test_recipes_that_need_keys_say_so(classical, cat, refused):
    for name, recipe in RECIPES.items():
        if recipe.tokens != "output":
            with refused("keys", "classical"):
                segment(cat, name, classical, size=140)


def test_made_here_takes_no_file(tmp_path, refused):
    for name in ("classical", "untrained_vits14"):
        with refused(name, "takes no weights file"):
            load_backbone(name, tmp_path / "some.safetensors", "cpu")
