"""The flow chart of chapter 9 shows the recipes as they are: what differs in them is marked, and no more."""

from __future__ import annotations

import dataclasses

import matplotlib.pyplot as plt
import pytest

from simsam.drawing import paper_and_code_diagram
from simsam.drawing.diagrams.paper_and_code import PLACES, reaches
from simsam.pipeline import RECIPES, get_recipe


def drawn(recipes) -> tuple[set[str], str]:
    """The words of the picture, and its alt text."""
    figure, alt = paper_and_code_diagram(recipes)
    plt.close(figure)
    return {text.get_text() for ax in figure.axes for text in ax.texts}, alt


@pytest.fixture(scope="module")
def as_it_is() -> tuple[set[str], str]:
    return drawn(RECIPES)


def test_the_filled_numbers_are_all_that_the_two_recipes_differ_in() -> None:
    paper, released = RECIPES["paper"], RECIPES["released"]
    differing = {
        field.name
        for field in dataclasses.fields(paper)
        if getattr(paper, field.name) != getattr(released, field.name)
    }
    assert {place.field for place in PLACES if reaches(place, RECIPES)} == differing - {"name"}


def test_every_place_says_two_things() -> None:
    for place in PLACES:
        paper, code = place.said(RECIPES)
        assert paper != code


def test_what_the_recipes_say_stands_in_the_picture(as_it_is) -> None:
    said, alt = as_it_is
    assert {r"$G = \pi(\psi(F))$", r"$G = \pi(F)$"} <= said
    assert {r"$W_A = F F^\top -$ mean", r"$W_A = F F^\top -$ max / 3"} <= said
    assert f"$W = W_A + {RECIPES['paper'].kappa}\\; G G^\\top$, where positive" in said
    assert {str(number + 1) for number in range(len(PLACES))} <= said
    assert all(word in alt for word in ("paper", "released code", "degrees or radians", "keys F", "5, 6, 7"))


@pytest.mark.parametrize(
    ("field", "value", "number", "filled"),
    [
        ("projector", 1, "6", "5, 7"),
        ("offset", "mean", "7", "5, 6"),
        ("head", "sgd", "5", "1, 2, 3, 4, 6, 7"),  # views matter to a head that learns
    ],
)
def test_where_recipes_agree_there_is_one_box_and_no_number(as_it_is, field, value, number, filled) -> None:
    said, alt = drawn({**RECIPES, "released": get_recipe("released", **{field: value})})
    assert number not in said
    assert len(said) == len(as_it_is[0]) - 2
    assert f"The numbers {filled} are filled" in alt


def test_colours_matter_where_they_are_added() -> None:
    changed = get_recipe("released", color="knn", color_weight=1.0)
    _, alt = drawn({**RECIPES, "released": changed})
    assert "The numbers 5, 6, 7, 8 are filled" in alt
