"""`cutouts`: 60 composed images with exact masks, shipped with the package.

They are synthetic: photographic cutouts on crops of other photographs. `data/cutouts/README.md` says where
they come from, under which licence, and what they can and cannot show.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable

import numpy as np
from PIL import Image

from simsam.errors import SimsamError

CLASSES = ("background", "bird", "hoofed", "flower", "fruit", "vehicle", "instrument")
"""Class names; the values of a class map index them."""


@dataclass(frozen=True)
class Cutout:
    """One image of the data set. Its pixels are read when they are first asked for.

    `classes` names the class of each object, in the order of the instance numbers 1, 2, ...
    """

    id: str
    classes: tuple[str, ...]
    folder: Traversable

    @cached_property
    def image(self) -> np.ndarray:
        """The image, (H, W, 3) uint8."""
        return self._read("images", ".jpg", "RGB")

    @cached_property
    def instances(self) -> np.ndarray:
        """(H, W) uint8: 0 for the background, then one number for each object."""
        return self._read("instances", ".png", "P")

    @cached_property
    def class_map(self) -> np.ndarray:
        """(H, W) uint8: 0 for the background, else the object's index in `CLASSES`."""
        return self._read("classes", ".png", "P")

    @cached_property
    def mask(self) -> np.ndarray:
        """(H, W) bool: True on any object."""
        return self.class_map > 0

    def _read(self, kind: str, suffix: str, mode: str) -> np.ndarray:
        with (self.folder / kind / f"{self.id}{suffix}").open("rb") as file, Image.open(file) as picture:
            return np.array(picture.convert(mode))


def load_cutouts() -> list[Cutout]:
    """All images of the data set in the order of their ids; raises `SimsamError` if it is not installed."""
    folder = files("simsam") / "data" / "cutouts"
    try:
        text = (folder / "index.csv").read_text(encoding="utf-8")
    except OSError as error:
        raise SimsamError("the images of cutouts are missing: reinstall simsam with its data.") from error
    rows = csv.DictReader(text.splitlines())
    return [Cutout(row["id"], tuple(row["classes"].split()), folder) for row in rows]
