"""A handout a chapter, one page A4: a picture, equations, what to remember, three questions of the quiz.

make(chapters(), folder)       # NAME.pdf
answers(chapters(), folder)    # answers.pdf, one sheet for the instructor
"""

from __future__ import annotations

import html
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .chapters import Chapter, Question
from .deck import read_deck
from .media import Shelf
from .printing import Printer, printing
from .prose import display, inline
from .shown import equations
from .slides import BOOK, LOOK, MATHJAX, chapter_question

QUESTIONS = 3
EQUATIONS = 8
LETTERS = "ABCDE"
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{look}/handout.css">
<script src="{look}/handout.js"></script>
<script src="{mathjax}/tex-chtml.js" defer></script>
</head>
<body>
{body}
</body>
</html>
"""
FOOTER = f"<footer><span>{BOOK}</span><span>CC BY 4.0; photos: figures/index.html</span></footer>"


def make(chapters: Sequence[Chapter], folder: Path, printer: Printer | None = None) -> list[Path]:
    """Print the handouts into `folder`; nothing where there is no Chromium."""
    with printing(printer) as printer, tempfile.TemporaryDirectory() as scratch:
        if printer is None:
            return []
        folder.mkdir(parents=True, exist_ok=True)
        shelf = Shelf(Path(scratch) / "pictures", "pictures")
        made = []
        for chapter in chapters:
            source = Path(scratch) / f"{chapter.name}.html"
            source.write_text(page(chapter, shelf), encoding="utf-8")
            made.append(printer.sheet(source, folder / f"{chapter.name}.pdf"))
        return made


def answers(chapters: Sequence[Chapter], folder: Path, printer: Printer | None = None) -> list[Path]:
    """Print the answers to the questions of all handouts on one sheet."""
    with printing(printer) as printer, tempfile.TemporaryDirectory() as scratch:
        if printer is None:
            return []
        folder.mkdir(parents=True, exist_ok=True)
        source = Path(scratch) / "answers.html"
        source.write_text(answer_page(chapters), encoding="utf-8")
        return [printer.sheet(source, folder / "answers.pdf")]


def page(chapter: Chapter, shelf: Shelf) -> str:
    """The handout of a chapter as HTML."""
    pictured = next(cell for cell in chapter.cells if cell["cell_type"] == "code" and chapter.pictures(cell))
    remember = "".join(f"<li>{inline(point)}</li>" for point in chapter.remember())
    asked = "".join(f"<li>{_asked(question)}</li>" for question in chapter.quiz()[:QUESTIONS])
    parts = [
        f"<h1>{inline(chapter.title)}</h1>",
        f'<p class="question">{inline(chapter_question(chapter))}</p>',
        f'<div class="picture">{shelf.image(chapter.picture(pictured))}</div>',
        _equations(chapter),
        f"<section><h2>What to remember</h2><ul>{remember}</ul></section>" if remember else "",
        f"<section><h2>Three questions</h2><ol>{asked}</ol></section>",
        FOOTER,
    ]
    return _document(chapter.title, f"<main>{''.join(parts)}</main>")


def answer_page(chapters: Sequence[Chapter]) -> str:
    """The answers of all handouts as HTML."""
    sections = []
    for chapter in chapters:
        lines = "".join(f"<p>{_answered(question)}</p>" for question in chapter.quiz()[:QUESTIONS])
        sections.append(f"<section><h2>{inline(chapter.title)}</h2>{lines}</section>")
    body = f"<h1>Answers to the handouts</h1><div>{''.join(sections)}</div>{FOOTER}"
    return _document("Answers to the handouts", f'<main class="sheet">{body}</main>')


def _equations(chapter: Chapter) -> str:
    """The equations of the chapter's deck, each slide's under its title."""
    seen: set[str] = set()
    figures = []
    for slide in read_deck(chapter):
        named = [part for part in slide.parts if part.kind == "equations"]
        new = [latex for part in named for latex in equations(chapter, part) if latex not in seen]
        new = new[: EQUATIONS - len(seen)]
        seen |= set(new)
        if new:
            title = slide.title.removeprefix("Ask: ")
            caption = f"<figcaption>{inline(title[0].upper() + title[1:])}</figcaption>"
            figures.append(f"<figure>{caption}{''.join(map(display, new))}</figure>")
    return f'<div class="equations">{"".join(figures)}</div>' if figures else ""


def _asked(question: Question) -> str:
    options = "".join(
        f"<span><b>{letter}</b> {inline(answer.text)}</span>"
        for letter, answer in zip(LETTERS, question.answers)
    )
    return f'{inline(question.text)}<div class="answers">{options}</div>'


def _answered(question: Question) -> str:
    letter, right = next((a, answer) for a, answer in zip(LETTERS, question.answers) if answer.right)
    return f"<b>{question.number}: {letter}.</b> {inline(right.explanation.removeprefix('Yes. '))}"


def _document(title: str, body: str) -> str:
    look, mathjax = LOOK.as_uri(), MATHJAX.as_uri()
    return PAGE.format(title=html.escape(title), look=look, mathjax=mathjax, body=body)
