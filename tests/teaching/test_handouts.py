"""The handouts: one page each, large enough to be read, and no answers on it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("markdown_it", reason="the handouts need the book extra")
pytest.importorskip("playwright.sync_api", reason="the handouts need the test extra")

from chromium import opened
from teaching.chapters import Chapter, chapters
from teaching.media import Shelf
from teaching.prose import inline

from teaching import handouts, printing

every_chapter = pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: chapter.name)
# what stands outside its page or is cut, the size of the text, and how many equations were set, and in vain
LOOK = """() => {
  const page = document.querySelector('main').getBoundingClientRect(), wrong = [];
  for (const e of document.querySelectorAll('h1, h2, p, li, img, figure, footer, .answers span')) {
    const r = e.getBoundingClientRect();
    const beside = r.left < page.left + 30 || r.right > page.right - 30;
    if (beside || r.top < page.top + 20 || r.bottom > page.bottom - 15)
      wrong.push(`${e.tagName} ${(e.innerText || e.alt).slice(0, 50)}`);
  }
  const image = document.querySelector('img'), root = getComputedStyle(document.documentElement);
  const points = parseFloat(root.fontSize) * 0.75;
  if (image && (!image.naturalWidth || image.getBoundingClientRect().height < 150)) wrong.push('the picture');
  const set = ['mjx-container', 'mjx-merror'].map(kind => document.querySelectorAll(kind).length);
  return [wrong, points, set];
}"""


@pytest.fixture(scope="module")
def view(printer) -> Iterator:
    page = opened(printer.browser, viewport={"width": 794, "height": 1123})
    yield page
    page.close()


def looked(view, source: Path) -> tuple[list[str], float, list[int]]:
    view.goto(source.as_uri())
    view.wait_for_function("window.ready")
    view.evaluate(printing.SETTLED)
    return view.evaluate(LOOK)


@every_chapter
def test_a_handout_fits_its_page_and_can_be_read(chapter: Chapter, view, tmp_path: Path) -> None:
    source = tmp_path / "handout.html"
    source.write_text(handouts.page(chapter, Shelf(tmp_path / "pictures", "pictures")), encoding="utf-8")
    wrong, points, equations = looked(view, source)
    assert not wrong
    assert points >= 9
    written = source.read_text(encoding="utf-8")
    assert equations == [len(re.findall(r"(?<!\\)\\[(\[]", written)), 0]


def test_the_answers_fit_one_sheet(view, tmp_path: Path) -> None:
    source = tmp_path / "answers.html"
    source.write_text(handouts.answer_page(chapters()), encoding="utf-8")
    wrong, points, _ = looked(view, source)
    assert not wrong
    assert points >= 8.5


@every_chapter
def test_a_handout_asks_three_questions_and_answers_none(chapter: Chapter, tmp_path: Path) -> None:
    made = handouts.page(chapter, Shelf(tmp_path, "pictures"))
    for question in chapter.quiz()[:3]:
        assert inline(question.text) in made
        assert [
            answer for answer in question.answers if f"</b> {inline(answer.text)}</span>" in made
        ] == question.answers
        assert not [answer for answer in question.answers if inline(answer.explanation) in made]


def test_the_sheet_of_answers_has_the_right_letters() -> None:
    made = handouts.answer_page(chapters())
    for chapter in chapters():
        for question in chapter.quiz()[:3]:
            letter = "ABCDE"[[answer.right for answer in question.answers].index(True)]
            assert f"<b>{question.number}: {letter}.</b>" in made


def test_handouts_are_printed_on_one_page_of_a4(printer, tmp_path: Path) -> None:
    made = handouts.make(chapters()[3:5], tmp_path, printer) + handouts.answers(chapters(), tmp_path, printer)
    assert [path.name for path in made] == [*(f"{c.name}.pdf" for c in chapters()[3:5]), "answers.pdf"]
    for path in made:
        assert printing.pages(path) == 1
        assert b"/MediaBox [0 0 594.9" in path.read_bytes()  # points; A4 is 595 by 842


def test_without_a_browser_there_are_no_handouts(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(printing, "missing", lambda: "there is no Chromium on this machine")
    assert handouts.make(chapters()[:1], tmp_path) == handouts.answers(chapters(), tmp_path) == []
