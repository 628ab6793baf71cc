"""The flow chart of chapter 7 shows the recipes as they are: its routes are compared with a table by hand."""

from __future__ import annotations

import pytest

from simsam.drawing.diagrams import pipeline_diagram
from simsam.drawing.diagrams.pipeline import ROUTES, STAGES, choices
from simsam.pipeline import RECIPES, get_recipe

BY_HAND = {
    "dsm": ("keys", "none", "similarity", "all", "zero", "minority", "none"),
    "tokencut": ("keys", "none", "binary", "all", "mean", "peak", "part"),
    "maskcut": ("keys", "none", "binary", "all", "mean", "peak", "part"),
    "paper": ("keys", "sgd", "semantic", "all", "zero", "minority", "none"),
    "simsam": ("output", "closed_form", "semantic", "all", "vote", "border", "refine"),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_a_route_goes_where_its_recipe_says(name: str) -> None:
    assert choices(RECIPES[name]) == BY_HAND[name]
    for box, boxes in zip(BY_HAND[name], STAGES.values(), strict=True):
        assert box in boxes


def test_a_changed_recipe_takes_another_route() -> None:
    changed = get_recipe("dsm", tokens="output", sign="border")
    assert choices(changed) == ("output", "none", "similarity", "all", "zero", "border", "none")


def test_routes_differ_in_colour_and_in_dashes() -> None:
    assert set(ROUTES) == set(BY_HAND)
    for part in (1, 2):
        assert len({str(route[part]) for route in ROUTES.values()}) == len(ROUTES)


def test_letters_are_large_enough_for_a_phone() -> None:
    figure, alt = pipeline_diagram(RECIPES)
    width, height = figure.get_size_inches()
    phone = 360 / 96  # inches
    sizes = [text.get_fontsize() for ax in figure.axes for text in ax.texts if text.get_text()]
    assert min(sizes) * phone / width >= 9
    assert height > width
    assert all(word in alt for word in ("TokenCut", "MaskCut", "DSM", "SimSAM", "eigenvectors"))
