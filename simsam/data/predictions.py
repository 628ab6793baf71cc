"""Masks that any tool made of the images of a data set: which file is whose, and what it holds."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from simsam.data.decoding import decode, is_folder, local_path
from simsam.data.listing import image_folders, list_images
from simsam.data.samples import Dataset, Sample
from simsam.errors import SimsamError

# what may stand in a file's name after that of its image; the ending that most images have is the folder's
ENDINGS = {"object": ("_mask", ""), "semantic": ("_labels", "_mask", "")}
COLORED = 16  # levels by which channels may differ in a gray picture: JPEG moves them a little
MOST_LABELS = 256


def find_masks(dataset: Dataset, folder: str | Path) -> dict[str, Path]:
    """The file in `folder` that belongs to each image, by the image's id; none for an image without one.

    The name is that of the image, NAME, with any suffix of an image ("a.png", and "a.jpg.png" for a.jpg), or
    NAME_mask, or for label maps NAME_labels: one way for the whole folder, that of most images. The file lies
    in a folder below as its image does, or in `folder` itself, or is the only one of its name.
    Raises `SimsamError` where there is no folder, no image in it, or more than one file for an image.
    """
    folder = local_path(folder)
    if not is_folder(folder):
        raise SimsamError(f"there is no folder {folder}: give the one that holds the masks.")
    photos = {os.path.realpath(sample.path) for sample in dataset}
    files: dict[str, list[Path]] = defaultdict(list)
    for home in image_folders(folder):
        for path in list_images(home):
            if os.path.realpath(path) not in photos:
                files[path.stem].append(path)
    root = os.path.commonpath([sample.path.absolute().parent for sample in dataset])
    ways = []
    for ending in ENDINGS[dataset.task]:
        found = {sample.id: _candidates(sample, root, folder, ending, files) for sample in dataset}
        ways.append({name: paths for name, paths in found.items() if paths})
    best = max(ways, key=len)  # the first of equals
    return {name: _only(name, paths) for name, paths in best.items()}


def _candidates(
    sample: Sample, root: str, folder: Path, ending: str, files: dict[str, list[Path]]
) -> list[Path]:
    """The files that may be an image's, in the nearest place that has any."""
    names = (sample.path.stem + ending, sample.path.name + ending)
    paths = [path for name in names for path in files.get(name, [])]
    mirrored = folder / sample.path.absolute().parent.relative_to(root)
    for place in (mirrored, folder):
        if here := [path for path in paths if path.parent == place]:
            return here
    return paths


def _only(name: str, paths: list[Path]) -> Path:
    """The one file; of a PNG and others the PNG, since photos lie beside their masks in other formats."""
    several = [path for path in paths if path.suffix.lower() == ".png"] or paths
    if len(several) > 1:
        raise SimsamError(
            f"{several[0]} and {several[1]} may both be the mask of {name}: leave one of them there."
        )
    return several[0]


def read_levels(path: Path) -> np.ndarray:
    """How much each pixel is object, as a file says it: (H, W) float32, mostly in 0..255.

    Gray values as they are, those of 16 bits (if they need them) and floats up to 1 scaled to 255; where
    there is transparency, the opacity; of a palette that is not gray, 255 for every entry but the first.
    Raises `SimsamError` for a picture in colours, and for values beyond those.
    """

    def read(image: Image.Image) -> np.ndarray:
        image.load()
        if image.has_transparency_data:
            opacity = np.asarray(image.convert("RGBA"))[..., 3]
            if opacity.min() < 255:
                return opacity.astype(np.float32)
        if image.mode == "P" and not _is_gray(np.reshape(image.getpalette(), (-1, 3))):
            return (np.asarray(image) > 0) * np.float32(255)
        if image.mode in ("1", "L", "P", "LA", "PA"):
            return np.asarray(image.convert("L")).astype(np.float32)
        if image.mode[0] in "IF":
            return _scaled(np.asarray(image), path)
        colors = np.asarray(image.convert("RGB"))
        if not _is_gray(colors):
            raise SimsamError(
                f"the mask {path} is a picture in colours: expected black and white, gray values, or a "
                "cutout with transparency."
            )
        return colors[..., 1].astype(np.float32)

    return decode(path, f"the mask {path}", read)


def range_of(paths: Iterable[Path]) -> int:
    """What stands for object in masks of one tool: 255, or 1 where none of them holds more.

    Decided of all together: a file of zeros and ones alone may be a soft mask that hardly found anything.
    Raises `SimsamError` for values in between. A file that cannot be read counts for nothing here.
    """
    top, last = 0.0, None
    for path in paths:
        try:
            top, last = max(top, float(read_levels(path).max())), path
        except SimsamError:
            continue
        if top > 127:
            return 255
    if top > 1:
        raise SimsamError(
            f"the masks in {last.parent} hold values up to {top:g}: expected 0 and 255, 0 and 1, or soft "
            "masks from 0 to 255; label maps are of --task semantic."
        )
    return 1


def read_values(path: Path) -> np.ndarray:
    """Label map (H, W) int64 of a file: gray values, a palette's indices, or of a picture in colours a number
    a colour. Raises `SimsamError` for more than 256 of them: that is a photo."""

    def read(image: Image.Image) -> np.ndarray:
        if image.mode in ("1", "L", "P") or image.mode.startswith("I"):
            return np.asarray(image).astype(np.int64)
        colors = np.asarray(image.convert("RGB")).astype(np.int64)
        if (colors == colors[..., :1]).all():
            return colors[..., 0]
        return colors @ np.array([2**16, 2**8, 1])

    values = decode(path, f"the label map {path}", read)
    if (count := len(np.unique(values))) > MOST_LABELS:
        raise SimsamError(
            f"the label map {path} holds {count} values: expected at most {MOST_LABELS} labels."
        )
    return values


def _is_gray(colors: np.ndarray) -> bool:
    return bool((np.ptp(colors.astype(np.int16), axis=-1) <= COLORED).all())


def _scaled(values: np.ndarray, path: Path) -> np.ndarray:
    """Values of 16 or 32 bits as 0..255."""
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= 65535):  # or NaN
        raise SimsamError(
            f"the mask {path} holds values from {low:g} to {high:g}: expected 0 to 1, to 255, or to 65535."
        )
    top = 1 if values.dtype.kind == "f" and high <= 1 else 255 if high <= 255 else 65535
    return values.astype(np.float32) * np.float32(255 / top)
