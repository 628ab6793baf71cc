"""Data sets to measure on: one call, whatever their layout on disk.

>>> from simsam.datasets import open_dataset
>>> for sample in open_dataset("ecssd", "ECSSD", select="3/4"):  # doctest: +SKIP
...     image, truth = sample.load_image(), sample.truth

Nothing is downloaded: each set is to be fetched from its official page, which the error for a missing folder
names. Only `cutouts` comes with the package.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from simsam.datasets.layouts import NotFoundError, Samples
from simsam.datasets.sample import Dataset, Sample, pick
from simsam.datasets.sources import DATASETS, TASKS, Source
from simsam.errors import SimsamError, unknown
from simsam.metrics import VOID

__all__ = ["DATASETS", "TASKS", "VOID", "Dataset", "Sample", "Source", "open_dataset"]


def open_dataset(
    name: str,
    root: str | Path | None = None,
    task: str = "object",
    *,
    split: str | None = None,
    select: str | None = None,
    limit: int | None = None,
    crop: bool | None = None,
) -> Dataset:
    """Open the data set `name` that lies in the folder `root`, for the task "object" or "semantic".

    Every set is also read from plain `images/` and `masks/`, as long as no `split` is named. `cutouts` needs
    no root.

    - `split`: duts and cub test (default) or train; voc2012 val (default), train or trainval; camvid val
      (default), train or test.
    - `select` "R/M": only ids that leave R when divided by M. `limit`: the first so many of the ids in order.
    - `crop`: cut image and truth to the central square; by default only cub does, as in DSM's protocol.

    The object task of voc2012 takes every pixel of any class as object (void is not), and the annotated boxes
    of all objects, difficult or not; camvid, a street scene all over, has no object task.

    Raises `SimsamError` for an unknown name, task or split; a folder that is not there or does not hold the
    set (the error says what was expected and where the set is to be had); an image without its mask or the
    reverse.
    Masks are checked when they are read: their size, their mode, their range of labels.
    """
    if name not in DATASETS:
        raise unknown("dataset", name, DATASETS)
    source = DATASETS[name]
    _check_task(name, source, task)
    if split is not None and not source.splits:
        raise SimsamError(f"{name} has no splits, but split {split!r} was asked for: leave it out.")
    if split is not None and split not in source.splits:
        raise unknown(f"split of {name}", split, source.splits)
    samples, classes = _open(name, source, root, task, split)
    if source.crop if crop is None else crop:
        samples = [dataclasses.replace(sample, crop=True) for sample in samples]
    return Dataset(name, task, classes, pick(samples, select, limit))


def _check_task(name: str, source: Source, task: str) -> None:
    if task not in TASKS:
        raise unknown("task", task, TASKS)
    if task not in source.tasks:
        able = ", ".join(other for other, known in DATASETS.items() if task in known.tasks)
        raise SimsamError(
            f"{name} has no {task} task, only {' and '.join(source.tasks)}: sets that have one are {able}."
        )


def _open(name: str, source: Source, root: str | Path | None, task: str, split: str | None) -> Samples:
    """Samples and class names; an error says what was expected where, and where the set is to be had."""
    if source.packaged:
        return source.open(root, task, split)
    advice = f"{name} expects {source.expected}; {source.title} is to be had from {source.url}."
    if root is None:
        raise SimsamError(f"no root folder was given: {advice}")
    root = Path(root).expanduser()
    try:
        if not root.is_dir():
            raise SimsamError(f"there is no folder {root}: {advice}")
        return source.open(root, task, split)
    except NotFoundError:
        what = f"the split {split!r} of {name}" if split else name
        raise SimsamError(f"{root} does not hold {what}: {advice}") from None
    except OSError as error:
        what = f"cannot read {error.filename or root}: {error.strerror}"
        raise SimsamError(f"{what}; give a folder that can be read.") from error
