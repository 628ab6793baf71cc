"""What the measuring tools compute beside the package's own functions."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import ablations
import controls
import positions
import ranking

from simsam.pipeline import RECIPES


def test_every_recipe_of_a_ranking_may_choose_its_tokens_and_one_number_or_rule() -> None:
    for recipe in RECIPES.values():
        found = ranking.candidates(recipe)
        assert len(found) == len(set(found)) >= 6
        assert {one.tokens for one in found} == {"keys", "output"}
        changed = {k for one in found for k, v in vars(one).items() if v != getattr(recipe, k)}
        assert len(changed - {"tokens"}) == 1
        assert ranking.told(found[0]).startswith("tokens=keys, ")
        published = [one for one in found if replace(one, tokens=recipe.tokens) == recipe]
        assert published, "as published is among them"


def test_each_trained_head_has_its_three_controls() -> None:
    rows = ablations.headroom()
    families = {row.family for row in rows}
    assert len(families) == 9
    for family in families:
        beside = {r.baseline_name for r in rows if r.family == family and r.setting == "trained"}
        assert beside == {"none", "untrained", "constant"}
        bases = {r.baseline for r in rows if r.family == family and r.baseline_name == "none"}
        (base,) = bases
        for row in (r for r in rows if r.family == family):
            assert (row.recipe.tokens, row.recipe.block) == (base.tokens, base.block)
    trials = [ablations.readable(rows, name) for name in ("focus_vits14", "untrained_vits14", "classical")]
    assert sum(len({row.family for row in found}) for found in trials) == 14  # as its docstring says


def test_the_box_covers_its_share_from_the_centre() -> None:
    mask = controls.box((100, 50))
    assert mask.mean() == pytest.approx(controls.SIDE**2, abs=0.01)
    assert np.array_equal(mask, mask[::-1, ::-1])


def test_without_the_first_component_the_second_leads() -> None:
    tokens = torch.randn(60, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    tokens = tokens * torch.tensor([9.0, 4, 2, 1, 0.5]) + 3
    before = torch.linalg.svdvals(tokens - tokens.mean(0))
    less = controls.without_first(tokens)
    after = torch.linalg.svdvals(less - less.mean(0))
    assert torch.allclose(after[:4], before[1:])
    assert after[4] < 1e-6 * before[0]
    assert torch.allclose(less.mean(0), tokens.mean(0))


def test_a_map_of_positions_is_bands_when_stretched_far() -> None:
    labels = positions.label_map((64, 96), 4, 1000.0, seed=0)
    assert (labels == labels[:, :1]).all(1).mean() > 0.9  # but for rows as near to one band as to the next
    assert len(set(labels[:, 0])) == 4
    assert (np.diff(labels[:, 0]) != 0).sum() == 3
