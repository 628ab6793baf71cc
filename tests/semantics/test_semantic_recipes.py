"""Settings of the semantic recipes."""

from __future__ import annotations

import numpy as np
import pytest

from simsam.pipeline.settings import known_settings, parse_setting
from simsam.semantics.collection import cluster_embeddings
from simsam.semantics.recipes import SEMANTIC_RECIPES, SemanticRecipe, get_semantic_recipe


def test_every_setting_of_the_recipe_can_be_given_by_text():
    recipe = SEMANTIC_RECIPES["published"]
    for name in known_settings(SemanticRecipe):
        value = getattr(recipe if hasattr(recipe, name) else recipe.base, name)
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        assert parse_setting(f"{name}={text}", SemanticRecipe) == (name, value)
    assert parse_setting("regions=eigengap", SemanticRecipe) == ("regions", "eigengap")
    assert parse_setting("refine=none", SemanticRecipe) == ("refine", "none")
    assert get_semantic_recipe("published", pca=None, sample=np.int64(9)).sample == 9


@pytest.mark.parametrize(
    "text",
    [
        *("erode=-1", "erode=foo", "dilate=1.5", "dilate=1000", "regions=none", "regions=true"),
        *("regions=1.5", "crop=foo", "crop=none", "crop=0", "crop=224.0", "crop=100000", "pca=foo", "pca=0"),
        *("restarts=none", "restarts=0", "sample=0", "sample=-1", "sample=foo", "seed=foo", "seed=-1"),
        *("seed=none", f"seed={2**63}", "normalise=foo", "normalise=1", "neighbours=foo", "neighbours=0"),
    ],
)
def test_a_setting_of_another_type_or_range_is_refused(text, refused):
    with refused(text.partition("=")[0]):
        get_semantic_recipe("published", **dict([parse_setting(text, SemanticRecipe)]))


def test_the_largest_seed_can_be_used():
    recipe = get_semantic_recipe("published", seed=2**63 - 1, sample=3)
    assert len(cluster_embeddings(np.eye(4), 2, recipe)) == 4


def test_changes_reach_the_recipe_or_its_base():
    recipe = get_semantic_recipe("scenes", regions=9, kappa=0.0, seed=4, refine="guided")
    assert (recipe.regions, recipe.base.kappa, recipe.seed, recipe.base.seed) == (9, 0.0, 4, 4)
    assert recipe.refine == "guided"
    assert recipe.base.refine == SEMANTIC_RECIPES["scenes"].base.refine
    assert get_semantic_recipe(recipe) == recipe


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"embed": "clss"}, "did you mean 'cls'"),
        ({"background": "sky"}, "unknown background"),
        ({"refine": "matting"}, "unknown refine"),
        ({"regions": "many"}, "eigengap"),
        ({"regions": 0}, "regions=0"),
        ({"erode": -1}, "erode=-1"),
        ({"erode": "2"}, "a whole number"),
        ({"normalise": 1}, "True or False"),
        ({"pca": 0}, "pca=0"),
        ({"kapa": 1.0}, "did you mean 'kappa'"),
        ({"kappa": -1.0}, "kappa=-1.0"),
        ({"centroid": True}, "centroid needs"),
        ({"readout": "maskcut"}, "one mask"),
    ],
)
def test_bad_settings_are_refused(refused, changes, part):
    with refused(part):
        get_semantic_recipe("objects", **changes)


def test_unknown_recipe_and_bad_text(refused):
    with refused("did you mean 'scenes'"):
        get_semantic_recipe("scene")
    for text in ("embed", "kappa"):
        with refused(repr(text), "FIELD=VALUE"):
            parse_setting(text, SemanticRecipe)
    with refused("unknown setting"):
        parse_setting("name=mine", SemanticRecipe)
    with refused("no value for kappa"):
        parse_setting("kappa=much", SemanticRecipe)
