"""Chapter 10. Many photos in, many files out: reading, forward and writing overlap; none stops the others."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from simsam.backbones import Backbone
from simsam.batches import read_batches
from simsam.errors import SimsamError
from simsam.features import extract
from simsam.pipeline import Result, segment_features
from simsam.recipes import Recipe

Write = Callable[[Path, str, Result], None]


def output_names(paths: Sequence[Path]) -> list[str]:
    """A name for what is made of each path: its stem, where that is not another's too.

    Where stems agree, paths of one folder keep their suffix ("x.jpg", "x.png"), and those of several folders
    have the folder's name before their own ("a_x", "b_x").
    Raises `SimsamError` when two inputs would write the same file even so.
    """
    homes = [Path(os.path.realpath(path.parent)) for path in paths]
    files = Counter(path.stem for path in paths)
    here = Counter((home, path.stem) for home, path in zip(homes, paths))
    names: dict[str, Path] = {}
    for path, home in zip(paths, homes):
        alone = here[home, path.stem]
        name = path.stem if alone == 1 else path.name
        if files[path.stem] > alone:
            name = f"{home.name}_{name}"
        other = names.setdefault(name, path)
        if other is not path:
            raise SimsamError(f"{other} and {path} would both be written as {name!r}: run them apart.")
    return list(names)


def run_folder(
    paths: Sequence[Path],
    names: Sequence[str],
    recipe: Recipe,
    backbone: Backbone,
    write: Write,
    *,
    batch_size: int = 1,
    workers: int | None = None,
    progress: bool = True,
) -> dict[Path, str]:
    """Segment every path and call `write(path, name, result)`; returns path -> what went wrong, in order.

    Worker processes read ahead, photos of one grid go through the stages `batch_size` at a time, and a thread
    writes while the next batch is computed. Memory does not grow with the number of photos: at most one
    batch waits to be written.
    """
    failed: dict[int, str] = {}

    def finish(jobs: list[tuple[int, Future]]) -> None:
        for index, job in jobs:
            try:
                job.result()
            except SimsamError as error:
                failed[index] = str(error)

    with tqdm(total=len(paths), unit="photo", disable=not progress) as bar, ThreadPoolExecutor(1) as pool:
        waiting: list[tuple[int, Future]] = []
        for items in read_batches(paths, backbone.patch, recipe.size, batch_size=batch_size, workers=workers):
            bar.update(len(items))
            good = [i for i in items if i.error is None]
            failed |= {i.index: i.error for i in items if i.error is not None}
            if not good:
                continue
            try:
                results = _segment([i.image for i in good], recipe, backbone)
            except SimsamError as error:
                failed |= {i.index: f"{paths[i.index]}: {error}" for i in good}
                continue
            finish(waiting)
            waiting = [
                (i.index, pool.submit(write, paths[i.index], names[i.index], r))
                for i, r in zip(good, results)
            ]
        finish(waiting)
    return {paths[i]: failed[i] for i in sorted(failed)}


def _segment(images: list, recipe: Recipe, backbone: Backbone) -> list[Result]:
    features = extract(images, backbone, recipe.tokens, recipe.block, recipe.size)
    return segment_features(features, images, recipe, backbone.source)
