"""Let nbgrader grade the pack's notebooks: the teacher's pass, the students' fail at their checks alone.

    python tools/autograding.py .venv-nbgrader            # or: make autograding; all chapters, half an hour
    python tools/autograding.py .venv-nbgrader 03_affinity

Hands the teacher's notebooks out by `nbgrader generate_assignment`, looks whether that gives the students'
notebooks of the pack, and validates both. The kernel is that of the book's own environment.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from teaching.chapters import Chapter, chapters
from teaching.students import instructor, student

ROOT = Path(__file__).resolve().parent.parent


def course(folder: Path, book: list[Chapter]) -> None:
    """A folder as nbgrader wants it, with one assignment, "book", and the students' notebooks beside it."""
    for name, make in (("source/book", instructor), ("students", student)):
        (folder / name).mkdir(parents=True)
        for chapter in book:
            nbformat.write(make(chapter), folder / name / chapter.path.name)
    shutil.copy(ROOT / "teaching" / "nbgrader_config.py", folder)


def code(path: Path) -> list[str]:
    notebook = nbformat.read(path, as_version=4)
    return [cell.source.strip() for cell in notebook.cells if cell.cell_type == "code"]


def faults(folder: Path, chapter: Chapter, found: dict[str, dict]) -> list[str]:
    """What is not as it should be in one chapter."""
    name = chapter.path.name
    checks = [exercise.check["id"] for exercise in chapter.exercises() if exercise.check]
    solved, empty = (found[str(folder / kind / name)] for kind in ("source/book", "students"))
    said = []
    if code(folder / "release" / "book" / name) != code(folder / "students" / name):
        said.append("what nbgrader hands out is another notebook than the students'")
    if "**Misconceptions**" in (folder / "release" / "book" / name).read_text(encoding="utf-8"):
        said.append("what nbgrader hands out holds the plan of the lesson")
    if (solved["passed"], solved["broken"]) != (checks, []):
        said.append(f"the teacher's: {solved['failed']} fail, {solved['broken']} raise")
    if (empty["failed"], empty["broken"]) != (checks, []):
        said.append(f"the students': {empty['passed']} pass, {empty['broken']} raise")
    return said


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("environment", type=Path, help="a virtual environment with nbgrader in it")
    parser.add_argument("chapters", nargs="*", help="names of notebooks; all unless given")
    arguments = parser.parse_args()
    book = [chapter for chapter in chapters() if not arguments.chapters or chapter.name in arguments.chapters]
    tools = arguments.environment.resolve() / "bin"
    env = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"}  # nbgrader calls alembic
    kernel = ["-m", "ipykernel", "install", "--prefix", arguments.environment, "--name", "python3"]
    subprocess.run([sys.executable, *kernel], check=True, capture_output=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        course(folder, book)
        hand_out = [tools / "nbgrader", "generate_assignment", "book", "--create"]
        subprocess.run(hand_out, cwd=folder, env=env, check=True)
        failed = False
        for chapter in book:
            paths = [str(folder / kind / chapter.path.name) for kind in ("source/book", "students")]
            command = [tools / "python", ROOT / "tools" / "nbgrader_validate.py", *paths]
            lines = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout
            found = {line["path"]: line for line in map(json.loads, lines.splitlines())}
            said = faults(folder, chapter, found)
            failed = failed or bool(said)
            print(
                f"{chapter.name:<28}", *(said or ["as it should be"]), sep="\n  " if said else " ", flush=True
            )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
