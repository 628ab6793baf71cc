"""What every data set is made of: samples, and the rule that picks some of them."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import overload

import numpy as np

from simsam.data.decoding import local_path
from simsam.data.images import load_image, load_layers
from simsam.errors import SimsamError


@dataclasses.dataclass(frozen=True)
class Sample:
    """One image with its ground truth. Nothing is kept: each access reads the file again.

    A sample can be pickled, so that several processes can share a data set.
    """

    id: str
    path: Path  # of the image
    read_image: Callable[[], np.ndarray]
    read_truth: Callable[[], np.ndarray]
    read_boxes: Callable[[], np.ndarray] | None = None
    read_void: Callable[[], np.ndarray] | None = None
    read_layers: Callable[[], tuple[np.ndarray, np.ndarray | None]] | None = None
    crop: bool = False  # to the central square of side min(H, W), image and truth alike

    def load_image(self) -> np.ndarray:
        """The image (H, W, 3) uint8."""
        return self.window(self.read_image())

    def load_layers(self) -> tuple[np.ndarray, np.ndarray | None]:
        """The image, and its opacity (H, W) uint8: None where nothing is transparent."""
        image, opacity = (self.read_image(), None) if self.read_layers is None else self.read_layers()
        return self.window(image), None if opacity is None else self.window(opacity)

    @property
    def truth(self) -> np.ndarray:
        """Object task: mask (H, W) bool. Semantic task: labels (H, W) uint8, 255 where there is no class."""
        return self.window(self.read_truth())

    @property
    def void(self) -> np.ndarray | None:
        """Object task: where it is open whether there is an object, (H, W) bool; such pixels count nowhere.
        None if the set has no such pixels, or marks them in its truth."""
        if self.read_void is None:
            return None
        void = self.window(self.read_void())
        if void.all():
            raise SimsamError(f"the truth of {self.path} is void all over: there is nothing to measure.")
        return void

    @property
    def boxes(self) -> np.ndarray | None:
        """Annotated boxes (M, 4) float, (top, left, bottom, right), ends exclusive; None if the set has none.

        A crop clips them; a box that lies outside it is left out.
        """
        if self.read_boxes is None:
            return None
        boxes = self.read_boxes()
        if self.crop:
            top, left, side = _central_square(self.read_truth().shape)
            boxes = np.clip(boxes - [top, left, top, left], 0, side)
            boxes = boxes[(boxes[:, 2:] > boxes[:, :2]).all(axis=1)]
        return boxes

    def window(self, pixels: np.ndarray) -> np.ndarray:
        """What counts of an array (H, W, ...) of the whole image: all of it, or with `crop` its central
        square."""
        if not self.crop:
            return pixels
        top, left, side = _central_square(pixels.shape[:2])
        return pixels[top : top + side, left : left + side]


def _central_square(shape: tuple[int, int]) -> tuple[int, int, int]:
    """(top, left, side) of the largest central square of an (H, W) image."""
    side = min(shape)
    return round((shape[0] - side) / 2), round((shape[1] - side) / 2), side


@dataclasses.dataclass(frozen=True, eq=False)
class Dataset(Sequence[Sample]):
    """Samples in the natural order of their ids ("2" before "10"), and the names of the classes.

    `classes[label]` names a label of the truth; for the object task these are background and object.
    """

    name: str
    task: str
    classes: tuple[str, ...]
    samples: tuple[Sample, ...] = dataclasses.field(repr=False)

    def __len__(self) -> int:
        return len(self.samples)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Dataset: ...
    def __getitem__(self, index: int | slice) -> Sample | Dataset:
        """One sample, or for a slice a smaller data set."""
        picked = self.samples[index]
        return dataclasses.replace(self, samples=picked) if isinstance(index, slice) else picked


def natural(name: str) -> tuple[list[str | int], str]:
    """Sort key that reads runs of digits as numbers: "a2" before "a10"; the name itself breaks ties."""
    parts = re.split(r"([0-9]+)", name)  # text and digits in turn, text first
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], name


def pick(samples: Sequence[Sample], select: str | None, limit: int | None) -> tuple[Sample, ...]:
    """The samples whose id leaves R when divided by M, for `select` "R/M", then the first `limit` of those.

    So "1/4" and "3/4" are two halves of the odd ids: one to tune on, one to report on. Ids must be whole
    numbers for `select`.
    """
    picked = tuple(sorted(samples, key=lambda sample: natural(sample.id)))
    if select is not None:
        match = re.fullmatch(r"([0-9]+)/([0-9]+)", select)
        if match is None or not int(match[1]) < int(match[2]):
            raise SimsamError(
                f"select {select!r}: expected 'R/M' with R < M, such as '1/4' for the ids that leave 1 when "
                "divided by 4."
            )
        other = next((sample.id for sample in picked if not re.fullmatch("[0-9]+", sample.id)), None)
        if other is not None:
            raise SimsamError(f"select {select!r} needs numbers for ids, but there is {other!r}: use limit.")
        picked = tuple(sample for sample in picked if int(sample.id) % int(match[2]) == int(match[1]))
    if limit is not None and limit < 1:
        raise SimsamError(f"limit {limit}: expected at least one image.")
    if not picked:
        raise SimsamError(f"no image of {len(samples)} is left by select {select!r}: choose another.")
    return picked[:limit]


def as_samples(images: Sequence[object]) -> Sequence[Sample]:
    """Samples as they are; a path gets its name for an id, a PIL image or an array its place."""
    return images if isinstance(images, Dataset) else [_as_sample(i, image) for i, image in enumerate(images)]


def _as_sample(i: int, image: object) -> Sample:
    if isinstance(image, Sample):
        return image
    path = local_path(image) if isinstance(image, str | Path) else Path(f"image {i}")
    reading = functools.partial(load_image, image), _no_truth
    return Sample(path.name, path, *reading, read_layers=functools.partial(load_layers, image))


def _no_truth() -> np.ndarray:
    raise SimsamError("an image of a folder has no ground truth: open a data set for that.")
