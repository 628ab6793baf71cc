"""A diagram as lines: it takes the page's ink, brings no style and no name that another one could have."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import pytest

from simsam.drawing import show_vector
from simsam.drawing.diagrams.shapes import INK, ORANGE, box, text
from simsam.errors import SimsamError

ALT = 'A box with "words" in it, and words below'
LINK = "{http://www.w3.org/1999/xlink}href"


def draw(alt: str = ALT):
    figure, ax = plt.subplots(figsize=(4, 3))
    box(ax, (0.5, 0.5), "$x$ in a box", 0.6, ec=ORANGE)
    text(ax, 0.5, 0.2, "words below")
    return show_vector(figure, alt)


def test_it_is_one_picture_with_its_alt_text() -> None:
    drawn = draw()
    root = ElementTree.fromstring(drawn.svg)
    assert root.get("role") == "img"
    assert root.get("aria-label") == drawn.alt == repr(drawn) == ALT
    assert drawn._repr_html_().startswith('<figure class="diagram"')
    assert drawn.svg in drawn._repr_html_()


def test_ink_is_the_page_s_and_colours_stay() -> None:
    svg = draw().svg
    assert "currentColor" in svg
    assert INK not in svg
    assert ORANGE.lower() in svg


def test_nothing_of_it_reaches_the_rest_of_the_page() -> None:
    svg = draw().svg
    assert "<style" not in svg
    assert "<script" not in svg
    assert "<metadata" not in svg
    addresses = set(re.findall(r"https?://[^\"' ]+", svg))
    assert addresses == {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_names_lead_somewhere_and_belong_to_one_picture() -> None:
    names = []
    for drawn in (draw(), draw("Another picture, though it looks the same")):
        root = ElementTree.fromstring(drawn.svg)
        own = [element.get("id") for element in root.iter() if element.get("id")]
        assert len(own) == len(set(own)) > 0
        used = {element.get(LINK)[1:] for element in root.iter() if element.get(LINK)}
        used |= set(re.findall(r"url\(#([^)]+)\)", drawn.svg))
        assert used
        assert used <= set(own)
        names.append(set(own))
    assert not names[0] & names[1]


def test_a_second_run_gives_the_same_bytes() -> None:
    assert draw().svg == draw().svg


def test_the_figure_is_closed_and_needs_alt_text() -> None:
    before = plt.get_fignums()
    draw()
    assert plt.get_fignums() == before
    with pytest.raises(SimsamError, match="four words"):
        draw("too short")
    plt.close("all")
