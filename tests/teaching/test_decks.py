"""The decks as they are written: what they show exists, what is tagged is shown, and a class can follow."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("markdown_it", reason="the slides need the book extra")

from teaching.chapters import Chapter, chapters
from teaching.deck import SLIDES, Part, read_deck
from teaching.media import Shelf
from teaching.prose import inline, spoken
from teaching.shown import code, shown

from teaching.slides import chapter_question, page

every_chapter = pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: chapter.name)


def test_every_chapter_has_a_deck_and_every_deck_a_chapter() -> None:
    assert sorted(path.stem for path in SLIDES.glob("*.md")) == sorted(c.name for c in chapters())


@every_chapter
def test_what_a_deck_names_exists_and_what_is_tagged_is_shown(chapter: Chapter) -> None:
    named = {part.name for slide in read_deck(chapter) for part in slide.parts if part.name}
    tagged = {tag for cell in chapter.cells for tag in cell["tags"] if tag.startswith("slide-")}
    assert {f"slide-{name}" for name in named} == tagged
    for name in named:
        assert chapter.tagged(f"slide-{name}")


@every_chapter
def test_a_class_can_follow(chapter: Chapter, tmp_path: Path) -> None:
    deck = read_deck(chapter)
    assert 8 <= len(deck) <= 14
    assert any(slide.title.startswith("Ask") for slide in deck)
    for slide in deck:
        words = sum(len(part.text.split()) for part in slide.parts)
        assert words <= 30, f"{slide.title}: {words} words"
        assert len(slide.note.split()) >= 25, f"{slide.title}: a note of a few sentences"
        for part in slide.parts:
            assert shown(chapter, part, Shelf(tmp_path, "pictures"))
            if part.kind == "code":
                lines = code(chapter.tagged(f"slide-{part.name}")).splitlines()
                assert len(lines) <= 12, f"{slide.title}: {len(lines)} lines of code"


@every_chapter
def test_the_other_slides_come_from_the_notebook(chapter: Chapter, tmp_path: Path) -> None:
    made = page(chapter, Shelf(tmp_path, "pictures"), chapters())
    assert chapter_question(chapter).endswith("?")
    assert inline(chapter_question(chapter)) in made
    assert chapter.plan()["minutes"] in made
    for point in chapter.remember():
        assert f"<li>{inline(point)}</li>" in made
    assert made.count('class="quiz"') == len(chapter.quiz()) >= 3
    assert made.count('class="answer fragment') == len(chapter.quiz())
    assert made.count("<section") == made.count('class="notes"') == made.count("<footer")


@pytest.mark.parametrize(
    "text", ["## No note\n\nA line.", "A line.\n\nNote: no title.", "## X\n\n{film x}\n\nNote: x."]
)
def test_a_slide_that_is_not_in_form_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / f"{chapters()[0].name}.md").write_text(text)
    with pytest.raises(ValueError, match=r"a slide is|no reference"):
        read_deck(chapters()[0], tmp_path)


def test_a_reference_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LookupError):
        shown(chapters()[0], Part("picture", name="nowhere"), Shelf(tmp_path, "pictures"))


def test_notes_are_read_without_mathematics_set() -> None:
    assert spoken(r"What does $y^\top L y$ measure, at $\lambda_2 \le 1$?") == (
        "<p>What does yᵀ L y measure, at λ_2 ≤ 1?</p>"
    )
    notes = [slide.note for chapter in chapters() for slide in read_deck(chapter)]
    plans = [chapter.plan() for chapter in chapters()]
    notes += [" ".join(plan[term]) for plan in plans for term in ("plan", "ask", "misconceptions")]
    assert not [left for note in notes for left in re.findall(r"\\\w+|\$", spoken(note))]
