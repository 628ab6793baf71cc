"""Students' and teachers' notebooks: what each holds, and that both are the book's."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from teaching.chapters import Chapter, chapters  # noqa: E402
from teaching.minutes import minutes, steps  # noqa: E402
from teaching.students import BEGIN, END, instructor, put_back, student, to_write  # noqa: E402

every_chapter = pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: chapter.name)


def code(notebook: nbformat.NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def tagged(notebook: nbformat.NotebookNode, tag: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


@every_chapter
def test_with_its_solutions_put_back_a_students_notebook_is_the_books(chapter: Chapter) -> None:
    book = nbformat.read(chapter.path, as_version=4)
    made = put_back(student(chapter), instructor(chapter))
    assert code(made) == code(book)
    assert [cell.id for cell in made.cells] == [cell.id for cell in book.cells]


@every_chapter
def test_a_students_notebook_has_no_outputs_and_says_what_it_is(chapter: Chapter) -> None:
    made = student(chapter)
    nbformat.validate(made)
    assert not any(cell.outputs or cell.execution_count for cell in made.cells if cell.cell_type == "code")
    title, said, *_ = made.cells[0].source.split("\n\n")
    assert title == f"# {chapter.title}"
    for words in ("Students' notebook", "SimSAM, the book", "CC BY 4.0", "licences.md"):
        assert words in said
    text = "\n".join(cell.source for cell in made.cells)
    assert "Write your answer in the cell above the check" in text
    assert "solutions are folded" not in text
    assert "{cite" not in text
    assert "](../" not in text


@every_chapter
def test_a_stub_binds_nothing_and_raises_nothing(chapter: Chapter) -> None:
    for cell in tagged(student(chapter), "solution"):
        cell_globals: dict = {}
        exec(cell.source, cell_globals)
        assert set(cell_globals) == {"__builtins__"}
        assert "jupyter" not in cell.metadata  # nothing is folded
        assert "hide-cell" not in cell.metadata.tags


def test_a_stub_names_what_the_check_asks_for() -> None:
    (affinity,) = (chapter for chapter in chapters() if chapter.name == "03_affinity")
    assert [to_write(exercise) for exercise in affinity.exercises()] == [
        ["keep_share(S, share)"],
        ["splits_at"],
        ["other_offset"],
        ["shrunk"],
    ]
    stubs = [cell.source for cell in tagged(student(affinity), "solution")]
    assert stubs[0] == "# Write keep_share(S, share) here."
    (first,) = (chapter for chapter in chapters() if chapter.name == "00_first_look")
    assert tagged(student(first), "solution")[1].source == "# Needs keys\n# Write dsm and agreement here."


@every_chapter
def test_nbgrader_finds_answers_and_checks(chapter: Chapter) -> None:
    """The rules of its schema, version 3: all seven fields, points on grade cells alone, unique names."""
    for made in (student(chapter), instructor(chapter)):
        marks = [(cell, cell.metadata.nbgrader) for cell in made.cells if "nbgrader" in cell.metadata]
        names = [mark.grade_id for _, mark in marks]
        assert len(set(names)) == len(names) == 2 * len(tagged(made, "check"))
        for cell, mark in marks:
            assert re.fullmatch(r"[\w-]+", mark.grade_id)
            assert mark.schema_version == 3
            assert not mark.task
            check = "check" in cell.metadata.tags
            assert (mark.grade, mark.locked, mark.solution) == (check, check, not check)
            assert mark.get("points") == (1 if check else None)


@every_chapter
def test_what_nbgrader_would_hand_out_is_the_students_notebook(chapter: Chapter) -> None:
    """Its rule: what stands between the two lines goes, and the rest of the cell stays."""
    solved = {cell.id: cell.source for cell in tagged(instructor(chapter), "solution")}
    for cell in tagged(student(chapter), "solution"):
        lines = solved[cell.id].split("\n")
        assert lines.count(BEGIN) == lines.count(END) == 1
        assert lines[-1] == END
        assert "\n".join(lines[: lines.index(BEGIN)]) == cell.source


@every_chapter
def test_a_teachers_notebook_has_its_plan_and_minutes(chapter: Chapter) -> None:
    made = instructor(chapter)
    nbformat.validate(made)
    plan = made.cells[1].source
    assert made.cells[1].cell_type == "markdown"
    assert made.cells[1].metadata.tags == ["teacher"]  # nbgrader_config.py takes it out for students
    assert chapter.plan()["minutes"] in plan
    for term in ("Plan", "Ask", "Misconceptions"):
        assert f"**{term}**" in plan
    text = "\n".join(cell.source for cell in made.cells if cell.cell_type == "markdown")
    for heading, note in minutes(chapter).items():
        assert re.search(rf"^{re.escape(heading)}\n\n\*{re.escape(note)}\*$", text, re.M), heading


@every_chapter
def test_the_steps_of_a_plan_take_what_its_heading_promises(chapter: Chapter) -> None:
    whole = int(re.match(r"\d+", chapter.plan()["minutes"])[0])
    taken = [number for _, number in steps(chapter)]
    if len(taken) > 1:  # the first chapter names the minutes of its last step only
        assert sum(taken) == whole
    assert taken
    assert sum(taken) <= whole
