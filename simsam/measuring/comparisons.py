"""What a result says of where it comes from, and the paired difference of two results."""

from __future__ import annotations

import json
import os

import numpy as np
import torch

from simsam.data import Dataset, code_version
from simsam.errors import SimsamError
from simsam.measuring import metrics
from simsam.measuring.statistics import paired_difference, paired_miou_of_runs
from simsam.weights import Backbone

LARGEST = 10  # how many images `compare` names
# of each task: what its result keeps of each image, the mean of a stack of that, the paired difference of two
STATISTICS = {
    "object": ("per_image", np.mean, paired_difference),
    "semantic": (
        "confusions",
        lambda stack: metrics.miou(stack.sum(0)),
        lambda a, b: paired_miou_of_runs([a], [b]),
    ),
}


def compare(a: dict, b: dict) -> dict:
    """The paired difference of two evaluations: mean IoU of `a` minus that of `b` on the images of both.

    Gives a dictionary: dataset, task, a and b (recipe, changed, backbone, sha256 of its weights, the labels
    they saw, masks: the folder of masks that were measured in place of a recipe, images, and miou on the
    common images), images (how many are common), difference and interval (95 %, bootstrap over images),
    largest (the ten images on which they differ most: id, a, b, difference), same_weights (None where masks
    do not tell), same_truth (None where a result of an older version does not tell), folders (of sets called
    "folder" that lie in two places, where; else None). Fractions in 0..1.
    In the semantic task the mean is over classes, each side under its own matching of clusters to classes.
    Raises `SimsamError` for results of different data sets or tasks, without a common image, with another
    truth of an image, or with an IoU beyond 0..1.
    """
    _check_fractions(a, "first")
    _check_fractions(b, "second")
    for key in ("dataset", "task"):
        if a[key] != b[key]:
            raise SimsamError(f"one measures the {key} {a[key]}, the other {b[key]}: give two of one {key}.")
    kept, mean, paired = STATISTICS[a["task"]]
    ids = [name for name in a[kept] if name in b[kept]]
    if not ids:
        raise SimsamError("the two evaluations have no image in common: give two of the same images.")
    same_truth = _check_truths(a.get("truths"), b.get("truths"), ids)
    x, y = (np.array([result[kept][name] for name in ids]) for result in (a, b))
    difference, *interval = paired(x, y)
    keys = ("recipe", "changed", "backbone", "sha256", "labels", "masks", "images")
    sides = [{key: r.get(key) for key in keys} | {"miou": float(mean(v))} for r, v in ((a, x), (b, y))]
    return {
        "dataset": a["dataset"],
        "task": a["task"],
        "a": sides[0],
        "b": sides[1],
        "images": len(ids),
        "same_weights": _same_weights(a, b),
        "same_truth": same_truth,
        "folders": _folders(a, b),
        "difference": difference,
        "interval": interval,
        "largest": _largest(a["per_image"], b["per_image"]),
    }


def _check_fractions(result: dict, which: str) -> None:
    for name, value in result["per_image"].items():
        if value is not None and not 0 <= value <= 1:
            raise SimsamError(
                f"the {which} evaluation has an IoU of {value:g} for image {name}: fractions in 0..1 were "
                "expected; divide percent by 100."
            )


def _check_truths(a: dict | None, b: dict | None, ids: list[str]) -> bool | None:
    """True if each image has one truth in both results, None if one of them does not tell; or raise."""
    if a is None or b is None:
        return None
    other = [name for name in ids if a.get(name) != b.get(name)]
    if other:
        raise SimsamError(
            f"{len(other)} of {len(ids)} common images have another truth in each evaluation, the first "
            f"{other[0]}: these are two sets with the same names; measure both on one."
        )
    return True


def _same_weights(a: dict, b: dict) -> bool | None:
    """Whether two runs had the same weights; None where masks were measured, which do not say."""
    if a.get("masks") is not None or b.get("masks") is not None:
        return None
    hashes = [result.get("sha256") for result in (a, b)]
    same_name = a.get("backbone") == b.get("backbone")
    return hashes[0] == hashes[1] and (bool(hashes[0]) or same_name)  # what is made here has no hash


def _folders(a: dict, b: dict) -> list[str] | None:
    """Where two sets of the user's own lie, if that is not one place: their images may be others."""
    places = [result.get("folder") for result in (a, b)]
    return places if None not in places and places[0] != places[1] else None


def _largest(x: dict, y: dict) -> list[dict]:
    """The images whose IoU differs most; an image that is void only has none."""
    rows = [
        {"id": name, "a": x[name], "b": y[name], "difference": x[name] - y[name]}
        for name in x
        if None not in (x[name], y.get(name))
    ]
    return sorted(rows, key=lambda row: -abs(row["difference"]))[:LARGEST]


def describe(dataset: Dataset, backbone: Backbone) -> dict:
    """What every result says of where it comes from: `describe_set`, backbone, weights (their source), the
    labels they saw, their sha256, version, device."""
    device = backbone.device
    return {
        **describe_set(dataset),
        **weights_of(backbone),
        "weights": backbone.source,
        "version": code_version(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
    }


def describe_set(dataset: Dataset) -> dict:
    """On what a result was measured: dataset, task; of a set of the user's own also folder, where it lies."""
    homes = {str(sample.path.absolute().parent) for sample in dataset} if dataset.name == "folder" else ()
    folder = {"folder": os.path.commonpath(homes)} if homes else {}
    return {"dataset": dataset.name, **folder, "task": dataset.task}


def weights_of(backbone: Backbone) -> dict:
    """Whose weights a number was measured on: backbone, its name; the labels it saw; the sha256 of its
    file."""
    return {"backbone": backbone.name, "labels": backbone.provenance.labels, "sha256": backbone.sha256}


def described(name: str, settings: dict, base: dict) -> dict:
    """What a result says of its recipe, as JSON gives it back: recipe, settings, and those changed from
    `base`."""
    settings, base = (json.loads(json.dumps(fields)) for fields in (settings, base))
    changed = {field: value for field, value in settings.items() if value != base.get(field, ...)}
    return {"recipe": name, "settings": settings, "changed": changed}


def heading(result: dict) -> str:
    """What was measured, as a table shows it: the title of a recipe, or "masks in FOLDER/"."""
    masks = result.get("masks")
    return title(result["recipe"], result["changed"]) if masks is None else f"masks in {masks}/"


def title(name: str, changed: dict) -> str:
    """A recipe as a table shows it: "simsam (kappa=0.5, refine=crf)"."""
    return f"{name} ({', '.join(f'{k}={v}' for k, v in changed.items())})" if changed else name
