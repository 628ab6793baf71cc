"""What is published can be had again: a part of the committed tables, measured anew."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simsam.data.datasets import open_dataset
from simsam.measuring.results import list_results, load_results, measured_backbones
from simsam.measuring.run import run_recipes
from simsam.pipeline.recipes import RECIPES

# Another CPU rounds otherwise, and an image in many may then fall to another cluster.
TOLERANCE = 0.5


@pytest.mark.slow
def test_recipes_on_cutouts_score_what_the_table_says(backbone):
    spectral = RECIPES["spectral"]
    recipes = [RECIPES["simsam"], spectral, replace(spectral, refine="none")]
    names = ["simsam", "spectral", "spectral, refine=none"]
    published = {row["setting"]: row for row in load_results("recipes_cutouts")}
    found = run_recipes(open_dataset("cutouts", None), recipes, backbone)
    for name, result in zip(names, found, strict=True):
        assert result["images"] == published[name]["n"]
        assert 100 * result["miou"] == pytest.approx(published[name]["miou"], abs=TOLERANCE), name
        difference = 100 * (result["miou"] - found[1]["miou"])
        if published[name]["baseline"] == "spectral" and name != "spectral, refine=none":
            assert difference == pytest.approx(published[name]["difference"], abs=TOLERANCE), name


def test_every_table_says_how_it_was_made():
    tables = [(name, backbone) for backbone in measured_backbones() for name in list_results(None, backbone)]
    for name, backbone in tables:
        for row in load_results(name, None, backbone):
            assert str(row["command"]).startswith("python tools/"), row
            assert "+" in str(row["version"]), row
            assert "modified" not in str(row["version"]), row
            if name.startswith(("benchmark", "big_photos", "folder")):  # times and memory, no means
                continue
            assert row["n"] >= 10, row
            assert (
                0 <= row["low"] <= row["value" if name == "confidence" else "miou"] <= row["high"] <= 100
            ), row
            if name != "positions" and row.get("baseline") != "":  # what stands beside no baseline
                difference = row["difference_to_baseline"] if name == "semantic" else row["difference"]
                assert row["difference_low"] <= difference <= row["difference_high"], row
