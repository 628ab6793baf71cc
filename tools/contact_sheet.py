"""A contact sheet: photos of a folder in the order of their confidence, each with its mask, as one PNG.

    python tools/contact_sheet.py FOLDER sheet.png [--limit 60] [--recipe simsam] [--backbone classical]

The least sure come first; a mask that counts as "nothing found" says so.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from tqdm import tqdm

from simsam.data import atomic_write, list_images, load_image, overlay_mask
from simsam.errors import check_least
from simsam.pipeline import Result, get_recipe, segment
from simsam.weights import WHEEL_BACKBONE, load_backbone

WIDTH, HEIGHT, LINE, COLUMNS = 160, 120, 16, 10  # pixels of a picture and its line of text; pictures a row


def cell(image: np.ndarray, result: Result, name: str) -> Image.Image:
    """One photo with its mask, and below it its confidence and name."""
    picture = Image.fromarray(overlay_mask(image, result.mask))
    picture.thumbnail((WIDTH, HEIGHT))
    sheet = Image.new("RGB", (WIDTH + 6, HEIGHT + LINE + 4), "white")
    sheet.paste(picture, ((WIDTH - picture.width) // 2 + 3, HEIGHT - picture.height + 2))
    said = f"{result.confidence:.2f}  {'' if result.found else 'nothing found  '}{name}"
    ImageDraw.Draw(sheet).text((3, HEIGHT + 3), said[:26], "black", ImageFont.load_default(11))
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--limit", type=int, default=60)
    parser.add_argument("--recipe", default="simsam")
    parser.add_argument("--backbone", default=WHEEL_BACKBONE)
    args = parser.parse_args()
    check_least("limit", args.limit)
    backbone, recipe = load_backbone(args.backbone), get_recipe(args.recipe)
    paths = list_images(args.folder)
    paths = [
        paths[i] for i in np.linspace(0, len(paths) - 1, min(args.limit, len(paths))).round().astype(int)
    ]
    cells = []
    for path in tqdm(paths, unit="photo"):
        image = load_image(path)
        result = segment(image, recipe, backbone)
        cells.append((result.confidence, cell(image, result, path.stem)))
    cells.sort(key=lambda one: one[0])
    w, h = cells[0][1].size
    sheet = Image.new("RGB", (COLUMNS * w, -(-len(cells) // COLUMNS) * h), "white")
    for i, (_, picture) in enumerate(cells):
        sheet.paste(picture, (i % COLUMNS * w, i // COLUMNS * h))
    with atomic_write(args.out) as path:
        sheet.save(path, format="PNG")


if __name__ == "__main__":
    main()
