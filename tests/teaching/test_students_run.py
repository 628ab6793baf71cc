"""A student's notebook runs like the book's, and its checks say what is missing.

It has the book's cells but for the solutions. So it is enough to show two things: that no cell but its own
check needs what a solution makes (by reading the code), and that each check, after the cells that it needs,
names what is missing (by running them). The others run in the book's own tests. `make autograding` runs all.
"""

from __future__ import annotations

import ast
import symtable
import sys
from pathlib import Path

import pytest
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import InteractiveShell

from simsam.drawing import Wrong

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from teaching.chapters import Chapter, Exercise, chapters  # noqa: E402
from teaching.students import names_of, reads, student, to_write  # noqa: E402

every_chapter = pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: chapter.name)


def python(source: str) -> str:
    """The code of a cell with IPython's own commands as calls."""
    return TransformerManager().transform_cell(source)


def binds(source: str) -> set[str]:
    """The global names that code makes."""
    return {name for statement in ast.parse(python(source)).body for name in names_of(statement)}


def at_once(source: str) -> set[str]:
    """The names that a cell reads while it runs, not counting functions that it makes and perhaps calls."""
    top = symtable.symtable(source, "cell", "exec")
    found, tables = set(), [top]
    while tables:
        table = tables.pop()
        loops = ("listcomp", "setcomp", "dictcomp", "genexpr")
        tables += [child for child in table.get_children() if child.get_name() in loops]
        found |= {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced()}
    return found


def checked(chapter: Chapter) -> list[Exercise]:
    return [exercise for exercise in chapter.exercises() if exercise.check]


@every_chapter
def test_no_cell_but_its_own_check_needs_a_solution(chapter: Chapter) -> None:
    code = [cell for cell in chapter.cells if cell["cell_type"] == "code"]
    for exercise in checked(chapter):
        (solution,) = exercise.solutions
        made = binds(solution["source"])
        for cell in code[code.index(solution) + 1 :]:
            if cell is not exercise.check and "solution" not in cell["tags"]:
                assert not reads(python(cell["source"])) & made, cell["id"]
        asked = {text.split("(")[0] for text in to_write(exercise)}
        assert asked
        # a check that only prints what is missing goes on to the lines below it
        assert not at_once(exercise.check["source"]) & asked
        for cell in code:  # or the check would take another cell's for the answer
            if cell is not solution:
                assert not binds(cell["source"]) & asked, cell["id"]


def needed(sources: list[str]) -> list[str]:
    """Of the cells before the last, in order, those that make what it needs; and the setup and imports."""
    found, wanted = [], reads(python(sources[-1]))
    for at in range(len(sources) - 2, -1, -1):
        if at < 2 or binds(sources[at]) & wanted:
            found.insert(0, sources[at])
            wanted |= reads(python(sources[at]))
    return found


@pytest.mark.slow
@every_chapter
def test_a_check_says_what_is_missing(chapter: Chapter, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    cells = [cell for cell in student(chapter).cells if cell.cell_type == "code"]
    shell, done = InteractiveShell(), set()
    for exercise in checked(chapter):
        (at,) = (i for i, cell in enumerate(cells) if cell.id == exercise.check["id"])
        for source in needed([cell.source for cell in cells[: at + 1]]):
            if source not in done and "\ncheck(" not in f"\n{source}":
                done.add(source)
                shell.run_cell(source).raise_error()
        with pytest.raises(Wrong, match=r"^\w+ is not there yet: write it in a cell above") as caught:
            shell.run_cell(cells[at].source).raise_error()
        assert str(caught.value).split()[0] in {text.split("(")[0] for text in to_write(exercise)}
