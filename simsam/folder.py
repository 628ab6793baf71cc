"""Chapter 10. Many photos in, many files out: reading, forward and writing overlap; none stops the others."""

from __future__ import annotations

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
    """A name for what is made of each path: its stem, or its whole name where two stems agree.

    Raises `SimsamError` when two inputs would write the same file even so.
    """
    stems = Counter(p.stem for p in paths)
    names = [p.stem if stems[p.stem] == 1 else p.name for p in paths]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise SimsamError(f"two inputs are named {twice[0]!r} and would write the same file: run them apart.")
    return names


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
