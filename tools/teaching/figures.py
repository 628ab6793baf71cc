"""All pictures of all chapters as files, with an index that says what each shows and under which licence.

    make(chapters(), folder)    # NAME-01-TAG.png, ..., index.html, index.csv

Drawings of lines stay lines (SVG). A figure that moves gives a folder of its frames, and the frame that is
shown first beside it.
"""

from __future__ import annotations

import base64
import csv
import html
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from PIL import Image

from simsam import REPOSITORY

from .chapters import Cell, Chapter
from .media import INLINE, standalone
from .origins import origins, rights, shown_in
from .pictures import SUFFIXES, Picture
from .shown import moving

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>The figures of SimSAM, the book</title>
<link rel="icon" href="data:,">
<style>
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.45 system-ui, sans-serif;
  color: #222832; background: #fff; }
figure { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 4fr); gap: 1.5rem; margin: 0;
  padding: 1rem 0; border-top: 1px solid #d1d5da; }
img { max-width: 100%; max-height: 22rem; }
p { margin: 0 0 0.5rem; overflow-wrap: anywhere; }
a { color: #176de8; }
@media (max-width: 600px) { figure { grid-template-columns: minmax(0, 1fr); } }
</style>
<h1>The figures of SimSAM, the book</h1>
<p>Every picture of every chapter, in its order; the same list for a spreadsheet is
<a href="index.csv">index.csv</a>. Drawings and pictures are under CC BY 4.0: name “SimSAM, the book” as the
source, and say what you changed. Photos that others made keep their own terms, named with each picture as far
as its code tells; <a href="LICENCES">the book’s page of licences</a> has them in full.</p>
ENTRIES
</html>
"""
ALT = re.compile(r'\salt="([^"]*)"')


@dataclass(frozen=True)
class Row:
    """A line of the index."""

    file: str
    chapter: str
    section: str
    shows: str  # the alt text
    source: str  # the notebook and its cell
    photos: str
    licence: str
    frame_of: str  # the file of the figure that moves, "" for a picture of its own


def make(chapters: Sequence[Chapter], folder: Path) -> list[Path]:
    """Write the pictures and the index into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [row for chapter in chapters for row in _chapter(chapter, folder)]
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
    (folder / "index.html").write_text(_index(rows), encoding="utf-8")
    return [folder / row.file for row in rows] + [folder / "index.html", folder / "index.csv"]


def _chapter(chapter: Chapter, folder: Path) -> Iterator[Row]:
    number, section, found = 0, chapter.title, origins(chapter)
    for cell in chapter.cells:
        headings = re.findall(r"^## (.+)$", cell["source"], re.M) if cell["cell_type"] == "markdown" else []
        section = headings[-1] if headings else section
        for picture in chapter.pictures(cell):
            number += 1
            slides = [tag.removeprefix("slide-") for tag in cell["tags"] if tag.startswith("slide-")]
            stem = "-".join([chapter.name, f"{number:02}", *slides[:1]])
            photos, licence = rights(shown_in(picture, found[cell["id"]]))
            about = (
                chapter.title,
                section,
                picture.alt,
                f"{chapter.name}.ipynb, cell {cell['id']}",
                photos,
                licence,
            )
            data, suffix = portable(picture.data, picture.suffix)
            (folder / f"{stem}{suffix}").write_bytes(data)
            yield Row(f"{stem}{suffix}", *about, "")
            if picture == chapter.pictures(cell)[-1] and (frames := frames_of(cell)):
                (folder / stem).mkdir(exist_ok=True)
                for k, frame in enumerate(frames, 1):
                    data, end = portable(frame.data, frame.suffix)
                    file = f"{stem}/frame-{k:02}{end}"
                    (folder / file).write_bytes(data)
                    yield Row(file, *about[:2], frame.alt, *about[3:], f"{stem}{suffix}")


def frames_of(cell: Cell) -> list[Picture]:
    """All frames of a figure that moves, in their order; none where a cell shows no such figure."""
    found = []
    for tag in re.findall(r'<img\b[^>]*class="frame"[^>]*>', moving(cell)):
        mime, data = INLINE.search(tag).groups()
        found.append(Picture(base64.b64decode(data), SUFFIXES[mime], html.unescape(ALT.search(tag)[1])))
    return found


def portable(data: bytes, suffix: str) -> tuple[bytes, str]:
    """A picture in a format that every program opens, and its suffix: WebP becomes PNG or JPEG."""
    if suffix == ".svg":
        return standalone(data), suffix
    if suffix != ".webp":
        return data, suffix
    with Image.open(io.BytesIO(data)) as image:
        pixels = image.convert("RGB")
    buffer = io.BytesIO()
    pixels.save(buffer, "JPEG", quality=85, subsampling=0, optimize=True)
    return buffer.getvalue(), ".jpg"


def _index(rows: Sequence[Row]) -> str:
    """The pictures of each chapter with what they show; the frames of a figure as links."""
    parts = []
    for title in dict.fromkeys(row.chapter for row in rows):
        parts.append(f"<h2>{html.escape(title)}</h2>")
        for row in rows:
            if row.chapter == title and not row.frame_of:
                frames = [other for other in rows if other.frame_of == row.file]
                parts.append(_entry(row, frames))
    return PAGE.replace("ENTRIES", "\n".join(parts)).replace(
        "LICENCES", f"{REPOSITORY}/blob/main/book/licences.md"
    )


def _entry(row: Row, frames: Sequence[Row]) -> str:
    shows, photos = html.escape(row.shows), html.escape(row.photos)
    links = " ".join(
        f'<a href="{frame.file}" title="{html.escape(frame.shows)}">{k}</a>'
        for k, frame in enumerate(frames, 1)
    )
    lines = [
        f"<b>{row.file}</b>, from “{html.escape(row.section)}”",
        shows,
        f"Frames: {links}" if frames else "",
        f"Source: {html.escape(row.source)}. "
        + (f"Photos: {photos}. " if photos else "")
        + f"Licence: {row.licence}",
    ]
    words = "".join(f"<p>{line}</p>" for line in lines if line)
    image = f'<a href="{row.file}"><img src="{row.file}" alt="{shows}" loading="lazy"></a>'
    return f'<figure id="{row.file}">{image}<figcaption>{words}</figcaption></figure>'
