"""The two archives: the same bytes each time, whole, no solution in the students', no link into nowhere."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from teaching.chapters import chapters  # noqa: E402
from teaching.pack import NO_PDF, make, readme  # noqa: E402

NAMES = [chapter.name for chapter in chapters()]
TEXT = (".md", ".ipynb", ".html", ".csv", ".js", ".css", ".svg", ".txt", ".py", ".xml")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)\s#]+)(?:#[^)\s]*)?\)")


@pytest.fixture(scope="module")
def archives(tmp_path_factory) -> Iterator[list[Path]]:
    """Both archives without PDFs, which tests/teaching/test_slides.py prints."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("teaching.printing.missing", lambda: "no PDF is asked for")
        made, printed = make(tmp_path_factory.mktemp("dist"))
        assert not printed
        yield made


def read(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def shared(archives: list[Path]) -> dict[str, bytes]:
    return read(archives[0])


@pytest.fixture(scope="module")
def own(archives: list[Path]) -> dict[str, bytes]:
    return read(archives[1])


def text_of(name: str, data: bytes) -> str:
    """The text that a reader finds in a file: the cells of a notebook, a page without its escapes."""
    text = data.decode("utf-8")
    if name.endswith(".ipynb"):
        return "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
    return html.unescape(re.sub(r"<[^>]+>", "", text)) if name.endswith((".html", ".svg")) else text


def test_the_same_sources_make_the_same_archives(archives: list[Path], tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("teaching.printing.missing", lambda: "no PDF is asked for")
        again, _ = make(tmp_path)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in archives]


def test_an_archive_that_cannot_be_finished_leaves_nothing_behind(tmp_path: Path) -> None:
    def failing(*arguments: object) -> None:
        raise RuntimeError("the disk is full")

    for name in ("make_teaching", "make_instructor"):
        (tmp_path / "simsam-teaching.zip").write_bytes(b"the last one")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("teaching.pack.make_teaching", lambda folder, *rest: folder.mkdir())
            patch.setattr(f"teaching.pack.{name}", failing)
            with pytest.raises(RuntimeError, match="the disk is full"):
                make(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["simsam-teaching.zip"]
        assert (tmp_path / "simsam-teaching.zip").read_bytes() == b"the last one"


def test_every_chapter_has_its_files(shared: dict[str, bytes], own: dict[str, bytes]) -> None:
    for name in NAMES:
        assert {f"notebooks/{name}.ipynb", f"slides/{name}.html", f"quizzes/{name}.md"} < set(shared)
        assert {f"instructor/notebooks/{name}.ipynb", f"instructor/quizzes/{name}.gift.txt"} < set(own)
    for name in ("README.md", "plans/teaching.md", "plans/plans.md", "figures/index.html"):
        assert name in shared
    alone = {name for name in own if name.startswith("instructor/")}
    assert {"instructor/exam.md", "instructor/exam_solutions.md", "instructor/quizzes/canvas.zip"} < alone
    assert set(own) - alone - {"teaching-pack.md"} == set(shared)
    for name in set(shared) - {"README.md"}:
        assert shared[name] == own[name]
    assert own["teaching-pack.md"] == shared["README.md"]


def test_no_line_of_a_solution_is_in_the_students_archive(shared: dict[str, bytes]) -> None:
    found = "\n".join(text_of(name, data) for name, data in shared.items() if name.endswith(TEXT))
    public = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "simsam").rglob("*.py")))
    cells = [(chapter.name, cell) for chapter in chapters() for cell in chapter.cells]
    public += "\n".join(cell["source"] for _, cell in cells if "solution" not in cell["tags"])
    solutions = [(name, cell["source"]) for name, cell in cells if "solution" in cell["tags"]]
    lines = {(name, line.strip()) for name, source in solutions for line in source.split("\n")}
    secret = {(name, line) for name, line in lines if len(line) > 20 and line not in public}
    assert len(secret) > 200
    assert not {(name, line) for name, line in secret if line in found}


def test_exam_and_keys_are_the_instructors_alone(shared: dict[str, bytes], own: dict[str, bytes]) -> None:
    assert not [name for name in shared if "exam" in name or "gift" in name or "canvas" in name]
    questions, solved = (own[f"instructor/exam{kind}.md"].decode() for kind in ("", "_solutions"))
    assert (
        len(re.findall(r"^## \d+\. ", questions, re.M)) == len(re.findall(r"^## \d+\. ", solved, re.M)) == 10
    )
    assert len(re.findall(r"^\*\*Solution\.\*\* ", solved, re.M)) == 10
    for words in ("olution", ":::", "nstructor", "*2 points", "## Marks"):
        assert words not in questions
    assert ":::" not in solved
    assert "## Marks" in solved


def test_links_of_pages_and_notebooks_lead_somewhere(own: dict[str, bytes]) -> None:
    for name, data in own.items():
        if not name.endswith((".md", ".ipynb")):
            continue
        text = text_of(name, data)
        assert not re.search(r"\{(doc|cite:[pt]|ref|numref|term)\}`", text), name
        for link in LINK.findall(text):
            parts: list[str] = []
            for part in [*name.split("/")[:-1], *link.split("/")]:
                parts = parts[:-1] if part == ".." else [*parts, part]
            assert "/".join(parts) in own, f"{name}: {link}"


def test_a_readme_says_where_there_are_no_pdfs(shared: dict[str, bytes], own: dict[str, bytes]) -> None:
    for page in (shared["README.md"], own["README.md"]):
        assert NO_PDF in page.decode()
        assert not re.search(
            r"\b(PDF|HANDOUTS|ANSWERS|EXAM|SOLUTIONS|MISSING|REPOSITORY)\b(?!s)", page.decode()
        )
    whole = readme("teaching", printed=True)
    assert NO_PDF not in whole
    assert "`NAME.pdf`" in whole


def test_the_figures_of_the_index_are_there(shared: dict[str, bytes]) -> None:
    listed = list(csv.DictReader(io.StringIO(shared["figures/index.csv"].decode())))
    assert listed
    assert {f"figures/{row['file']}" for row in listed} == {
        name for name in shared if name.startswith("figures/") and "index." not in name
    }
