"""Many photos in, many files out: reading, forward and writing overlap; none stops the others."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from simsam.errors import SimsamError
from simsam.features import extract
from simsam.pipeline import Recipe, Result, segment_features
from simsam.scale.batches import Item, each, read_batches
from simsam.weights import Backbone

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

    def work(items: list[Item]) -> list[Result]:
        images = [item.image for item in items]
        features = extract(images, backbone, recipe.tokens, recipe.block, recipe.size)
        return segment_features(features, images, recipe, backbone.source)

    with tqdm(total=len(paths), unit="photo", disable=not progress) as bar, ThreadPoolExecutor(1) as pool:
        waiting: list[tuple[int, Future]] = []
        for items in read_batches(paths, backbone.patch, recipe.size, batch_size, workers=workers):
            bar.update(len(items))
            if items[0].error is not None:  # such a one comes alone
                failed[items[0].index] = items[0].error
                continue
            results = each(work, items)
            finish(waiting)
            waiting = []
            for i, result in zip((item.index for item in items), results, strict=True):
                if isinstance(result, SimsamError):
                    failed[i] = f"{paths[i]}: {result}"
                else:
                    waiting.append((i, pool.submit(write, paths[i], names[i], result)))
        finish(waiting)
    return {paths[i]: failed[i] for i in sorted(failed)}
