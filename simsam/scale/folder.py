"""Many photos in, many files out: reading, forward and writing overlap; none stops the others."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from simsam.errors import SimsamError
from simsam.features import extract
from simsam.pipeline import Recipe, Result, segment_features
from simsam.scale.batches import Item, each, read_batches
from simsam.scale.cache import clock
from simsam.scale.record import Record
from simsam.weights import Backbone

Write = Callable[[Path, str, Result], Iterable[Path] | None]


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
    record: Record | None = None,
    made: Mapping[str, object] | None = None,
) -> dict[Path, str]:
    """Segment every path and call `write(path, name, result)`; returns path -> what went wrong, in order.

    Worker processes read ahead, photos of one grid go through the stages `batch_size` at a time, and a thread
    writes while the next batch is computed. Memory does not grow with the number of photos: at most one
    batch waits to be written. `record` gets a line for each photo: `made` (see `making`), box,
    area (a share), seconds (computing; a batch's in equal parts), notes (what was guessed) and the files that
    `write` gives; or the error.
    """
    failed: dict[int, str] = {}

    def fail(item: Item, why: str) -> None:
        failed[item.index] = why
        if record is not None:
            with contextlib.suppress(SimsamError):  # a full disk has been told of already
                record.add(names[item.index], paths[item.index], item.sha256, **(made or {}), error=why)

    def keep(item: Item, result: Result, seconds: float) -> None:
        outputs = write(paths[item.index], names[item.index], result)
        if record is not None:
            fields = {"box": result.box, "area": round(float(result.mask.mean()), 6)}
            fields |= {"seconds": round(seconds, 4), "notes": item.notes}
            about = (names[item.index], paths[item.index], item.sha256)
            record.add(*about, **(made or {}), **fields, outputs=outputs or ())

    def finish(jobs: list[tuple[Item, Future]]) -> None:
        for item, job in jobs:
            try:
                job.result()
            except SimsamError as error:
                fail(item, str(error))

    def work(items: list[Item]) -> list[Result]:
        images = [item.image for item in items]
        features = extract(images, backbone, recipe.tokens, recipe.block, recipe.size)
        return segment_features(features, images, recipe, backbone.source)

    reading = {"workers": workers, "digest": record is not None}
    with tqdm(total=len(paths), unit="photo", disable=not progress) as bar, ThreadPoolExecutor(1) as pool:
        waiting: list[tuple[Item, Future]] = []
        for items in read_batches(paths, backbone.patch, recipe.size, batch_size, **reading):
            bar.update(len(items))
            if items[0].error is not None:  # such a one comes alone
                fail(items[0], items[0].error)
                continue
            start = clock(backbone.device)
            results = each(work, items)
            seconds = (clock(backbone.device) - start) / len(items)
            finish(waiting)
            waiting = []
            for item, result in zip(items, results, strict=True):
                if isinstance(result, SimsamError):
                    fail(item, f"{paths[item.index]}: {result}")
                else:
                    waiting.append((item, pool.submit(keep, item, result, seconds)))
        finish(waiting)
    return {paths[i]: failed[i] for i in sorted(failed)}
