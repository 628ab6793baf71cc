"""Whatever torch's default type and the backbone's precision: float32 where it counts, and the same masks."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from simsam.pipeline import RECIPES
from simsam.pipeline.stages import segment
from simsam.weights.backbones import _load, load_backbone


@pytest.fixture
def double() -> Iterator[None]:
    """float64 as torch's default."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture(scope="module")
def singles(backbone, cat):
    """Each recipe's result where the default is float32, as ever."""
    return {name: segment(cat, name, backbone, size=84) for name in RECIPES}


@pytest.mark.parametrize("name", RECIPES)
def test_a_default_of_float64_changes_nothing(singles, backbone, cat, double, name):
    result = segment(cat, name, backbone, size=84)
    assert result.features.tokens.dtype == result.affinity.dtype == torch.float32
    np.testing.assert_array_equal(result.score, singles[name].score)


@pytest.mark.parametrize("name", ["focus_vits14", "untrained_vits14", "classical"])
def test_a_backbone_loaded_under_float64_is_the_same(cat, double, name):
    torch.set_default_dtype(torch.float32)
    _load.cache_clear()
    expected = segment(cat, backbone=load_backbone(name, device="cpu"), size=84)
    torch.set_default_dtype(torch.float64)
    _load.cache_clear()
    found = segment(cat, backbone=load_backbone(name, device="cpu"), size=84)
    assert found.features.tokens.dtype == torch.float32
    torch.testing.assert_close(found.features.tokens, expected.features.tokens, atol=1e-4, rtol=1e-4)
    assert torch.get_default_dtype() == torch.float64


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_backbones_of_other_precisions(backbone, cat, singles, dtype):
    model = copy.deepcopy(backbone.model).to(dtype)
    result = segment(cat, backbone=dataclasses.replace(backbone, model=model), size=84)
    assert result.features.tokens.dtype == torch.float32
    one, other = result.features.tokens, singles["simsam"].features.tokens
    assert torch.nn.functional.cosine_similarity(one, other).min() > 0.98
    assert (result.mask == singles["simsam"].mask).mean() > 0.95
