"""Photos of many sizes, read ahead in worker processes, in batches that share one grid: the one reader of
all.

Which photos come together depends on the list alone, neither on the number of processes nor on what is done
already: sums of floats depend on what is computed together.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from simsam.data import Sample, as_samples, header_shape, local_path
from simsam.errors import SimsamError, check_least, collect, tell
from simsam.features import Size, plan, tell_if_thin
from simsam.scale.record import digest_of

T = TypeVar("T")


@dataclass(frozen=True)
class Options:
    """How a run over many photos is carried out, whatever it computes. Raises `SimsamError` for a batch below
    1, and for an address in place of a file.

    file: the result goes there as JSON, and while the run goes on, what is done already goes beside it.
    cache: a folder in which what is slow to compute is kept and looked up. batch: photos of one grid computed
    together (None: 1 on a CPU, 16 on a GPU). progress: a bar on stderr.
    """

    file: str | Path | None = None
    cache: str | Path | None = None
    batch: int | None = None
    progress: bool = False

    def __post_init__(self) -> None:
        check_least("batch", self.batch)
        for name in ("file", "cache"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else local_path(value))

    def batch_on(self, device: torch.device) -> int:
        return self.batch or (1 if device.type == "cpu" else 16)


@dataclass(frozen=True)
class Item:
    """One photo of a run: its place in the list, and either the image (H, W, 3) uint8, with its truth, true
    boxes and void pixels where they were asked for, or what went wrong.

    opacity (H, W) uint8: None where nothing is transparent. sha256: of its file, where that was asked for and
    there is one. notes: what was guessed of it.
    """

    index: int
    image: np.ndarray | None = None
    opacity: np.ndarray | None = None
    truth: np.ndarray | None = None
    boxes: np.ndarray | None = None
    void: np.ndarray | None = None
    error: str | None = None
    sha256: str = ""
    notes: tuple[str, ...] = ()


Read = tuple[tuple[int, int] | None, Item]  # with its grid, where it has one


def grid_batches(samples: Sequence[Sample], patch: int, size: Size, batch: int = 1) -> list[list[int]]:
    """The indices of the samples in batches of at most `batch` and of one grid, the largest grids first.

    A file whose header tells no size comes alone, last.
    """
    groups: dict[tuple[int, int] | None, list[int]] = defaultdict(list)
    for i, sample in enumerate(samples):
        groups[_promised_grid(sample, patch, size)].append(i)
    alone = [[i] for i in groups.pop(None, [])]
    order = sorted(groups, key=lambda grid: (-grid[0] * grid[1], grid))
    return [groups[g][i : i + batch] for g in order for i in range(0, len(groups[g]), batch)] + alone


def read_batches(
    sources: Sequence[object],
    patch: int,
    size: Size,
    batch: int = 1,
    *,
    batches: Sequence[list[int]] | None = None,
    truth: bool = False,
    digest: bool = False,
    workers: int | None = None,
) -> Iterator[list[Item]]:
    """Batches of samples (or paths, or arrays) whose grids agree, each once, as `grid_batches` says.

    `batches`: only those, in that order. `truth`: with the ground truth. `digest`: with each file's hash.
    `workers` processes read ahead (default: one where there is more than one core). What was guessed of a
    photo is told (`simsam.errors.tell`) in the process that asks. A sample that cannot be read, is too
    small, or brings the process down that reads it, comes alone, with its error, and stops nothing; where a
    header lied, its batch comes in parts.
    """
    samples = as_samples(sources)
    batches = grid_batches(samples, patch, size, batch) if batches is None else list(batches)
    if workers is None:
        workers = min(1, (os.cpu_count() or 1) - 1, len(batches) - 1)
    reader = _Reader(samples, patch, size, truth, digest)
    for read in _surviving(reader, batches, max(0, min(workers, len(batches)))):
        parts: dict[object, list[Item]] = defaultdict(list)
        for grid, item in read:
            for note in item.notes:
                tell(note)
            if item.error is None:
                parts[grid].append(item)
            else:
                yield [item]
        yield from parts.values()


def _surviving(reader: _Reader, batches: Sequence[list[int]], workers: int) -> Iterator[list[Read]]:
    """The batches in their order, whatever becomes of the processes that read ahead.

    Where one dies, for lack of memory or in a decoder that crashes, the batch that is missing is read again,
    each photo in a process of its own: the one that brings that down too is at fault. Then it goes on.
    """
    done = 0
    while done < len(batches):
        try:
            for read in _load(reader, batches[done:], workers):
                yield read
                done += 1
        except _DiedError:
            yield [_alone(reader, index) for index in batches[done]]
            done += 1


def _alone(reader: _Reader, index: int) -> Read:
    try:
        ((read,),) = _load(reader, [[index]], 1)
        return read
    except _DiedError:
        why = (
            f"{reader.samples[index].path} brought the process down that read it, most likely for lack of "
            "memory: make it smaller, or save it anew."
        )
        return None, Item(index, error=why)


class _DiedError(Exception):
    """A process that reads ahead is no more."""


def _load(reader: _Reader, batches: Sequence[list[int]], workers: int) -> Iterator[list[Read]]:
    """What torch's loader gives; raises `_DiedError` when one of its processes died."""
    how = {"num_workers": workers, "collate_fn": list, "worker_init_fn": end_with_parent}
    with warnings.catch_warnings():  # torch counts the cores, and says so, where the user asks for more
        warnings.filterwarnings("ignore", message=".*worker", category=UserWarning)
        loader = iter(DataLoader(reader, batch_sampler=batches, **how))
    with _deaf_to_children():
        while True:
            try:
                read = next(loader, None)
            except RuntimeError as error:
                if "DataLoader worker" in str(error):
                    raise _DiedError from error
                raise
            if read is None:
                return
            yield read


@contextlib.contextmanager
def _deaf_to_children() -> Iterator[None]:
    """Without torch's handler for the end of its processes, which raises in whatever the main thread is at,
    be it the computing of a batch; asked for the next batch, the loader finds out as well."""
    if not hasattr(signal, "SIGCHLD") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, before or signal.SIG_DFL)


def each(work: Callable[[list[Item]], Sequence[T]], items: list[Item]) -> list[T | SimsamError]:
    """`work` on a batch, a result an item; where it raises, on each item by itself: one photo at fault does
    not spoil the others."""
    try:
        return list(work(items))
    except SimsamError as error:
        if len(items) == 1:
            return [error]
    return [result for item in items for result in each(work, [item])]


def _promised_grid(sample: Sample, patch: int, size: Size) -> tuple[int, int] | None:
    """The grid that a file's header promises; None where it cannot be read, or is too small."""
    try:
        shape = header_shape(sample.path)
        return plan((min(shape), min(shape)) if sample.crop else shape, patch, size).grid
    except Exception:  # damaged headers and damaged EXIF each fail in their own way; reading will say how
        return None


def end_with_parent(_: int = 0) -> None:
    """In a process that reads ahead: end when its parent does, whatever ended that.

    torch looks for the parent as well, but then waits for somebody to take what it has read.
    """
    parent = multiprocessing.parent_process()

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


class _Reader(Dataset):
    def __init__(self, samples: Sequence[Sample], patch: int, size: Size, truth: bool, digest: bool):
        self.samples, self.patch, self.size, self.truth, self.digest = samples, patch, size, truth, digest

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Read:
        sample, sha256 = self.samples[index], ""
        with collect() as notes:
            try:
                # hashed first: a file that changes in between has its old hash, and will be done anew
                sha256 = digest_of(sample.path) if self.digest else ""
                image, opacity = sample.load_layers()
                where = plan(image.shape[:2], self.patch, self.size, str(sample.path))
                tell_if_thin(where, self.patch, self.size, str(sample.path))
                truth = (sample.truth, sample.boxes, sample.void) if self.truth else (None, None, None)
                return where.grid, Item(index, image, opacity, *truth, sha256=sha256, notes=tuple(notes))
            except SimsamError as error:
                why = str(error)
            except Exception as error:  # one photo stops nothing, and a process has no other way to tell
                why = f"{sample.path} cannot be read ({type(error).__name__}: {error})."
        return None, Item(index, error=why, sha256=sha256)
