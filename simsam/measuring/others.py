"""Masks that any tool made of a data set, measured as our own are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import numpy as np
from tqdm import tqdm

from simsam.data import (
    Dataset,
    Sample,
    code_version,
    find_masks,
    header_shape,
    local_path,
    range_of,
    read_levels,
    read_values,
    write_json,
)
from simsam.errors import SimsamError, unknown
from simsam.measuring import metrics
from simsam.measuring.comparisons import describe_set
from simsam.measuring.rows import truth_digest, worth
from simsam.measuring.run import summarise
from simsam.measuring.semantic import scores
from simsam.weights import LABELS

T = TypeVar("T")
MISSING = ("refuse", "zero")  # what may be done about images without a mask
NAMED = 3  # how many of them a sentence names


def evaluate_masks(
    dataset: Dataset,
    folder: str | Path,
    *,
    missing: str = "refuse",
    labels: str = "unknown",
    file: str | Path | None = None,
    progress: bool = False,
) -> dict:
    """The masks in `folder`, whatever made them, against the truth of a data set (`open_dataset`).

    An object data set is measured as `evaluate` does, a semantic one as `evaluate_semantic`. Which file is
    whose: `simsam.data.find_masks`. Object masks are black and white, or soft: cut at half of their range,
    their levels count in max_f. Label maps may hold any values: clusters, which are matched with the classes.

    `missing`: "zero" counts an image without a mask as an empty one (a label map: all of it 0), so that
    leaving out what is hard gains nothing. `labels`: what of human making the tool was
    trained with, as far as you know: one of `simsam.weights.LABELS`.

    Gives what those two give, but for all of recipe, backbone and seconds; and: masks (the folder's name),
    labels, weights ("unknown"), missing (ids), soft (how many masks hold gray values; of objects), values
    (of the label maps: what their columns of the confusions stand for). Written to `file` as JSON.
    Raises `SimsamError` for missing masks, unless they count as empty; for masks that cannot be read or are
    of another shape than their truth; and when nothing could be measured.
    """
    if missing not in MISSING:
        raise unknown("way with missing masks", missing, MISSING)
    if labels not in LABELS:
        raise unknown("kind of labels", labels, LABELS)
    folder = local_path(folder)
    found = find_masks(dataset, folder)
    absent = [sample.id for sample in dataset if sample.id not in found]
    _check_missing(absent, len(dataset), folder, missing)
    head = {
        **describe_set(dataset),
        "masks": folder.resolve().name,
        "labels": labels,
        "weights": "unknown",
        "version": code_version(),
        "missing": absent,
    }
    with tqdm(dataset, unit="image", disable=not progress) as samples:
        measure = _objects if dataset.task == "object" else _label_maps
        result = measure(dataset, samples, found, head)
    if file is not None:
        write_json(local_path(file), result)
    return result


def _check_missing(absent: list[str], count: int, folder: Path, missing: str) -> None:
    if not absent or (missing == "zero" and len(absent) < count):
        return
    first = ", ".join(absent[:NAMED]) + (", ..." if len(absent) > NAMED else "")
    advice = "make them, or count each as empty with --missing zero"
    if len(absent) == count:
        advice = "give the folder that holds them, named as their images are"
    raise SimsamError(f"{len(absent)} of {count} masks are missing in {folder} ({first}): {advice}.")


def _objects(dataset: Dataset, samples: Iterable[Sample], found: dict[str, Path], head: dict) -> dict:
    top = range_of(found.values())
    soft: set[str] = set()

    def measure(sample: Sample) -> dict:
        truth, boxes, void = sample.truth, sample.boxes, sample.void

        def against(pixels: np.ndarray) -> dict:
            levels = np.minimum(pixels / top, 1)
            if ((levels > 0) & (levels < 1)).any():
                soft.add(sample.id)
            return worth(levels > 0.5, levels, truth, boxes, void)

        return _measured(sample, truth, found.get(sample.id), read_levels, against)

    rows, failed = _each(samples, measure)
    return summarise(head | {"soft": len(soft)}, rows, failed)


def _label_maps(dataset: Dataset, samples: Iterable[Sample], found: dict[str, Path], head: dict) -> dict:
    classes = len(dataset.classes)

    def measure(sample: Sample) -> tuple[np.ndarray, np.ndarray, str]:
        """The values in the label map, the confusion matrix with a column for each, what tells the truth."""
        truth = sample.truth

        def against(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, str]:
            values, place = np.unique(labels, return_inverse=True)
            place = place.reshape(labels.shape)
            return values, metrics.confusion(place, truth, len(values), classes), truth_digest(truth)

        return _measured(sample, truth, found.get(sample.id), read_values, against)

    rows, failed = _each(samples, measure)
    values = np.unique(np.concatenate([here for here, _, _ in rows.values()]))
    confusions = {}
    for name, (here, counts, _) in rows.items():
        confusions[name] = np.zeros((classes, len(values)), np.int64)
        confusions[name][:, np.searchsorted(values, here)] = counts
    return head | {
        "images": len(rows),
        **scores(confusions, dataset.classes),
        "values": values.tolist(),
        "confusions": {name: counts.tolist() for name, counts in confusions.items()},
        "truths": {name: digest for name, (_, _, digest) in rows.items()},
        "failed": failed,
    }


class _BadMaskError(SimsamError):
    """A mask at fault: in an image's truth it would be the data set."""


def _measured(
    sample: Sample,
    truth: np.ndarray,
    path: Path | None,
    read: Callable[[Path], np.ndarray],
    against: Callable[[np.ndarray], T],
) -> T:
    """`against` of what a sample's mask holds, 0 all over where there is none. Raises `_BadMaskError`
    for a mask that cannot be read or does not fit."""
    if path is None:
        return against(np.zeros(truth.shape, np.int64))
    try:
        pixels = read(path)
    except SimsamError as error:
        raise _BadMaskError(str(error)) from error
    cut = sample.crop and pixels.shape != truth.shape and pixels.shape == header_shape(sample.path)
    part = sample.window(pixels) if cut else pixels
    if part.shape != truth.shape:
        raise _BadMaskError(
            f"the mask {path} is {pixels.shape} but its truth {truth.shape} (height, width): give masks of "
            "their images' size."
        )
    return against(part)


def _each(samples: Iterable[Sample], measure: Callable[[Sample], T]) -> tuple[dict[str, T], dict[str, str]]:
    """`measure` of every sample, or why its truth cannot be read: two dictionaries by id.

    Raises `SimsamError` if any mask is at fault, since leaving it out would flatter the tool; and where there
    is no truth at all.
    """
    rows: dict[str, T] = {}
    failed: dict[str, str] = {}
    bad: list[str] = []
    for sample in samples:
        try:
            rows[sample.id] = measure(sample)
        except _BadMaskError as error:
            bad.append(str(error))
        except SimsamError as error:
            failed[sample.id] = str(error)
    if len(bad) > 1:
        raise SimsamError(f"{len(bad)} masks cannot be measured; the first: {bad[0]}")
    if bad:
        raise SimsamError(bad[0])
    if not rows:
        name, why = next(iter(failed.items()))
        raise SimsamError(f"none of {len(failed)} images could be measured; the first, {name}: {why}")
    return rows, failed
