"""A reveal.js deck a chapter: first and last slides from the notebook, the others from teaching/slides.

make(chapters(), folder)    # NAME.html, NAME.pdf, pictures/, vendor/
"""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from .chapters import ROOT, Cell, Chapter, Question
from .deck import Slide, read_deck
from .layout import arranged, first_beside
from .media import Shelf, size
from .printing import Printer, printing
from .prose import inline, spoken, to_html

LOOK = ROOT / "teaching" / "look"
REVEAL = ROOT / "teaching" / "vendor" / "reveal"
MATHJAX = ROOT / "book" / "_static" / "vendor" / "mathjax"
BOOK = "SimSAM, the book"
LICENCE = "CC BY 4.0; photos and their licences: figures/index.html"
COLUMNS, LINES = 62, 10  # of a list on one slide
KEYS = {  # what the lecturer has to know of a picture
    "moving": "*The arrows ↑ and ↓ move the figure.*",
    "tall": "*The arrow ↓ shows the upper half of the picture larger, then the lower one; ↑ goes back.*",
}
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="vendor/reveal/reset.css">
<link rel="stylesheet" href="vendor/reveal/reveal.css">
<link rel="stylesheet" href="vendor/slides.css">
<script src="vendor/reveal/reveal.js"></script>
<script src="vendor/reveal/notes.js"></script>
<script src="vendor/slides.js"></script>
<script src="vendor/mathjax/tex-chtml.js" defer></script>
</head>
<body>
<div class="reveal"><div class="slides">
{sections}
</div></div>
</body>
</html>
"""


def make(chapters: Sequence[Chapter], folder: Path, printer: Printer | None = None) -> list[Path]:
    """Write the decks and what they need into `folder`; the PDFs too, where a Chromium can print them."""
    folder.mkdir(parents=True, exist_ok=True)
    vendor = folder / "vendor"
    for source, name in ((REVEAL, "reveal"), (MATHJAX, "mathjax")):
        shutil.copytree(source, vendor / name, dirs_exist_ok=True)
    for name in ("slides.css", "slides.js"):
        shutil.copyfile(LOOK / name, vendor / name)
    shelf = Shelf(folder / "pictures", "pictures")
    pages = []
    for chapter in chapters:
        pages.append(folder / f"{chapter.name}.html")
        pages[-1].write_text(page(chapter, shelf, chapters), encoding="utf-8")
    with printing(printer) as printer:
        printed = [printer.slides(path, path.with_suffix(".pdf")) for path in pages] if printer else []
    return pages + printed


def page(chapter: Chapter, shelf: Shelf, chapters: Sequence[Chapter]) -> str:
    """The deck of a chapter as HTML."""
    slides = [
        _first(chapter, shelf),
        *(_slide(chapter, slide, shelf) for slide in read_deck(chapter)),
        *_remember(chapter),
        *(_quiz_slide(question) for question in chapter.quiz()),
        _next(chapter, chapters),
    ]
    footers = (
        f"<footer><span>{inline(chapter.title)}</span><span>{BOOK} · {LICENCE}</span>"
        f"<span>{number} / {len(slides)}</span></footer>"
        for number in range(1, len(slides) + 1)
    )
    sections = [
        slide.replace("</section>", f"{footer}\n</section>") for slide, footer in zip(slides, footers)
    ]
    return PAGE.format(title=html.escape(chapter.title), sections="\n".join(sections))


def section(title: str, body: str, note: str, kind: str = "") -> str:
    """One slide; `body` and `title` are HTML, the note is Markdown."""
    name = f' class="{kind}"' if kind else ""
    return f'<section{name}>\n{title}\n{body}\n<aside class="notes">{spoken(note)}</aside>\n</section>'


def _slide(chapter: Chapter, slide: Slide, shelf: Shelf) -> str:
    kind = "ask" if slide.title.startswith("Ask") else ""
    body = arranged(chapter, slide.parts, shelf)
    keys = next((words for name, words in KEYS.items() if f'class="picture {name}"' in body), "")
    return section(f"<h2>{inline(slide.title)}</h2>", body, f"{slide.note}\n\n{keys}", kind)


def _first(chapter: Chapter, shelf: Shelf) -> str:
    pictured = next(cell for cell in chapter.cells if cell["cell_type"] == "code" and chapter.pictures(cell))
    picture = chapter.picture(pictured)
    title, asks = inline(chapter.title), inline(chapter_question(chapter))
    width, height = size(picture.data, picture.suffix)
    words = f'<div class="words"><h1>{title}</h1>\n<p class="question">{asks}</p></div>'
    beside = " beside" if first_beside(width / height, chapter.title, chapter_question(chapter)) else ""
    body = f'<div class="shown{beside}">{words}<div class="pictures">{shelf.boxed(picture)}</div></div>'
    return section(f'<p class="book">{BOOK}</p>', body, _plan(chapter), "first")


def chapter_question(chapter: Chapter) -> str:
    """The question of a chapter, of the table in chapter 0; its own is the last one that its opening asks."""
    table = (ROOT / "notebooks" / "00_first_look.ipynb").read_text(encoding="utf-8")
    found = re.search(rf"\]\({chapter.name}\.ipynb\) \| ([^|]+?) \|", table)
    return found[1] if found else re.findall(r"(?:^|(?<=[.?!:]\s))[A-Z][^.?!]*\?", opening(chapter))[-1]


def opening(chapter: Chapter) -> str:
    """What a chapter says before "You will learn", without its title and its time."""
    text = re.sub(r"^# .*\n|^\*\*Time\*\*.*\n", "", chapter.cells[0]["source"], flags=re.M)
    return re.split(r"^\*\*(?:You|To run)", text, flags=re.M)[0].strip()


def _plan(chapter: Chapter) -> str:
    plan = chapter.plan()
    lines = [f"**{plan['minutes']}**", opening(chapter)]
    for term in ("plan", "ask"):
        lines += [f"**{term.capitalize()}.** {' '.join(plan[term])}"] if plan[term] else []
    if plan["misconceptions"]:
        lines.append("**Misconceptions.**\n\n" + "\n".join(f"- {point}" for point in plan["misconceptions"]))
    return "\n\n".join(lines)


def _remember(chapter: Chapter) -> list[str]:
    points = chapter.remember()
    lines = sum(-(-len(point) // COLUMNS) for point in points)
    parts = min(-(-lines // LINES), len(points))
    note = "Before you show this, ask: what would you tell somebody who was not here? Collect three answers."
    slides = []
    for part in range(parts):
        here = points[part * len(points) // parts : (part + 1) * len(points) // parts]
        title = "What to remember" + (f" ({part + 1} of {parts})" if parts > 1 else "")
        listed = "".join(f"<li>{inline(point)}</li>" for point in here)
        slides.append(section(f"<h2>{title}</h2>", f'<div class="shown"><ul>{listed}</ul></div>', note))
    return slides


def _quiz_slide(question: Question) -> str:
    answers, why = [], ""
    for letter, answer in zip("ABCDE", question.answers):
        kind = ' fragment custom" data-fragment-index="0' if answer.right else ""
        words = f"<b>{letter}</b><span>{inline(answer.text)}</span>"
        answers.append(f'<div class="answer{kind}">{words}<span class="tick">✓</span></div>')
        if answer.right:
            why = f'<div class="why fragment" data-fragment-index="0">{to_html(answer.explanation)}</div>'
    note = (
        "Everyone chooses, with a hand or a card, before the next step. What to say to the others:\n\n"
        + "\n".join(
            f"- {letter}: {' '.join(answer.explanation.split())}"
            for letter, answer in zip("ABCDE", question.answers)
            if not answer.right
        )
    )
    asked = f'<div class="asked">{to_html(question.text)}</div>'
    body = f'<div class="shown">{asked}{"".join(answers)}{why}</div>'
    return section(f"<h2>Question {question.number}</h2>", body, note, "quiz")


def _next(chapter: Chapter, chapters: Sequence[Chapter]) -> str:
    further: Cell = next(
        cell for cell in reversed(chapter.cells) if re.search(r"^## Further$", cell["source"], re.M)
    )
    last = " ".join(re.split(r"^- ", further["source"], flags=re.M)[-1].split())
    todo = "".join(f"<li>{inline(exercise.title)}</li>" for exercise in chapter.exercises())
    later = chapters[[other.name for other in chapters].index(chapter.name) + 1 :]
    asks = next((chapter_question(other) for other in later if f"({other.name}.ipynb)" in last), "")
    body = (
        f'<div class="shown"><div class="text"><p>Exercises, in the notebook of this chapter:</p></div>'
        f"<ol>{todo}</ol>"
        f'<div class="text"><p>{inline(last)}</p></div>'
        + (f'<div class="text ask"><p><b>{inline(asks)}</b></p></div>' if asks else "")
        + "</div>"
    )
    note = "The exercises check themselves: a cell after each says what is wrong. Say which one is due."
    return section("<h2>What next</h2>", body, note)
