"""The two archives: the teaching pack, and the instructor's with what students should not have."""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
from pathlib import Path

import nbformat
from PIL import Image
from skimage import data

from simsam import REPOSITORY
from simsam.data import atomic_write

from . import exam, figures, handouts, slides
from .chapters import ROOT, Chapter, chapters
from .gift import gift
from .links import plain
from .printing import Printer, printing
from .qti import files
from .students import instructor, student

STUDENTS, INSTRUCTOR = "simsam-teaching", "simsam-instructor"
PLANS = ("teaching", "plans", "colab_classes", "projects", "glossary")
DATE = (2024, 1, 1, 0, 0, 0)  # of every member, so that the same sources make the same archive
NO_PDF = "The machine that made this archive had no Chromium, so there are no PDFs in it: print the pages."
# What a README.md says where there are PDFs, and where there are none.
PRINTED = {
    "slides": "and `NAME.pdf` (which shows the answers of the quiz: for a vote, use the page)",
    "handouts": "(PDF)",
    "answers": "",
    "exam": ", `exam.pdf`",
    "solutions": ", `exam_solutions.pdf`",
    "missing": "",
}
UNPRINTED = dict.fromkeys(PRINTED, "") | {
    "handouts": "(left out)",
    "answers": "(left out)",
    "missing": NO_PDF,
}


def make(folder: Path) -> tuple[list[Path], bool]:
    """Write both archives into a folder, whole or not at all; and whether there are PDFs in them."""
    with tempfile.TemporaryDirectory() as scratch, printing() as printer:
        shared = Path(scratch) / STUDENTS
        make_teaching(shared, chapters(), printer)
        whole = Path(scratch) / INSTRUCTOR
        shutil.copytree(shared, whole)
        make_instructor(whole, chapters(), printer)
        made = [folder / f"{name}.zip" for name in (STUDENTS, INSTRUCTOR)]
        with atomic_write(made[0]) as first, atomic_write(made[1]) as second:
            first.write_bytes(zipped(members(shared), STUDENTS))
            second.write_bytes(zipped(members(whole), INSTRUCTOR))
    return made, printer is not None


def make_teaching(folder: Path, book: list[Chapter], printer: Printer | None) -> None:
    """Everything of the pack that students may see."""
    _write(folder / "README.md", readme("teaching", printer is not None))
    for name in PLANS:
        _write(folder / "plans" / f"{name}.md", page(name))
    for chapter in book:
        _write(folder / "notebooks" / chapter.path.name, _written(student(chapter)))
        _write(folder / "quizzes" / f"{chapter.name}.md", quiz(chapter))
    slides.make(book, folder / "slides", printer)
    handouts.make(book, folder / "handouts", printer)
    (folder / "handouts").mkdir(exist_ok=True)  # without a Chromium there are no others
    Image.fromarray(data.cat()).save(folder / "handouts" / "photo_to_draw_on.png")
    figures.make(book, folder / "figures")


def make_instructor(folder: Path, book: list[Chapter], printer: Printer | None) -> None:
    """What the instructor's archive holds beside the pack, which lies in the folder already."""
    (folder / "README.md").rename(folder / "teaching-pack.md")
    _write(folder / "README.md", readme("instructor", printer is not None))
    own = folder / "instructor"
    for chapter in book:
        _write(own / "notebooks" / chapter.path.name, _written(instructor(chapter)))
        _write(own / "quizzes" / f"{chapter.name}.gift.txt", gift(chapter))
    (own / "quizzes" / "canvas.zip").write_bytes(zipped(files(book)))
    shutil.copyfile(ROOT / "teaching" / "nbgrader_config.py", own / "nbgrader_config.py")
    exam.make(own, printer)
    handouts.answers(book, own, printer)


def page(name: str) -> str:
    """A page of the book as it may be read in any editor: no roles, and lists in place of definitions."""
    text = (ROOT / "book" / f"{name}.md").read_text(encoding="utf-8")
    text = re.sub(r"<span data-archive=.*?</span>", "You are reading a page of it.", text, flags=re.S)
    text = re.sub(r"^(\w+)\n(?=: )", r"**\1**\n\n", text, flags=re.M)
    return plain(re.sub(r"^: ", "- ", text, flags=re.M), f"book/{name}.md", "plans")


def quiz(chapter: Chapter) -> str:
    """The quiz as it stands in the notebook, its answers folded."""
    cells = [cell["source"] for cell in chapter.cells if "quiz" in cell["tags"]]
    return plain("\n\n".join([f"# Quiz: {chapter.title}", *cells, ""]), "notebooks/quiz.ipynb", "quizzes")


def members(folder: Path) -> dict[str, bytes]:
    """The files of a folder by their names in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def zipped(found: dict[str, bytes], root: str = "") -> bytes:
    """An archive of these members, below a folder where it has a name: the same bytes every time."""
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w") as archive:
            for name in sorted(found):
                member = zipfile.ZipInfo(f"{root}/{name}" if root else name, DATE)
                member.external_attr = 0o644 << 16
                archive.writestr(member, found[name], zipfile.ZIP_DEFLATED)
        file.seek(0)
        return file.read()


def readme(name: str, printed: bool) -> str:
    """What is where in an archive, how to start, and the licence."""
    text = (ROOT / "teaching" / "readme" / f"{name}.md").read_text(encoding="utf-8")
    filled = text.format(repository=REPOSITORY, **(PRINTED if printed else UNPRINTED))
    return re.sub(r"\n{3,}", "\n\n", re.sub(r" +\|\n", " |\n", filled)).rstrip() + "\n"


def _written(notebook: nbformat.NotebookNode) -> str:
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
