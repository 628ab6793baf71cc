"""Many photos in, many files out: reading, forward and writing overlap; none stops the others."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
Outcome = Result | SimsamError


def run_folder(
    paths: Sequence[Path],
    names: Sequence[str],
    recipe: Recipe,
    backbone: Backbone,
    write: Write,
    *,
    progress: bool = True,
    **options,
) -> dict[Path, str]:
    """Segment every path and call `write(path, name, result)`; returns path -> what went wrong, in order.

    `progress`: a bar on stderr. `options`: see `stream`.
    """
    failed: dict[int, str] = {}
    with tqdm(total=len(paths), unit="photo", disable=not progress) as bar:
        for index, outcome in stream(paths, names, recipe, backbone, write, **options):
            bar.update()
            if isinstance(outcome, SimsamError):
                failed[index] = str(outcome)
    return {paths[i]: failed[i] for i in sorted(failed)}


def stream(
    paths: Sequence[Path],
    names: Sequence[str],
    recipe: Recipe,
    backbone: Backbone,
    write: Write,
    *,
    batch_size: int = 1,
    workers: int | None = None,
    record: Record | None = None,
    made: Mapping[str, object] | None = None,
) -> Iterator[tuple[int, Outcome]]:
    """For each path, in the order of grids: its index, and its result once `write(path, name, result)` is
    done with it, or what went wrong.

    Worker processes read ahead, photos of one grid go through the stages `batch_size` at a time, and a thread
    writes while the next batch is computed. Memory does not grow with the number of photos: at most one
    batch waits to be written. `record` gets a line for each photo: `made` (see `making`), box, area (a
    share), confidence, found (an object, as far as that tells), seconds (computing; a batch's in equal
    parts), notes (what was guessed) and the files that `write` gives; or the error.
    """

    def fail(item: Item, error: SimsamError) -> tuple[int, SimsamError]:
        if record is not None:
            with contextlib.suppress(SimsamError):  # a full disk has been told of already
                about = (names[item.index], paths[item.index], item.sha256)
                record.add(*about, **(made or {}), error=str(error))
        return item.index, error

    def keep(item: Item, result: Result, seconds: float) -> Result:
        outputs = write(paths[item.index], names[item.index], result)
        if record is not None:
            fields = {"box": result.box, "area": round(float(result.mask.mean()), 6)}
            fields |= {"confidence": round(result.confidence, 4), "found": result.found}
            fields |= {"seconds": round(seconds, 4), "notes": item.notes}
            about = (names[item.index], paths[item.index], item.sha256)
            record.add(*about, **(made or {}), **fields, outputs=outputs or ())
        return result

    def finish(jobs: list[tuple[Item, Future]]) -> Iterator[tuple[int, Outcome]]:
        for item, job in jobs:
            try:
                yield item.index, job.result()
            except SimsamError as error:
                yield fail(item, error)

    def work(items: list[Item]) -> list[Result]:
        images, opacities = [item.image for item in items], [item.opacity for item in items]
        features = extract(images, backbone, recipe.tokens, recipe.block, recipe.size)
        results = segment_features(features, images, recipe, backbone.source, opacities)
        if record is not None:  # which tells the confidence
            for result in results:  # here, since two threads in torch wait for each other
                _ = result.evidence
        return results

    reading = {"workers": workers, "digest": record is not None}
    with ThreadPoolExecutor(1) as pool:
        waiting: list[tuple[Item, Future]] = []
        for items in read_batches(paths, backbone.patch, recipe.size, batch_size, **reading):
            if items[0].error is not None:  # such a one comes alone
                yield fail(items[0], SimsamError(items[0].error))
                continue
            start = clock(backbone.device)
            results = each(work, items)
            seconds = (clock(backbone.device) - start) / len(items)
            yield from finish(waiting)
            waiting = []
            for item, result in zip(items, results, strict=True):
                if isinstance(result, SimsamError):
                    yield fail(item, SimsamError(f"{paths[item.index]}: {result}"))
                else:
                    waiting.append((item, pool.submit(keep, item, result, seconds)))
        yield from finish(waiting)
