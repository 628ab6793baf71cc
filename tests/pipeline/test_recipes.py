"""Recipes by name, with fields changed, and from the command line's text."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from simsam.pipeline.recipes import RECIPES, Recipe, get_recipe
from simsam.pipeline.settings import Range, choices, known_settings, parse_setting

FIELDS = known_settings(Recipe)
CHOICES = {name: choices(hint) for name, hint in FIELDS.items() if choices(hint)}
RANGES = {
    name: (check.low, check.high)
    for name, hint in FIELDS.items()
    for check in getattr(hint, "__metadata__", ())
    if isinstance(check, Range)
}


def test_named_recipes():
    assert {"paper", "simsam", "spectral", "dsm", "tokencut", "maskcut", "kmeans", "released"} <= set(RECIPES)
    assert all(recipe.name == name for name, recipe in RECIPES.items())
    assert Recipe() == RECIPES["simsam"]
    assert RECIPES["simsam"].uses_head
    assert RECIPES["simsam"].kappa > 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        RECIPES["dsm"].kappa = 1.0


def test_spectral_is_simsam_without_its_head():
    changes = {"name": "spectral", "kappa": 0.0, "head": "none"}
    assert dataclasses.replace(RECIPES["simsam"], **changes) == RECIPES["spectral"]
    assert not RECIPES["spectral"].uses_head


def test_the_paper_as_its_equations_say():
    expected = {
        **{
            "tokens": "keys",
            "block": -1,
            "size": None,
            "offset": "mean",
            "kappa": 0.1,
            "semantic_unit": False,
        },
        **{"head": "sgd", "epochs": 10, "lr": 0.06, "stop_gradient": True},
        **{"projector": 1, "projector_nonlinear": True, "predictor": 1, "predictor_nonlinear": False},
        **{"k": 2, "readout": "fiedler", "threshold": "zero", "laplacian": "normalized"},
    }
    assert {name: getattr(RECIPES["paper"], name) for name in expected} == expected


def test_fields_can_be_changed():
    changed = get_recipe("dsm", kappa=0.5, size=224)
    assert (changed.kappa, changed.size, changed.tokens) == (0.5, 224, "keys")
    assert get_recipe(changed) is changed
    assert get_recipe("dsm") is RECIPES["dsm"]


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("kappa=0.5", ("kappa", 0.5)),
        ("k=9", ("k", 9)),
        ("size=224", ("size", 224)),
        ("size=480,320", ("size", (480, 320))),
        ("size=None", ("size", None)),
        ("batch=none", ("batch", None)),
        ("component=true", ("component", True)),
        ("stop_gradient=False", ("stop_gradient", False)),
        ("clusters=2,5", ("clusters", (2, 5))),
        ("offset=max/3", ("offset", "max/3")),
        ("refine=none", ("refine", "none")),  # a name like another, not the absence of one
        ("head=none", ("head", "none")),
    ],
)
def test_settings_from_text(text, setting):
    name, value = parse_setting(text, Recipe)
    assert (name, value) == setting
    assert type(value) is type(setting[1])
    get_recipe("kmeans", **{name: value})


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: get_recipe("simsan"), ["recipe 'simsan'", "did you mean 'simsam'"]),
        (lambda: get_recipe(None), ["recipe None"]),
        (lambda: get_recipe("dsm", kapa=1), ["setting 'kapa'", "did you mean 'kappa'"]),
        (lambda: Recipe(kappa=-0.1), ["kappa=-0.1"]),
        (lambda: Recipe(kappa=float("nan")), ["kappa=nan"]),
        (lambda: Recipe(kappa=float("inf")), ["kappa=inf"]),
        (lambda: Recipe(k=1), ["k=1", "at least 2"]),
        (lambda: Recipe(k=4), ["k=4", "(3, 4, 5, 6)"]),
        (lambda: Recipe(size=(168, 0)), ["size=(168, 0)", "1 or more"]),
        (lambda: Recipe(clusters=()), ["clusters=()"]),
        (lambda: Recipe(clusters=(1, 3)), ["clusters=(1, 3)", "2 or more"]),
        (lambda: Recipe(objects=0), ["objects=0", "1 or more"]),
        (lambda: Recipe(floor=-1e-5), ["floor=-1e-05", "from 0 to 1"]),
        (lambda: Recipe(clusters=(3, 65), k=70), ["clusters=(3, 65)", "at most 64"]),
        (lambda: Recipe(offset="median"), ["offset 'median'", "mean"]),
        (lambda: Recipe(semantic_offset="quantile:2"), ["'quantile:2'", "between 0 and 1"]),
        (lambda: Recipe(centroid=-1), ["centroid=-1"]),
        (lambda: parse_setting("kapa=1", Recipe), ["setting 'kapa'", "did you mean 'kappa'"]),
        (lambda: parse_setting("kappa", Recipe), ["setting 'kappa'", "FIELD=VALUE"]),
        (lambda: parse_setting("kappa=much", Recipe), ["'much'", "kappa", "a number"]),
        (lambda: parse_setting("size=big", Recipe), ["'big'", "size", "a whole number"]),
        (lambda: parse_setting("component=maybe", Recipe), ["'maybe'", "component"]),
        (lambda: parse_setting("clusters=2,x", Recipe), ["'2,x'", "clusters"]),
    ],
)
def test_refusals(call, words, refused):
    with refused(*words):
        call()


def test_most_fields_say_what_they_take():
    assert len(RANGES) > 15
    assert len(CHOICES) > 10
    assert set(FIELDS) == {field.name for field in dataclasses.fields(Recipe)} - {"name"}


@pytest.mark.parametrize("field", RANGES)
def test_numbers_are_kept_within_their_ranges(field, refused):
    low, high = RANGES[field]
    kind = type(getattr(Recipe(), field) or 0)
    wrong = [low - kind(1)] + ([high + kind(1)] if high < float("inf") else [])
    wrong += [float("nan"), float("inf")] if kind is float else []
    for value in wrong:
        with refused(f"{field}={value}"):
            Recipe(**{field: value})
    assert getattr(Recipe(**{field: kind(low)}), field) == low


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("size", v) for v in (168.0, "168", (168,), (1, 2, 3))],
        *[("kappa", v) for v in ("a", None, True)],
        *[("k", v) for v in (7.0, None)],
        *[("clusters", v) for v in (3, (3.5,), "34")],
        *[("offset", None), ("component", "false"), ("seed", 1.5), ("name", 3)],
    ],
)
def test_a_value_of_another_type_is_refused(field, value, refused):
    with refused(f"{field}={value!r}" if field != "clusters" or value != (3.5,) else "clusters=3.5"):
        Recipe(**{field: value})


def test_values_take_the_type_of_their_field():
    assert Recipe(size=[np.int64(168), 224]).size == (168, 224)
    recipe = Recipe(size=np.int64(168), kappa=1, clusters=[3, np.int32(4)], component=np.True_)
    assert (recipe.size, recipe.kappa, recipe.clusters, recipe.component) == (168, 1.0, (3, 4), True)
    assert [type(v) for v in (recipe.size, recipe.kappa, recipe.clusters[1])] == [int, float, int]


def test_a_name_is_not_set_from_text(refused):
    with refused("unknown setting 'name'"):
        parse_setting("name=dsm", Recipe)


@pytest.mark.parametrize("field", CHOICES)
def test_fields_that_are_names_are_checked(field, refused):
    assert all(getattr(Recipe(), f) in choices for f, choices in CHOICES.items())
    with refused(f"unknown {field}", CHOICES[field][0]):
        get_recipe("dsm", **{field: CHOICES[field][0] + "x"})
