"""The index of the figures: all of them, in files that every program opens, with words and a licence."""

from __future__ import annotations

import csv
import io
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("bs4", reason="the index is read with the test extra")

import bs4
from teaching.chapters import chapters
from teaching.origins import GPL, OWN
from teaching.pictures import Picture

from simsam import REPOSITORY
from teaching import figures, origins


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("figures")
    figures.make(chapters(), made)
    return made


@pytest.fixture(scope="module")
def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "index.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_picture_of_every_chapter_is_there(folder: Path, rows) -> None:
    whole = [row for row in rows if not row["frame_of"]]
    assert len(whole) == sum(len(chapter.pictures(cell)) for chapter in chapters() for cell in chapter.cells)
    frames = sum(len(figures.frames_of(cell)) for chapter in chapters() for cell in chapter.cells)
    assert len(rows) - len(whole) == frames > 200
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {row["file"] for row in rows} | {"index.html", "index.csv"}


def test_every_file_can_be_opened(folder: Path, rows) -> None:
    for row in rows:
        data = (folder / row["file"]).read_bytes()
        if row["file"].endswith(".svg"):
            drawing = ET.fromstring(data)
            assert int(drawing.get("width")) > 100
            assert drawing.get("color"), "without a page its ink has no colour"
        else:
            assert row["file"].endswith((".png", ".jpg"))
            with Image.open(io.BytesIO(data)) as image:
                image.verify()


def test_every_row_says_what_is_seen_and_under_which_licence(rows) -> None:
    for row in rows:
        assert len(row["shows"].split()) >= 4, row["file"]
        assert row["licence"] in (OWN, GPL)
        assert row["chapter"]
        assert row["section"]
        assert row["source"].startswith(row["file"][:3])


def test_photos_are_named_where_they_appear(rows) -> None:
    by_chapter = {
        name: [row for row in rows if row["file"].startswith(name)]
        for name in ("00_", "04_", "06_", "08_results")
    }
    assert "Stefan van der Walt, CC0" in by_chapter["00_"][0]["photos"]
    assert [row["licence"] for row in by_chapter["06_"] if "twelve images" in row["shows"].lower()] == [GPL]
    assert [row["licence"] for row in by_chapter["06_"] if row["shows"].startswith("The gallery")] == [GPL]
    assert not [
        row for row in by_chapter["04_"] if row["shows"].startswith("A graph of six") and row["photos"]
    ]
    assert not [row["file"] for row in by_chapter["08_results"] if row["photos"]]  # points with intervals


def test_a_photo_is_found_through_names_and_functions() -> None:
    class Cells:
        cells = [  # noqa: RUF012
            {
                "id": "a",
                "cell_type": "code",
                "source": "from skimage import data\n%matplotlib inline\nphoto = data.coffee()",
            },
            {
                "id": "b",
                "cell_type": "code",
                "source": "def draw(x):\n    return panels([photo, x])\n\nshow(draw(1))",
            },
            {"id": "c", "cell_type": "code", "source": "photo = data.cat()\nshow(photo)"},
            {
                "id": "d",
                "cell_type": "code",
                "source": "shown = []\nfor one in load_cutouts():\n    shown += [one.image]\nshow(shown)",
            },
            {"id": "e", "cell_type": "code", "source": "show(numbers)"},
        ]

    found = origins.origins(Cells)
    assert found == {"a": {"coffee"}, "b": {"coffee"}, "c": {"cat"}, "d": {"cutouts"}, "e": set()}


def test_a_drawing_in_few_colours_is_no_photo() -> None:
    def encoded(image: Image.Image) -> Picture:
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        return Picture(buffer.getvalue(), ".png", "A photo of a cat.")

    plain, colours = Image.new("RGB", (64, 64), "white"), Image.effect_noise((64, 64), 90)
    noise = Image.merge("RGB", [colours, colours.rotate(90), colours.rotate(180)])
    assert origins.shown_in(encoded(plain), {"cat"}) == set()
    assert origins.shown_in(encoded(noise), {"astronaut"}) == {"astronaut"}
    assert origins.shown_in(encoded(noise), set()) == {"cat"}  # its words name it


def test_the_page_shows_every_picture_with_its_words(folder: Path, rows) -> None:
    page = bs4.BeautifulSoup((folder / "index.html").read_text(encoding="utf-8"), "html.parser")
    shown = {img["src"]: img["alt"] for img in page.find_all("img")}
    assert shown == {row["file"]: row["shows"] for row in rows if not row["frame_of"]}
    linked = {link["href"] for link in page.find_all("a") if not link["href"].startswith(REPOSITORY)}
    assert {row["file"] for row in rows} | {"index.csv"} == linked
