"""Label maps as files that people and programs read: palette PNGs, and one sheet that shows every label."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from simsam.data.files import atomic_write
from simsam.data.overlay import PALETTE

TILE, GAP, SWATCH = 132, 8, 150  # pixels


def label_colors(count: int, background: bool = True) -> np.ndarray:
    """Colours (count, 3) uint8; with `background` label 0 is black.

    Okabe and Ito's seven, told apart with any colour vision; then the same again half way to black, half way
    to white, a quarter of the way to black, and so on: what hue cannot tell apart, lightness can.
    """
    hues = PALETTE[1:].astype(float)
    rounds = [(0.0, 0.0), (0.5, 0.0), (0.5, 255.0), (0.25, 0.0), (0.25, 255.0), (0.7, 0.0), (0.7, 255.0)]
    rows = [hues * (1 - share) + tone * share for share, tone in rounds]
    colors = np.concatenate([PALETTE[:1], *rows]) if background else np.concatenate(rows)
    return np.resize(np.rint(colors), (count, 3)).astype(np.uint8)


def write_labels(path: str | Path, labels: np.ndarray, colors: np.ndarray) -> None:
    """Write labels (H, W) uint8 as a palette PNG: a program reads the labels, a person sees the colours."""
    image = Image.fromarray(labels)
    image.putpalette(colors.tobytes())
    with atomic_write(path) as temporary:
        image.save(temporary, format="PNG", optimize=True)


def label_sheet(rows: Sequence[tuple[str, np.ndarray, Sequence[np.ndarray]]]) -> np.ndarray:
    """A picture (H, W, 3) uint8 with a row for each label: its colour and text, then its examples.

    rows: text, colour (3,) uint8, and pictures (h, w, 3) uint8, which are fitted into square tiles.
    """
    columns = max(len(examples) for *_, examples in rows)
    size = (SWATCH + columns * (TILE + GAP) + GAP, len(rows) * (TILE + GAP) + GAP)
    sheet = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    for r, (text, color, examples) in enumerate(rows):
        top = GAP + r * (TILE + GAP)
        draw.rectangle((GAP, top, GAP + 40, top + 40), fill=tuple(int(c) for c in color), outline="black")
        draw.multiline_text((GAP, top + 48), text, fill="black", font=font)
        for c, example in enumerate(examples):
            tile = Image.fromarray(example)
            tile.thumbnail((TILE, TILE))
            sheet.paste(tile, (SWATCH + c * (TILE + GAP), top))
    return np.asarray(sheet)


def example(image: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The part of an image (H, W, 3) around `inside` (H, W) bool, the rest of it faded."""
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    margin = max(len(rows), len(columns)) // 8
    window = tuple(
        slice(max(0, int(line[0]) - margin), int(line[-1]) + 1 + margin) for line in (rows, columns)
    )
    faded = np.where(inside[..., None], image, 160 + image // 4).astype(np.uint8)
    return np.ascontiguousarray(faded[window])
