"""What tokens betray of their weights: dense oracles, closed forms, and the published model's own tokens."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import load_file

from simsam.features import extract
from simsam.weights.diagnosis import (
    component_share,
    distances,
    effective_rank,
    fingerprints,
    first_component,
    mask_correlation,
    mean_cosine,
    principal,
    recognise,
    recover_norm,
    whose_norm,
)

PUBLISHED = ("tokens_c97aa02", "tokens_134f1bf")


def draw(n: int, d: int, seed: int = 0) -> torch.Tensor:
    """Tokens (n, d) of a spectrum that falls, off the origin."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, d, generator=generator) * torch.linspace(3, 0.5, d)
    return x + torch.randn(d, generator=generator)


def layer_norm(n: int, d: int, seed: int = 0, dtype=torch.float64):
    """A LayerNorm's outputs (n, d), its weight, of both signs, and its bias."""
    generator = torch.Generator().manual_seed(seed)
    weight = 0.5 + 3 * torch.rand(d, generator=generator, dtype=torch.float64)
    weight[:: max(2, d // 5)] *= -1
    bias = torch.randn(d, generator=generator, dtype=torch.float64)
    x = 5 * torch.randn(n, d, generator=generator, dtype=torch.float64)
    y = torch.nn.functional.layer_norm(x.to(dtype), (d,), weight.to(dtype), bias.to(dtype), 1e-12)
    return y, weight, bias


# --- the spectrum -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(60, 12), (9, 20), (3, 3)])
def test_the_spectrum_is_that_of_the_covariance(shape):
    x = draw(*shape)
    variances, directions = np.linalg.eigh(np.cov(x.double().numpy().T, bias=True))
    p = np.maximum(variances, 0) / variances.sum()
    assert component_share(x) == pytest.approx(p[-1])
    assert effective_rank(x) == pytest.approx(np.exp(-np.sum(p[p > 1e-12] * np.log(p[p > 1e-12]))), rel=1e-6)
    scores = (x - x.mean(0)).double().numpy() @ directions[:, -1]
    scores *= np.sign(scores[np.abs(scores).argmax()])
    np.testing.assert_allclose(first_component(x), scores, atol=1e-5)


def test_one_direction_is_all_of_the_variance():
    x = torch.outer(torch.linspace(-1, 3, 30), torch.randn(8)) + 7
    assert component_share(x) == pytest.approx(1)
    assert effective_rank(x) == pytest.approx(1, abs=1e-4)


def test_equal_variances_are_as_many_directions():
    x = torch.cat([torch.eye(6), -torch.eye(6)])  # isotropic, mean 0
    assert component_share(x) == pytest.approx(1 / 6)
    assert effective_rank(x) == pytest.approx(6)
    assert mean_cosine(x) == pytest.approx(-6 / 66)  # of 66 pairs six are opposite, the rest at right angles


def test_two_directions_in_closed_form():
    x = torch.tensor([[3.0, 0], [-3, 0], [0, 1], [0, -1]])  # variances 4.5 and 0.5
    assert component_share(x) == pytest.approx(0.9)
    assert effective_rank(x) == pytest.approx(0.9**-0.9 * 0.1**-0.1)
    assert sorted(first_component(x).tolist()) == pytest.approx([-3, 0, 0, 3])


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), scale=st.floats(1e-3, 1e3), n=st.integers(3, 40), d=st.integers(2, 12))
def test_order_scale_place_and_rotation_change_nothing(seed, scale, n, d):
    x = draw(n, d, seed).double()
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(n, generator=generator)
    rotation = torch.linalg.qr(torch.randn(d, d, generator=generator, dtype=torch.float64)).Q
    before, after = principal(x), principal(scale * x[order] @ rotation + 3)
    assert after.share == pytest.approx(before.share, rel=1e-6)
    assert after.effective_rank == pytest.approx(before.effective_rank, rel=1e-6)
    assert 1 / min(n - 1, d) - 1e-9 <= before.share <= 1
    assert 1 - 1e-9 <= before.effective_rank <= min(n - 1, d) + 1e-9
    assert mean_cosine(scale * x[order] @ rotation) == pytest.approx(mean_cosine(x), abs=1e-9)
    assert abs(before.scores.mean()) < 1e-9
    assert before.scores.max() == before.scores.abs().max()


def test_mean_cosine_is_that_of_all_pairs():
    x = draw(15, 4)
    cosines = torch.nn.functional.cosine_similarity(x[:, None], x[None], dim=-1)
    assert mean_cosine(x) == pytest.approx(float(cosines[~torch.eye(15, dtype=bool)].mean()), abs=1e-6)


def test_correlation_with_a_mask_has_no_sign():
    mask = torch.tensor([0.0, 0, 0.5, 1, 1, 0])
    assert mask_correlation(2 - 3 * mask, mask) == pytest.approx(1)
    component = first_component(draw(6, 3))
    expected = abs(np.corrcoef(component, mask)[0, 1])
    assert mask_correlation(component, mask) == pytest.approx(expected)
    assert mask_correlation(-component, mask) == pytest.approx(expected)
    assert mask_correlation(component, 1 - mask) == pytest.approx(expected)


def test_bad_tokens_are_refused(refused):
    with refused("all equal"):
        principal(torch.full((20, 3), 0.1))
    with refused("NaN"):
        component_share(torch.tensor([[1.0, 2], [torch.nan, 0]]))
    with refused("(1, 4)"):
        mean_cosine(torch.ones(1, 4))
    with refused("(2, 5, 4)"):
        effective_rank(torch.ones(2, 5, 4))
    with refused("one value"):
        mask_correlation(torch.arange(4.0), torch.ones(4))
    with refused("(4,)", "(5,)"):
        mask_correlation(torch.arange(4.0), torch.ones(5))


# --- the norm -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "d"), [(40, 6), (80, 48), (250, 200)])
def test_a_norm_is_recovered_but_for_one_sign(n, d):
    y, weight, bias = layer_norm(n, d)
    norm = recover_norm(y)
    torch.testing.assert_close(
        norm.weight * weight[0].sign() * norm.weight[0].sign(), weight, atol=1e-6, rtol=0
    )
    torch.testing.assert_close(norm.bias, bias, atol=1e-6, rtol=0)
    assert norm.fits
    assert norm.weight.sum() > 0


def test_the_other_sign_gives_the_same_outputs():
    """z and -z are both of mean 0 and variance 1, so no method could tell w from -w."""
    y, weight, bias = layer_norm(60, 12)
    z = (y - bias) / weight
    torch.testing.assert_close(-weight * -z + bias, y)
    torch.testing.assert_close((-z).mean(1), torch.zeros(60, dtype=torch.float64), atol=1e-9, rtol=0)


def test_a_norm_is_recovered_from_single_precision():
    y, weight, bias = layer_norm(600, 384, dtype=torch.float32)
    norm = recover_norm(y)
    assert (norm.weight.abs() - weight.abs()).abs().max() < 1e-5
    assert (norm.bias - bias).abs().max() < 1e-4
    assert norm.fits


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.01, 100))
def test_a_norm_follows_its_outputs(seed, scale):
    """The order of the tokens does not matter, and scaled and moved outputs have a scaled and moved norm."""
    y, _, _ = layer_norm(50, 10, seed)
    before = recover_norm(y)
    after = recover_norm(scale * y[torch.randperm(50)] + 2)
    torch.testing.assert_close(after.weight, scale * before.weight, rtol=1e-6, atol=1e-6 * scale)
    torch.testing.assert_close(after.bias, scale * before.bias + 2, rtol=1e-6, atol=1e-6 * scale + 1e-6)


def test_other_tokens_do_not_fit_a_norm():
    assert not recover_norm(draw(400, 48)).fits
    normed, _, _ = layer_norm(400, 48)
    assert not recover_norm(normed.bfloat16()).fits  # half precision has not the digits
    assert not recover_norm(normed / normed.norm(dim=1, keepdim=True)).fits


def test_too_little_for_a_norm_is_refused(refused):
    y, weight, _ = layer_norm(480, 384)
    recover_norm(y)
    with refused("479 tokens of 384 channels", "at least 480"):
        recover_norm(y[1:])
    y[:, 7] = weight[7]
    with refused("channel 7"):
        recover_norm(y)


# --- the published model ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def features(shared_data):
    folder = shared_data / "published_features"
    if not folder.is_dir():
        pytest.skip("no ../shared/data/published_features")
    return folder


@pytest.fixture(scope="module")
def published(features) -> dict[str, torch.Tensor]:
    """Tokens (1369, 384) of the published ViT-S/14 for one picture, after two ways to resize it."""
    return {name: load_file(features / f"{name}.safetensors")["output"][0] for name in PUBLISHED}


@pytest.fixture(scope="module")
def default(features, backbone) -> torch.Tensor:
    """The default weights' tokens for the same picture, resized as for tokens_c97aa02."""
    with Image.open(features / "dino_0.png") as file:
        picture = file.convert("RGB").resize((520, 520), Image.Resampling.LANCZOS).crop((1, 1, 519, 519))
    return extract(picture, backbone, "output", size=518).tokens


def column(features, name: str) -> torch.Tensor:
    with (features / "final_norm_recovered.csv").open() as file:
        return torch.tensor([float(row[name]) for row in csv.DictReader(file)], dtype=torch.float64)


def test_the_fingerprint_is_that_of_the_figures(features):
    (known,) = fingerprints()
    assert known.name == "dinov2_vits14"
    assert known.origin.endswith(".")
    assert (known.weight - column(features, "weight_published_recovered")).abs().max() <= 0.51e-5


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_model_is_recognised(features, published, name):
    norm = recover_norm(published[name])
    error = (norm.weight - column(features, "weight_published_recovered")).abs()
    assert error.median() < 1e-5
    assert error.max() < 1e-4
    assert (norm.bias - column(features, "bias_published_recovered")).abs().max() < 1e-3
    assert recognise(norm) == "dinov2_vits14"
    assert distances(norm)["dinov2_vits14"] < 1e-5
    assert recognise(recover_norm(published[name][:480])) == "dinov2_vits14"
    assert "is that of the published dinov2_vits14" in whose_norm(norm)
    halved = recover_norm(published[name].half())
    assert not halved.fits
    assert recognise(halved) is None
    assert "no LayerNorm" in whose_norm(halved)


def test_the_default_weights_are_not_the_published(features, default, backbone):
    norm = recover_norm(default)
    true = backbone.model.norm.weight.double()
    assert norm.fits
    assert (norm.weight - true).abs().median() < 5e-5
    assert (column(features, "weight_wheel") - true).abs().max() < 1e-6
    assert recognise(norm) is None
    assert "is not that of the published dinov2_vits14" in whose_norm(norm)
    assert distances(norm)["dinov2_vits14"] == pytest.approx(7.5e-4, rel=0.1)


def test_shares_and_ranks_of_both(published, default):
    """../shared/weights.md: 25 % against 75 %, rank 26 against 3.0."""
    for tokens in published.values():
        assert component_share(tokens) == pytest.approx(0.25, abs=0.01)
        assert effective_rank(tokens) == pytest.approx(26, abs=0.5)
    assert component_share(default) == pytest.approx(0.75, abs=0.01)
    assert effective_rank(default) == pytest.approx(3.0, abs=0.1)
    one, other = published.values()
    assert torch.cosine_similarity(one, other).mean() == pytest.approx(0.989, abs=0.001)
    assert torch.cosine_similarity(one, default).mean() == pytest.approx(0.199, abs=0.002)
