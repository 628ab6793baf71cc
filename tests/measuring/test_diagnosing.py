"""`diagnose`: the same numbers as by hand, kind by kind, from one forward pass a photo."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from simsam.data import load_cutouts
from simsam.drawing import show
from simsam.drawing.components import component_strip
from simsam.features import Geometry, extract
from simsam.measuring import diagnosing
from simsam.measuring.diagnosing import diagnose, on_grid
from simsam.weights import TOKENS, load_backbone
from simsam.weights.diagnosis import (
    component_share,
    effective_rank,
    first_component,
    mask_correlation,
    mean_cosine,
    whose_norm,
)

SIZE = 112


@pytest.fixture(scope="module")
def tiny():
    return load_backbone("vit_tiny_patch16_224", "random", "cpu")


@pytest.fixture(scope="module")
def two():
    """Two cutouts of other shapes: one upright."""
    first, _, second = load_cutouts()[:3]
    return [first.image, second.image.transpose(1, 0, 2)], [first.mask, second.mask.T]


@pytest.fixture(scope="module")
def found(tiny, two):
    return diagnose(tiny, *two, size=SIZE)


@pytest.mark.parametrize("kind", [("keys", 3), ("values", 0), ("output", 11)])
def test_rows_are_what_one_computes_by_hand(tiny, two, found, kind):
    photos, masks = two
    features = [extract(photo, tiny, *kind, size=SIZE) for photo in photos]
    (row,) = [row for row in found.rows if (row["tokens"], row["block"]) == kind]
    by_hand = {
        "share": [component_share(f.tokens) for f in features],
        "rank": [effective_rank(f.tokens) for f in features],
        "cosine": [mean_cosine(f.tokens) for f in features],
        "correlation": [
            mask_correlation(
                first_component(f.tokens), on_grid(m, dataclasses.replace(f, geometry=[f.geometry]))
            )
            for f, m in zip(features, masks)
        ],
    }
    assert {key: row[key] for key in by_hand} == pytest.approx(
        {key: np.mean(v) for key, v in by_hand.items()}, rel=1e-3
    )
    for map_, f in zip((c[kind] for c in found.components), features):
        torch.testing.assert_close(map_, f.map(first_component(f.tokens)).float(), rtol=1e-3, atol=1e-4)


def test_a_row_for_every_kind_and_block_from_one_pass_a_photo(tiny, two, found, monkeypatch):
    assert [(row["tokens"], row["block"]) for row in found.rows] == [
        (t, b) for t in TOKENS for b in range(12)
    ]
    passes = []
    forward = tiny.model.forward_intermediates
    monkeypatch.setattr(
        tiny.model, "forward_intermediates", lambda *a, **k: passes.append(1) or forward(*a, **k)
    )
    without = diagnose(tiny, two[0], size=SIZE)
    assert len(passes) == 2
    assert "correlation" not in without.rows[0]
    assert [row["share"] for row in without.rows] == [row["share"] for row in found.rows]


def test_the_table_says_whose_features(tiny, found):
    table = found.table()
    assert len(table.cells) == len(found.rows) == 48
    assert "|correlation| with the mask" in table.header
    assert "vit_tiny_patch16_224" in table.caption
    assert "2 photos" in table.caption
    assert found.labels in table.caption
    single = diagnose(tiny, load_cutouts()[2].image, size=SIZE)
    assert "1 photo at" in single.table().caption
    assert len(single.table().header) == 5


def test_the_strip_tells_what_it_shows(two, found):
    assert list(found.maps()) == [*(f"keys, block {b}" for b in (2, 5, 8, 11)), "output, block 11"]
    figure, alt = component_strip(two[0][1], found.maps(1))
    assert sum(bool(ax.images) for ax in figure.axes) == 6
    assert "keys, block 5" in alt
    assert show(figure, alt).mime == "image/png"
    shown = component_strip(two[0][0], {"output": found.components[0]["output", 11]})
    assert show(*shown).alt.endswith("output.")


def test_a_backbone_without_blocks_has_one_row(monkeypatch, two):
    """As features made by hand have it: the output alone, at block -1."""
    by_hand = SimpleNamespace(
        name="by hand",
        model=None,
        dim=3,
        source="computed",
        sha256="",
        provenance=SimpleNamespace(labels="none"),
    )

    def extract_all(photos, backbone, kinds, size):
        assert kinds == [("output", -1)]
        colours = torch.from_numpy(photos[0][::8, ::8].copy()).float()
        geometry = Geometry(photos[0].shape[:2], (0, 0, *photos[0].shape[:2]), tuple(colours.shape[:2]))
        grid = SimpleNamespace(tokens=colours.reshape(1, -1, 3), grid=geometry.grid, geometry=[geometry])
        return {("output", -1): grid}

    monkeypatch.setattr(diagnosing, "extract_all", extract_all)
    found = diagnose(by_hand, *two)
    (row,) = found.rows
    assert (row["tokens"], row["block"], found.labels) == ("output", -1, "none")
    assert list(found.maps()) == ["output"]
    assert whose_norm(found.norm) == ""  # of no width that is known


def test_masks_on_the_grid_are_means():
    geometry = Geometry((6, 8), (0, 0, 6, 8), (3, 4))
    features = SimpleNamespace(geometry=[geometry], grid=geometry.grid)
    mask = np.zeros((6, 8), bool)
    mask[:2, :2] = mask[2, 2] = True
    assert on_grid(mask, features).tolist() == [1, 0, 0, 0, 0, 0.25, *[0] * 6]


def test_bad_input_is_refused(tiny, two, refused):
    photos, masks = two
    with refused("empty list of photos"):
        diagnose(tiny, [])
    with refused("1 masks for 2 photos"):
        diagnose(tiny, photos, masks[:1], SIZE)
    with refused("mask of photo 2", "its photo is"):
        diagnose(tiny, photos, [masks[0], masks[1].T], SIZE)
    with refused("mask of photo 1", "one value"):
        diagnose(tiny, photos, [np.ones_like(masks[0]), masks[1]], SIZE)
    with refused("mask of photo 1", "bool"):
        diagnose(tiny, photos, [masks[0].astype(int), masks[1]], SIZE)


def test_the_default_weights(backbone):
    """What betrays them: on a photo with one thing in it, the last tokens' main direction is that thing."""
    cutout = load_cutouts()[0]
    found = diagnose(backbone, [cutout.image], [cutout.mask], size=336)
    rows = {(row["tokens"], row["block"]): row for row in found.rows}
    assert rows["output", 11]["correlation"] > 0.9
    assert rows["output", 11]["correlation"] > rows["output", 5]["correlation"] + 0.1
    assert rows["output", 11]["rank"] < 6
    assert found.norm is None  # 24 x 18 tokens are too few
