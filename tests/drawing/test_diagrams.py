"""Diagrams: every word lies inside the picture, covers no other word, and can be read on a phone."""

from __future__ import annotations

from itertools import combinations

import matplotlib.pyplot as plt
import pytest

from simsam.drawing import paper_and_code_diagram, siamese_diagram
from simsam.drawing.pictures import checked_alt
from simsam.pipeline import RECIPES

PHONE = 358  # CSS pixels that a picture has on a phone 390 wide
SMALLEST = 10  # CSS pixels, the height of a letter's em


def paper_and_code():
    return paper_and_code_diagram(RECIPES)


every_diagram = pytest.mark.parametrize(
    "draw", [siamese_diagram, paper_and_code], ids=lambda draw: draw.__name__
)


@every_diagram
def test_words_are_inside_apart_and_large_enough(draw) -> None:
    with plt.style.context("simsam.data.simsam"):
        figure, alt = draw()
        figure.draw_without_rendering()
    texts = [text for ax in figure.axes for text in ax.texts if text.get_text()]
    assert texts
    assert checked_alt(alt) == alt
    boxes = [text.get_window_extent() for text in texts]
    for text, box in zip(texts, boxes):
        assert min(box.x0, box.y0, figure.bbox.x1 - box.x1, figure.bbox.y1 - box.y1) >= 0, text
        pixels = text.get_size() / 72 * figure.dpi * PHONE / figure.bbox.width
        assert pixels >= SMALLEST, text
    for one, other in combinations(boxes, 2):
        assert not one.overlaps(other)
    plt.close(figure)


def test_the_gradient_is_stopped_on_one_side() -> None:
    figure, alt = siamese_diagram()
    words = {text.get_text() for ax in figure.axes for text in ax.texts}
    assert {"stop", "gradient"} <= words
    assert "stops it" in alt
    plt.close(figure)
