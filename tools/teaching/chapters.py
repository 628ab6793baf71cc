"""The book's chapters as the pack reads them: notebooks in the order of `_toc.yml`, and their plans.

    for chapter in chapters():
        chapter.title                      # "3. Affinity: from tokens to a graph"
        cell = chapter.tagged("slide-six-nodes")
        chapter.picture(cell).alt, chapter.equations(cell)
        chapter.quiz(), chapter.exercises(), chapter.remember(), chapter.plan()

A cell is the notebook's own dict, with its source as one text and its tags as a list under "tags".
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .pictures import Picture, pictures_of

ROOT = Path(__file__).resolve().parents[2]
ANSWER = re.compile(
    r'<details( class="right")?>\n<summary>[A-Z]\. ([^\n]+)</summary>\n\n(.+?)\n\n</details>', re.S
)

Cell = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    text: str
    right: bool
    explanation: str


@dataclass(frozen=True)
class Question:
    """A question of the quiz, in Markdown with LaTeX between dollars; one answer is right."""

    number: int
    text: str
    answers: list[Answer]


@dataclass(frozen=True)
class Exercise:
    """An exercise with its cells; an open one has no solution and no check."""

    number: int
    title: str
    text: Cell
    hints: list[Cell]
    solutions: list[Cell]
    check: Cell | None


@dataclass(frozen=True, repr=False)
class Chapter:
    path: Path
    name: str
    title: str
    cells: list[Cell]

    def __repr__(self) -> str:
        return f"Chapter({self.name})"

    def tagged(self, tag: str) -> Cell:
        """The one cell with this tag; LookupError where there is none, or more than one."""
        found = [cell for cell in self.cells if tag in cell["tags"]]
        if len(found) != 1:
            raise LookupError(f"{self.path.name}: {len(found)} cells are tagged {tag}, not one")
        return found[0]

    def pictures(self, cell: Cell) -> list[Picture]:
        """What a cell shows: its images, and of a moving figure the photo and the frame shown first."""
        return pictures_of(cell)

    def picture(self, cell: Cell) -> Picture:
        """The picture of a cell, the frame shown first of a moving one; LookupError where there is none."""
        found = self.pictures(cell)
        if not found:
            raise LookupError(f"{self.path.name}: {cell['id']} shows no picture")
        return found[-1]

    def equations(self, cell: Cell) -> list[str]:
        """The `$$` blocks of a Markdown cell, without their dollars."""
        return [block.strip() for block in re.findall(r"\$\$(.+?)\$\$", cell["source"], re.S)]

    def remember(self) -> list[str]:
        """The points of "What to remember", each on one line."""
        prose = "\n\n".join(cell["source"] for cell in self.cells if cell["cell_type"] == "markdown")
        section = re.search(r"^## What to remember\n(.*?)(?=^## |\Z)", prose, re.M | re.S)
        points = re.findall(r"^- (.+?)(?=\n- |\n\n|\Z)", section[1].strip(), re.M | re.S) if section else []
        return [" ".join(point.split()) for point in points]

    def quiz(self) -> list[Question]:
        """The questions of the quiz, in their order; tests/test_quizzes.py holds their form."""
        return [_question(cell["source"]) for cell in self.cells if "quiz" in cell["tags"]]

    def exercises(self) -> list[Exercise]:
        """The exercises with what follows each: hints, solution, check."""
        found: list[Exercise] = []
        for cell in self.cells:
            if "exercise" in cell["tags"]:
                number, title = re.match(r"\*\*(\d+)\. ([^*]+)\.\*\*", cell["source"]).groups()
                found.append(Exercise(int(number), " ".join(title.split()), cell, [], [], None))
            elif "hint" in cell["tags"]:
                found[-1].hints.append(cell)
            elif "solution" in cell["tags"]:
                found[-1].solutions.append(cell)
            elif "check" in cell["tags"]:
                found[-1] = Exercise(**{**vars(found[-1]), "check": cell})
        return found

    def plan(self) -> dict[str, Any]:
        """Its section of book/teaching.md: `minutes` as written there ("75 minutes"), and `plan`, `ask`,
        `exercises`, `misconceptions`, each a list of Markdown paragraphs, empty where there is none."""
        return _plans()[self.name]


@functools.cache
def chapters() -> list[Chapter]:
    """All notebooks of the book, in the order of its table of contents."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    names = [entry["file"] for part in contents["parts"] for entry in part["chapters"]]
    return [read(ROOT / f"{name}.ipynb") for name in names if name.startswith("notebooks/")]


def read(path: Path) -> Chapter:
    """One notebook as a chapter."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = [
        {**cell, "source": "".join(cell["source"]), "tags": list(cell["metadata"].get("tags", []))}
        for cell in notebook["cells"]
    ]
    title = re.match(r"# (.+)", cells[0]["source"])[1].strip()
    return Chapter(path, path.stem, title, cells)


def _question(source: str) -> Question:
    opening = re.match(r"\*\*Question (\d+)\.\*\* (.+?)\n\n(?=<details)", source, re.S)
    answers = [Answer(text, bool(right), why) for right, text, why in ANSWER.findall(source)]
    return Question(int(opening[1]), opening[2].strip(), answers)


@functools.cache
def _plans() -> dict[str, dict[str, Any]]:
    """The sections of book/teaching.md by the notebook that each links to."""
    page = (ROOT / "book" / "teaching.md").read_text(encoding="utf-8")
    found = {}
    for section in re.split(r"^##+ .*\n", page, flags=re.M):
        heading = re.match(r"\n\*(.+?)\.\* \[Notebook\]\(\.\./notebooks/(\w+)\.ipynb\)\n", section)
        if heading:
            terms = {term: [] for term in ("plan", "ask", "exercises", "misconceptions")}
            for term, text in re.findall(r"^(\w+)\n((?:: .*\n|  .*\n|\n(?=:))+)", section + "\n", re.M):
                parts = re.split(r"^: ", text, flags=re.M)[1:]
                terms[term.lower()] = [" ".join(part.split()) for part in parts]
            found[heading[2]] = {"minutes": heading[1], **terms}
    return found
