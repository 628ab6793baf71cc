"""The quizzes of the built site, answered with the keyboard alone, and readable without their script."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("bs4", reason="the checks of the site need the test extra")
pytest.importorskip("playwright.sync_api", reason="the checks of the site need the test extra")

from browser import CHROMIUM, SITE, chromium, opened, parsed, served, toc_pages

pytestmark = [
    pytest.mark.site,
    pytest.mark.skipif(
        not (SITE / "index.html").exists(), reason=f"there is no site at {SITE}: run make book"
    ),
]


def questions(page: str) -> list:
    """The first paragraph of each question, in the page's own HTML, as it is without the script."""
    if not (SITE / page).exists():
        return []
    firsts = [p for p in parsed(page).select("article p") if p.get_text().startswith("Question ")]
    return [p for p in firsts if p.find_next_sibling("details")]


QUIZZES = [page for page in toc_pages() if questions(page)]
every_quiz = pytest.mark.parametrize("page", QUIZZES)


@pytest.fixture(scope="module")
def view() -> Iterator:
    if CHROMIUM is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("there is no Chromium on this machine")
    with chromium() as browser:
        yield opened(browser, reduced_motion="reduce")


def rights(page: str) -> list[list[bool]]:
    """For each question, which of its answers are right, read from the page's HTML."""
    found = []
    for first in questions(page):
        answers = []
        for sibling in first.find_next_siblings():
            if sibling.name == "details":
                answers.append("right" in sibling.get("class", []))
            elif answers:
                break
        found.append(answers)
    return found


def test_there_is_a_quiz() -> None:
    assert QUIZZES


@every_quiz
def test_without_the_script_every_answer_unfolds(page: str) -> None:
    for first, answers in zip(questions(page), rights(page)):
        assert sum(answers) == 1, first.get_text()
        assert len(first.find_next_siblings("details")) >= len(answers)
        for answer in first.find_next_siblings("details")[: len(answers)]:
            # read as Markdown, see book/_ext/pages.py
            assert not re.search(r"[$`*]", answer.find("summary").get_text())


@every_quiz
@pytest.mark.parametrize("scheme", ["http", "file"])
def test_every_question_is_answered_wrong_and_right_with_keys_alone(page: str, scheme: str, view) -> None:
    with served(SITE) as address:
        base = address if scheme == "http" else SITE.resolve().as_uri()
        sent: list[str] = []
        view.goto(f"{base}/{page}", wait_until="networkidle")
        view.wait_for_function("!document.querySelector('.quiz-answer [tabindex]')")  # equations, see quiz.js
        view.on("request", lambda request: sent.append(request.url))
        _answer_all(view, rights(page))
        # what still comes is the site's own: fonts that an equation in an explanation needs
        assert not [url for url in sent if not url.startswith(f"{base}/_static/")]
        assert view.evaluate("document.cookie + Object.keys(localStorage).filter(k => /quiz/i.test(k))") == ""


def _answer_all(view, expected: list[list[bool]]) -> None:
    boxes, score = view.locator("fieldset.quiz").all(), view.locator(".quiz-score")
    assert len(boxes) == len(expected)
    assert score.text_content() == ""
    for number, (box, right) in enumerate(zip(boxes, expected)):
        buttons, said = box.locator("button").all(), box.locator("[aria-live=polite]")
        assert box.locator("legend").inner_text().startswith("Question")
        assert len(buttons) == len(right)
        assert said.inner_text() == ""
        buttons[0].focus()
        order = [*(k for k, holds in enumerate(right) if not holds), right.index(True)]  # the right one last
        at = 0
        for k in order:
            for _ in range(abs(k - at)):
                view.keyboard.press("Tab" if k > at else "Shift+Tab")
            at = k
            assert buttons[k].evaluate("button => button === document.activeElement")
            assert buttons[k].evaluate("button => getComputedStyle(button).outlineStyle") != "none"
            view.keyboard.press("Enter" if k % 2 else "Space")
            assert said.inner_text().startswith("Yes" if right[k] else "No")
            assert [b.get_attribute("aria-pressed") == "true" for b in buttons].index(True) == k
        assert f"{number + 1} of {len(boxes)} right" in score.inner_text()
    assert "0 at the first try" in score.inner_text()


@every_quiz
def test_right_at_the_first_try_is_counted(page: str, view) -> None:
    view.goto(f"{SITE.resolve().as_uri()}/{page}", wait_until="networkidle")
    expected = rights(page)
    for box, right in zip(view.locator("fieldset.quiz").all(), expected):
        box.locator("button").nth(right.index(True)).press("Enter")
    n = len(expected)
    assert view.locator(".quiz-score").inner_text() == f"{n} of {n} right, {n} at the first try."


def test_a_question_without_a_right_answer_stays_as_it_is(view, tmp_path: Path) -> None:
    script = (SITE / "_static" / "quiz.js").resolve().as_uri()
    page = tmp_path / "page.html"
    page.write_text(
        "<article><p><strong>Question 1.</strong> What?</p><details><summary>A. This</summary>No.</details>"
        f"</article><script defer src='{script}'></script>"
    )
    view.goto(page.as_uri())
    assert view.locator("fieldset").count() == 0
    assert view.locator("details").count() == 1
