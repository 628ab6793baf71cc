"""A chapter's notebook in two versions: without its solutions for students, with more than them for teachers.

Both come from the book's notebook, and `put_back` leads from the first to the book's own cells again. Both
carry what nbgrader reads: an answer is a solution cell, a check is a grade cell worth one point.
"""

from __future__ import annotations

import ast
import copy
import symtable

import nbformat

from simsam import REPOSITORY
from simsam.drawing.claims import NEEDS

from .chapters import Cell, Chapter, Exercise
from .links import plain
from .minutes import minutes

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
TOLD = {
    "Write your answer in a new cell above the solution": "Write your answer in the cell above the check",
    "Hints and solutions are folded.": "Hints are folded.",
}


def student(chapter: Chapter) -> nbformat.NotebookNode:
    """The notebook without solutions and outputs: where a solution stood, a cell says what to write there."""
    cells = []
    for cell in chapter.cells:
        made = _cell(cell)
        if "solution" in cell["tags"]:
            made.source = stub(_exercise(chapter, cell))
        for old, new in TOLD.items() if cell["cell_type"] == "markdown" else ():
            made.source = made.source.replace(old, new)
        cells.append(made)
    return _notebook(chapter, cells, "Students' notebook: the chapter without its solutions.")


def instructor(chapter: Chapter) -> nbformat.NotebookNode:
    """The notebook with its solutions, marked for nbgrader, and with the plan of book/teaching.md in it."""
    cells, told = [], minutes(chapter)
    for cell in chapter.cells:
        made = _cell(cell)
        if "solution" in cell["tags"]:
            made.source = "\n".join([stub(_exercise(chapter, cell)), BEGIN, cell["source"], END])
        for heading, note in told.items() if cell["cell_type"] == "markdown" else ():
            made.source = made.source.replace(f"{heading}\n", f"{heading}\n\n*{note}*\n", 1)
        cells.append(made)
    teacher = nbformat.from_dict({"tags": ["teacher"]})
    cells.insert(1, nbformat.v4.new_markdown_cell(plan(chapter), id="plan", metadata=teacher))
    return _notebook(chapter, cells, "Teacher's notebook: with solutions, and a plan for the class.")


def put_back(without: nbformat.NotebookNode, solved: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The student's notebook with the solutions of the teacher's put in: its code is the book's."""
    solutions = {cell.id: cell.source for cell in solved.cells if "solution" in cell.metadata.get("tags", [])}
    made = copy.deepcopy(without)
    for cell in made.cells:
        if cell.id in solutions:
            cell.source = solutions[cell.id].split(f"{BEGIN}\n")[1].split(f"\n{END}")[0]
    return made


def stub(exercise: Exercise) -> str:
    """What stands in place of a solution: a comment that names what the check asks for."""
    asked = to_write(exercise)
    listed = " and ".join(filter(None, [", ".join(asked[:-1]), asked[-1]]))
    # a cell that needs keys says so first, so that it is left out on features that have none
    need = NEEDS.match(exercise.solutions[0]["source"])
    return (f"{need[0]}\n" if need else "") + f"# Write {listed} here."


def to_write(exercise: Exercise) -> list[str]:
    """What the solution binds and the check reads: names, and for functions their signatures.

    Docstrings stay out, as some of them tell the answer.
    """
    statements = ast.parse(exercise.solutions[0]["source"]).body
    asked = reads(exercise.check["source"])
    found = {
        name: f"{name}({ast.unparse(made.args)})" if isinstance(made, ast.FunctionDef) else name
        for made in statements
        for name in names_of(made)
        if name in asked
    }
    return list(found.values())


def names_of(statement: ast.stmt) -> list[str]:
    """The names that a statement of a cell binds, not counting those inside functions and comprehensions."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).split(".")[0] for alias in statement.names]
    top = symtable.symtable(ast.unparse(statement), "statement", "exec")
    return [symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()]


def reads(source: str) -> set[str]:
    """The global names that code reads and does not bind itself, those that its functions read among them."""
    top = symtable.symtable(source, "cell", "exec")
    own = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    found, tables = set(), [top]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        found |= {
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_referenced() and (table is top or symbol.is_global())
        }
    return found - own


def plan(chapter: Chapter) -> str:
    """The chapter's section of book/teaching.md as a cell."""
    found = chapter.plan()
    parts = [f"**For the class: {found['minutes']}.**"]
    for term in ("plan", "ask", "exercises", "misconceptions"):
        if found[term]:
            parts += [f"**{term.capitalize()}**", "\n".join(f"- {text}" for text in found[term])]
    return plain("\n\n".join(parts), "book/teaching.md", "notebooks")


def _exercise(chapter: Chapter, solution: Cell) -> Exercise:
    return next(found for found in chapter.exercises() if solution in found.solutions)


def _cell(cell: Cell) -> nbformat.NotebookNode:
    """A cell with its id and metadata, without outputs, its links readable outside the book."""
    made = nbformat.from_dict({key: value for key, value in cell.items() if key != "tags"})
    if "solution" in cell["tags"]:
        made.metadata = nbformat.from_dict({"tags": ["solution"]})  # unfolded: here somebody writes
    if made.cell_type == "code":
        made.outputs, made.execution_count = [], None
    else:
        made.source = plain(made.source, "notebooks/x.ipynb", "notebooks")
    return made


def _notebook(chapter: Chapter, cells: list, words: str) -> nbformat.NotebookNode:
    """A notebook of these cells that says what it is, ready for nbgrader."""
    title, _, rest = cells[0].source.partition("\n")
    book = f"[SimSAM, the book]({REPOSITORY}/blob/main/notebooks/{chapter.path.name})"
    licence = f"[CC BY 4.0]({REPOSITORY}/blob/main/book/licences.md), code: MIT"
    cells[0].source = f"{title}\n\n*{words} From {book}; {licence}.*\n{rest}"
    for exercise in chapter.exercises():
        marks = [(cell, "answer", {"solution": True}) for cell in exercise.solutions]
        if exercise.check:
            marks.append((exercise.check, "check", {"grade": True, "locked": True, "points": 1}))
        for cell, word, mark in marks:
            (made,) = (found for found in cells if found.id == cell["id"])
            plain_mark = {
                "solution": False,
                "grade": False,
                "locked": False,
                "task": False,
                "schema_version": 3,
            }
            made.metadata["nbgrader"] = plain_mark | mark | {"grade_id": f"{word}-{exercise.number}"}
    metadata = nbformat.read(chapter.path, as_version=4).metadata
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)
