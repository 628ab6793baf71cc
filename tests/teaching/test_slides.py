"""The decks as a class sees them: every slide fits, can be read, and needs nothing from elsewhere."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("markdown_it", reason="the slides need the book extra")
pytest.importorskip("playwright.sync_api", reason="the slides need the test extra")

from chromium import opened
from teaching.chapters import ROOT, Chapter, chapters

from teaching import printing, slides

every_chapter = pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: chapter.name)
TALL = "07_one_pipeline"  # has a flow chart from top to bottom
MOVING = "03_affinity"  # has figures that move, over a line and over a grid
SCREEN = {"width": 1280, "height": 720}

# What is wrong with the slide that is shown, and the alt texts of its pictures.
LOOK = """() => {
  const slide = Reveal.getCurrentSlide(), wrong = [], body = slide.querySelector('.shown');
  const box = e => e.getBoundingClientRect();
  const seen = e => e.checkVisibility() && !e.closest('.notes, mjx-assistive-mml');
  const name = e => `${e.tagName} ${e.className} "${(e.innerText || e.alt || '').slice(0, 50)}"`;
  const page = box(slide), frame = {left: page.left + 50, right: page.right - 50, top: page.top + 30,
    bottom: box(slide.querySelector('footer')).top};
  const inside = (e, r) => box(e).left > r.left - 2 && box(e).right < r.right + 2
    && box(e).top > r.top - 2 && box(e).bottom < r.bottom + 2;
  const parts = 'h1, h2, p, li, pre, table, img, label, output, .answer, .why, mjx-math';
  for (const e of [...slide.querySelectorAll(parts)].filter(seen)) {
    if (!inside(e, frame)) wrong.push(`outside the frame: ${name(e)}`);
    if (body.contains(e) && !inside(e, box(body))) wrong.push(`over something else: ${name(e)}`);
    // (the MathML for screen readers, which is not seen, is wider than an equation)
    const wide = e.clientWidth && e.scrollWidth > e.clientWidth + 2 && !e.querySelector('mjx-container');
    if (wide) wrong.push(`wider than its place: ${name(e)}`);
  }
  const words = document.createTreeWalker(slide, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    const e = words.currentNode.parentElement;
    if (!words.currentNode.data.trim() || !seen(e) || e.closest('footer')) continue;
    const size = parseFloat(getComputedStyle(e.closest('mjx-container') || e).fontSize);
    if (size < (e.closest('code, pre') ? 22 : 28)) wrong.push(`${size} px: ${words.currentNode.data}`);
  }
  const pictures = [...slide.querySelectorAll('img')].filter(seen);
  for (const e of pictures) {
    const shape = box(e).width / box(e).height / (e.naturalWidth / e.naturalHeight);
    const bad = !e.naturalWidth || Math.abs(shape - 1) > 0.02 || box(e).height < 150;
    if (bad) wrong.push(`a bad picture: ${name(e)}`);
  }
  if (!pictures.length && !body.innerText.trim()) wrong.push('nothing is shown');
  return [wrong.map(w => `slide ${Reveal.getState().indexh + 1}: ${w}`), pictures.map(e => e.alt)];
}"""

EQUATIONS = "['mjx-container', 'mjx-merror'].map(kind => document.querySelectorAll(kind).length)"


@pytest.fixture(scope="module")
def decks(printer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("decks")
    slides.make(chapters(), folder, printer)
    return folder


@pytest.fixture(scope="module")
def looked(printer, decks: Path) -> Callable[[Chapter], dict]:
    """What a visit of a deck found, once each: all its slides at their last step, in one view."""
    view, heard = opened(printer.browser, viewport=SCREEN), {"asked": [], "errors": []}
    view.on("request", lambda request: heard["asked"].append(request.url))
    view.on("requestfailed", lambda request: heard["errors"].append(request.url))
    view.on("console", lambda said: heard["errors"].append(said.text) if said.type == "error" else None)
    view.on("pageerror", lambda error: heard["errors"].append(str(error)))

    @functools.cache
    def visit(name: str) -> dict:
        heard["asked"].clear(), heard["errors"].clear()
        view.goto((decks / f"{name}.html").as_uri())
        view.wait_for_function("window.Reveal && Reveal.isReady()")
        view.evaluate(printing.SETTLED)
        count, wrong, alts = view.evaluate("Reveal.getTotalSlides()"), [], []
        for number in range(count):
            view.evaluate(f"Reveal.slide({number}, 0, 99)")
            found, said = view.evaluate(LOOK)
            wrong, alts = wrong + found, alts + said
        equations = view.evaluate(EQUATIONS)
        return {
            "slides": count,
            "wrong": wrong,
            "alts": alts,
            "equations": equations,
            **{k: [*v] for k, v in heard.items()},
        }

    return lambda chapter: visit(chapter.name)


@every_chapter
def test_every_slide_fits_and_can_be_read(chapter: Chapter, looked) -> None:
    assert not looked(chapter)["wrong"]


@every_chapter
def test_every_equation_is_set(chapter: Chapter, looked, decks: Path) -> None:
    written = (decks / f"{chapter.name}.html").read_text(encoding="utf-8")
    assert looked(chapter)["equations"] == [len(re.findall(r"(?<!\\)\\[(\[]", written)), 0]


@every_chapter
def test_a_deck_needs_nothing_from_elsewhere(chapter: Chapter, looked, decks: Path) -> None:
    here = (decks.as_uri(), "data:")
    assert len(looked(chapter)["asked"]) > 10
    assert not [url for url in looked(chapter)["asked"] if not url.startswith(here)]
    assert not looked(chapter)["errors"]


@every_chapter
def test_every_picture_says_what_it_shows(chapter: Chapter, looked) -> None:
    assert looked(chapter)["alts"]
    assert not [alt for alt in looked(chapter)["alts"] if len(alt.split()) < 4]


@every_chapter
def test_the_pdf_has_a_page_for_each_slide(chapter: Chapter, looked, decks: Path) -> None:
    assert printing.pages(decks / f"{chapter.name}.pdf") == looked(chapter)["slides"]


def test_a_picture_lies_once_however_many_decks_show_it(decks: Path) -> None:
    files = [path.read_bytes() for path in (decks / "pictures").iterdir()]
    assert len(set(files)) == len(files) > 100


FAULTS = {  # what a slide may suffer, and what the check has to say of it
    "slide.querySelector('h2').style.marginTop = '-60px'": "outside the frame",
    "slide.querySelector('.text').style.fontSize = '20px'": "20 px",
    "slide.querySelector('.shown').style.cssText = 'height: 60px; flex: none'": "over something else",
    "slide.querySelector('img').style.width = '300px'": "a bad picture",
    "slide.querySelector('.shown').innerHTML = ''": "nothing is shown",
}


def test_the_check_finds_what_is_wrong(deck) -> None:
    deck.evaluate(f"Reveal.slide({first(deck, 's.querySelector(`h2 ~ * img`)')})")
    sound = deck.evaluate("Reveal.getCurrentSlide().innerHTML")
    for fault, name in FAULTS.items():
        assert deck.evaluate(LOOK)[0] == []
        deck.evaluate(f"() => {{ const slide = Reveal.getCurrentSlide(); {fault} }}")
        assert any(name in said for said in deck.evaluate(LOOK)[0])
        deck.evaluate("sound => Reveal.getCurrentSlide().innerHTML = sound", sound)
        deck.evaluate(printing.SETTLED)


@pytest.fixture
def deck(printer, decks: Path):
    view = opened(printer.browser, viewport=SCREEN)
    view.goto((decks / f"{MOVING}.html").as_uri())
    view.wait_for_function("window.Reveal && Reveal.isReady()")
    yield view
    view.close()


def first(view, condition: str) -> int:
    """The number of the first slide `s` for which a condition in JavaScript holds."""
    return view.evaluate(f"[...document.querySelectorAll('section')].findIndex(s => {condition})")


def at(view) -> int:
    return view.evaluate("Reveal.getState().indexh")


def test_the_keyboard_moves_figures_and_slides(deck) -> None:
    number = first(deck, "s.querySelector('.moving')")
    deck.evaluate(f"Reveal.slide({number})")
    told = deck.locator("section.present .moving output")
    states = [told.inner_text()]
    for key in ("ArrowDown", "ArrowUp"):  # without the keyboard on the slider
        deck.keyboard.press(key)
        states.append(told.inner_text())
    assert states[1] != states[0] == states[2]
    deck.locator("section.present .moving input").focus()
    deck.keyboard.press("ArrowRight")  # the slider's own while it has the keyboard
    assert told.inner_text() != states[0]
    assert at(deck) == number
    deck.keyboard.press("PageDown")  # what a remote control sends goes to the deck
    assert at(deck) == number + 1
    deck.keyboard.press("ArrowLeft")
    assert at(deck) == number


def test_a_slider_that_was_dragged_gives_the_keys_back(deck) -> None:
    number = first(deck, "s.querySelector('.photo')")
    deck.evaluate(f"Reveal.slide({number})")
    before = deck.locator("section.present .moving output").inner_text()
    deck.locator("section.present .photo").click(position={"x": 12, "y": 12})
    assert deck.locator("section.present .moving output").inner_text() != before
    deck.wait_for_function("document.activeElement === document.body")
    deck.keyboard.press("ArrowRight")
    assert at(deck) == number + 1


def test_halves_of_a_tall_picture_can_be_shown_larger(deck) -> None:
    deck.goto(deck.url.replace(MOVING, TALL).partition("#")[0])
    deck.wait_for_function("window.Reveal && Reveal.isReady()")
    deck.evaluate(f"Reveal.slide({first(deck, 's.querySelector(`.tall`)')})")
    places = """[...document.querySelectorAll('section.present :is(.tall, .tall img)')]
        .map(e => e.getBoundingClientRect())"""
    found = []
    for key in ("", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp"):
        deck.keyboard.press(key) if key else None
        box, image = deck.evaluate(places)
        found.append((round(image["top"] - box["top"]), round(image["bottom"] - box["bottom"])))
        assert image["height"] > (1.5 if any(found[-1]) else 0.9) * box["height"]
    whole, upper, lower, still, back, start = found
    assert whole == start == (0, 0)
    assert upper[0] == 0 < upper[1]
    assert lower == still
    assert lower[0] < 0 == lower[1]
    assert back == upper


def test_an_answer_is_marked_at_the_next_step(deck) -> None:
    number = first(deck, "s.classList.contains('quiz')")
    deck.evaluate(f"Reveal.slide({number})")
    marks = """[...document.querySelectorAll('section.present :is(.tick, .why)')]
        .filter(e => getComputedStyle(e).visibility == 'visible').length"""
    assert deck.evaluate(marks) == 0
    deck.keyboard.press("ArrowRight")
    assert (at(deck), deck.evaluate(marks)) == (number, 2)
    deck.keyboard.press("ArrowRight")
    assert at(deck) == number + 1


def test_the_lecturer_has_notes_in_a_window_of_their_own(deck) -> None:
    with deck.expect_popup() as opening:
        deck.keyboard.press("s")
    notes = opening.value.locator(".speaker-controls-notes .value")
    notes.get_by_text("60 minutes").wait_for()
    deck.keyboard.press("ArrowRight")
    notes.get_by_text("Give everyone two minutes").wait_for()
    opening.value.close()


def test_the_same_deck_makes_the_same_pdf(printer, decks: Path, tmp_path: Path) -> None:
    again = printer.slides(decks / f"{MOVING}.html", tmp_path / "again.pdf")
    assert again.read_bytes() == (decks / f"{MOVING}.pdf").read_bytes()


def test_without_a_browser_there_are_decks_and_no_pdfs(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(printing, "missing", lambda: "there is no Chromium on this machine")
    made = slides.make(chapters()[:1], tmp_path)
    assert [path.name for path in made] == [f"{chapters()[0].name}.html"]
    assert not list(tmp_path.glob("*.pdf"))


def test_the_vendored_reveal_comes_with_its_licence_and_version() -> None:
    vendored = ROOT / "teaching" / "vendor" / "reveal"
    assert "Permission is hereby granted" in (vendored / "LICENSE").read_text()
    assert (vendored / "VERSION").read_text().startswith("reveal.js 5.")
    assert (vendored / "reveal.js").stat().st_size > 100_000
