"""Pictures as files beside a page: one file for each content, however many pages show it."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import re
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from .pictures import SUFFIXES, Picture

INLINE = re.compile(r'src="data:([\w/+]+);base64,([^"]+)"')
TALL, HIGH = 0.82, 600  # a picture that is too tall for a slide: its halves can be shown larger
LARGER = 2.2  # times its own size: more would blur
INK = "#222832"  # of the book's text


@dataclass
class Shelf:
    """A folder of pictures; `address` is what a page writes before a file's name."""

    folder: Path
    address: str
    kept: dict[str, str] = field(default_factory=dict)

    def keep(self, data: bytes, suffix: str) -> str:
        """Write a picture, unless its content is there already; returns its address."""
        if suffix == ".svg":
            data = standalone(data)
        digest = hashlib.sha256(data).hexdigest()[:16]
        if digest not in self.kept:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / f"{digest}{suffix}").write_bytes(data)
            self.kept[digest] = f"{self.address}/{digest}{suffix}"
        return self.kept[digest]

    def image(self, picture: Picture) -> str:
        """A picture as an `<img>`, with its alt text and its size."""
        width, height = size(picture.data, picture.suffix)
        source = self.keep(picture.data, picture.suffix)
        alt = html.escape(picture.alt)
        return f'<img src="{source}" alt="{alt}" width="{width}" height="{height}">'

    def boxed(self, picture: Picture) -> str:
        """A picture in a box that it fills, see slides.css."""
        width, height = size(picture.data, picture.suffix)
        vector = picture.suffix == ".svg"
        style = box_style(width / height, 9999 if vector else height)
        tall = " tall" if width / height < TALL and height > HIGH else ""
        return f'<div class="picture{tall}" style="{style}">{self.image(picture)}</div>'

    def unpacked(self, page: str) -> str:
        """HTML whose inline pictures are files."""

        def file(found: re.Match[str]) -> str:
            return f'src="{self.keep(base64.b64decode(found[2]), SUFFIXES[found[1]])}"'

        return INLINE.sub(file, page)


def size(data: bytes, suffix: str) -> tuple[int, int]:
    """Width and height of an encoded picture in pixels."""
    if suffix == ".svg":
        _, _, width, height = re.search(rb'viewBox="([^"]+)"', data)[1].split()
        return round(float(width)), round(float(height))
    with Image.open(io.BytesIO(data)) as image:
        return image.size


def box_style(aspect: float, height: int) -> str:
    """What slides.css has to know of a picture: its shape, and how high it may become."""
    return f"--aspect:{aspect:.4f};--most:{LARGER * height:.0f}px"


def standalone(svg: bytes) -> bytes:
    """An SVG of a page as a file: with a size and a title, and its ink no longer that of the page."""
    opening, rest = svg.decode().split(">", 1)
    width, height = size(svg, ".svg")
    opening = re.sub(r' style="[^"]*"', "", opening)
    label = re.search(r'aria-label="([^"]*)"', opening)
    title = f"<title>{label[1]}</title>" if label else ""
    return f'{opening} width="{width}" height="{height}" color="{INK}">{title}{rest}\n'.encode()
