"""`simsam diagnose PHOTO...`: whose features? What a backbone's tokens tell of it, block by block."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from simsam.data import (
    __version__,
    check_target,
    list_images,
    load_image,
    local_path,
    read_mask,
    write_json,
    write_png,
)
from simsam.errors import SimsamError
from simsam.measuring import Diagnosis, diagnose
from simsam.weights import WHEEL_BACKBONE, distances, load_backbone, whose_norm

COLUMNS = {"tokens": "<9", "block": ">6", "share": ">8.1%", "rank": ">8.1f", "cosine": ">8.2f"}
COLUMNS |= {"correlation": ">13.2f"}
HEIGHT = 160  # of a panel of the picture, in pixels
SHADES = np.array([[0, 34, 78], [65, 77, 107], [124, 123, 120], [188, 175, 111], [254, 232, 56]])  # cividis


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photos", nargs="+", metavar="PHOTO", help="photos, or folders of photos")
    parser.add_argument(
        "--masks", metavar="DIR", help="object masks, NAME.png for each photo NAME.*: correlate with them"
    )
    parser.add_argument("--backbone", default=WHEEL_BACKBONE, help="a name such as dino_vits16")
    parser.add_argument("--weights", metavar="FILE", help="weights of the backbone, a safetensors file")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")
    parser.add_argument("--size", type=int, default=480, metavar="PIXELS", help="long side (default: 480)")
    parser.add_argument("--json", metavar="FILE", help="write the rows as JSON")
    parser.add_argument(
        "--png", metavar="FILE", help="draw each photo and its first components, block by block"
    )


def run(args: argparse.Namespace) -> int:
    # before all the work
    args.json, args.png = (path and check_target(path) for path in (args.json, args.png))
    paths = list_images(args.photos)
    masks = [find_mask(path, local_path(args.masks)) for path in paths] if args.masks else None
    found = diagnose(load_backbone(args.backbone, args.weights, args.device), paths, masks, args.size)
    print(f"{found.backbone}, from {found.source}; labels in its training: {found.labels}")
    print(f"{len(paths)} photos at size {args.size}" if len(paths) > 1 else f"{paths[0]} at size {args.size}")
    print_rows(found)
    if found.norm and (said := whose_norm(found.norm)):
        print(said)
    if args.json:
        write_json(args.json, as_json(found, paths))
    if args.png:
        write_png(args.png, sheet(found, paths))
        print(f"{args.png}: each row a photo and its first components, {'; '.join(found.maps())}")
    return 0


def find_mask(photo: Path, folder: Path) -> np.ndarray:
    """The mask (H, W) bool of a photo; raises `SimsamError` where there is none, or none of its shape."""
    path = folder / f"{photo.stem}.png"
    if not path.is_file():
        raise SimsamError(f"{folder} holds no mask {path.name} for {photo}: give one mask a photo.")
    return read_mask(path, photo)


def print_rows(found: Diagnosis) -> None:
    columns = {name: form for name, form in COLUMNS.items() if name in found.rows[0]}
    print("".join(f"{name:{form.split('.')[0]}}" for name, form in columns.items()))
    for row in found.rows:
        print("".join(f"{row[name]:{form}}" for name, form in columns.items()))
    print("share: of the variance, in the first principal component; rank: effective; cosine: of two tokens")
    if "correlation" in columns:
        print("correlation: of the first component with the masks, without its sign")


def as_json(found: Diagnosis, photos: list[Path]) -> dict[str, object]:
    norm = found.norm
    return {
        "version": __version__,
        "backbone": found.backbone,
        "source": found.source,
        "sha256": found.sha256,
        "labels": found.labels,
        "photos": [str(photo) for photo in photos],
        "size": found.size,
        "rows": list(found.rows),
        "norm": norm
        and {
            "tokens": norm.tokens,
            "is_layer_norm": norm.fits,
            "median_distances": distances(norm),
            "weight": [round(value, 6) for value in norm.weight.tolist()],
            "bias": [round(value, 6) for value in norm.bias.tolist()],
        },
    }


def sheet(found: Diagnosis, photos: list[Path]) -> np.ndarray:
    """Each photo in a row with its first components, (H, W, 3) uint8; drawn without matplotlib."""
    rows = []
    for i, photo in enumerate(photos):
        image = load_image(photo)
        width = max(1, round(HEIGHT * image.shape[1] / image.shape[0]))
        fields = [shade(field.numpy()) for field in found.maps(i).values()]
        panels = [resized(image, width, Image.Resampling.LANCZOS)]
        panels += [resized(field, width, Image.Resampling.NEAREST) for field in fields]
        rows.append(np.concatenate(panels, 1))
    widest = max(row.shape[1] for row in rows)
    gaps = [((0, 4), (0, widest - row.shape[1]), (0, 0)) for row in rows]
    return np.concatenate([np.pad(row, gap, constant_values=255) for row, gap in zip(rows, gaps)])


def shade(field: np.ndarray) -> np.ndarray:
    """A field (h, w) from its least value, blue, to its largest, yellow: (h, w, 3) uint8."""
    values = (field - field.min()) / (np.ptp(field) or 1) * (len(SHADES) - 1)
    channels = [np.interp(values, range(len(SHADES)), channel) for channel in SHADES.T]
    return np.stack(channels, -1).round().astype(np.uint8)


def resized(pixels: np.ndarray, width: int, how: Image.Resampling) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize((width, HEIGHT), how))
