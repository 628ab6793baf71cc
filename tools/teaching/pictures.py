"""The pictures in a cell's outputs, whatever form they have there."""

from __future__ import annotations

import base64
import html
import re
from dataclasses import dataclass
from typing import Any

SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/svg+xml": ".svg", "image/webp": ".webp"}


@dataclass(frozen=True)
class Picture:
    """One encoded picture, the suffix of its file (".png"), and what it shows, in words."""

    data: bytes
    suffix: str
    alt: str


def pictures_of(cell: dict[str, Any]) -> list[Picture]:
    """What a cell shows: its images, and of a moving figure the photo and the frame shown first."""
    named = cell["metadata"].get("mystnb", {}).get("image", {}).get("alt", "")
    found: list[Picture] = []
    for output in cell.get("outputs", []):
        for mime, data in output.get("data", {}).items():
            data = "".join(data) if isinstance(data, list) else data
            if mime == "text/html":
                found += _pictures_of_html(data)
            elif mime in SUFFIXES:
                encoded = data.encode() if mime.endswith("svg+xml") else base64.b64decode(data)
                alt = output.get("metadata", {}).get(mime, {}).get("alt") or named
                found.append(Picture(encoded, SUFFIXES[mime], alt))
    return found


def _pictures_of_html(page: str) -> list[Picture]:
    drawings = [_drawing(svg) for svg in re.findall(r"<svg\b.*?</svg>", page, re.S)]
    images = [tag for tag in re.findall(r"<img\b[^>]*>", page) if not re.search(r"\shidden\b", tag)]
    return drawings + [_image(tag) for tag in images]


def _drawing(svg: str) -> Picture:
    alt = re.search(r'aria-label="([^"]*)"', svg.split(">", 1)[0])
    return Picture(svg.encode(), ".svg", html.unescape(alt[1]) if alt else "")


def _image(tag: str) -> Picture:
    mime, data = re.search(r'src="data:([\w/+]+);base64,([^"]+)"', tag).groups()
    alt = re.search(r'\salt="([^"]*)"', tag)
    return Picture(base64.b64decode(data), SUFFIXES[mime], html.unescape(alt[1]) if alt else "")
