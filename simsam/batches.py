"""Chapter 10. Photos of many sizes, read ahead in worker processes, in batches that share one grid."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from simsam.errors import SimsamError
from simsam.features import plan, source_name
from simsam.images import load_image


@dataclass(frozen=True)
class Item:
    """One photo of a run: its place in the list, and either the image (H, W, 3) uint8 or what went wrong."""

    index: int
    image: np.ndarray | None
    error: str | None


class _Reader(Dataset):
    def __init__(self, sources: Sequence[object], load: Callable[[object], np.ndarray]):
        self.sources, self.load = sources, load

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, index: int) -> Item:
        try:
            return Item(index, self.load(self.sources[index]), None)
        except SimsamError as error:
            return Item(index, None, str(error))


def header_size(source: object) -> tuple[int, int] | None:
    """(H, W) from a file's header, its EXIF rotation applied, or None where it cannot be read."""
    try:
        with Image.open(source) as image:
            width, height = image.size
            turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        return (width, height) if turned else (height, width)
    except Exception:  # damaged headers and damaged EXIF each fail in their own way; `load` will say how
        return None


def read_batches(
    sources: Sequence[object],
    patch: int,
    size: int | tuple[int, int] | None,
    *,
    batch_size: int = 1,
    workers: int | None = None,
    load: Callable[[object], np.ndarray] = load_image,
    shape: Callable[[object], tuple[int, int] | None] = header_size,
) -> Iterator[list[Item]]:
    """Batches of at most `batch_size` photos whose grids agree, each photo once, largest grids first.

    A photo that cannot be read, or is too small, comes alone, with its error, and stops nothing. `workers`
    processes read ahead (default: one where there is more than one core). The order depends on the sizes
    alone; `Item.index` tells where a result belongs.
    """
    groups: dict[object, list[int]] = defaultdict(list)
    for index, source in enumerate(sources):
        groups[_grid(shape(source), patch, size)].append(index)
    order = sorted(groups, key=lambda grid: (grid is None, grid and (-grid[0] * grid[1], grid)))
    batches = []
    for grid in order:
        step = batch_size if grid is not None else 1
        batches += [groups[grid][i : i + step] for i in range(0, len(groups[grid]), step)]
    if workers is None:
        workers = min(1, (os.cpu_count() or 1) - 1, len(batches) - 1)
    loader = DataLoader(
        _Reader(sources, load), batch_sampler=batches, num_workers=max(workers, 0), collate_fn=list
    )
    for items in loader:
        yield from _agreeing(items, sources, patch, size)


def _grid(shape: tuple[int, int] | None, patch: int, size: object) -> tuple[int, int] | None:
    try:
        return None if shape is None else plan(shape, patch, size).grid
    except SimsamError:
        return None


def _agreeing(items: list[Item], sources: Sequence[object], patch: int, size: object) -> Iterator[list[Item]]:
    """The batch as it is when the grids of what was read agree, as the headers promised; else in parts."""
    parts: dict[object, list[Item]] = defaultdict(list)
    for item in items:
        if item.error is not None:
            yield [item]
            continue
        try:
            grid = plan(item.image.shape[:2], patch, size, source_name(sources[item.index])).grid
        except SimsamError as error:
            yield [Item(item.index, None, str(error))]
        else:
            parts[grid].append(item)
    yield from parts.values()
