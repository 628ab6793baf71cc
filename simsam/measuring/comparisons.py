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

    Gives a dictionary: dataset, task, a and b (recipe, changed, backbone, images, and miou on the common
    images), images (how many are common), difference and interval (95 %, bootstrap over images), largest
    (the ten images on which they differ most: id, a, b, difference), same_weights (whether their hashes
    agree), folders (of two different sets called "folder", where each lies; else None). Fractions in 0..1.
    In the semantic task the mean is over classes, each side under its own matching of clusters to classes.
    Raises `SimsamError` for results of different data sets or tasks, without a common image, or with an IoU
    beyond 0..1.
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
    x, y = (np.array([result[kept][name] for name in ids]) for result in (a, b))
    difference, *interval = paired(x, y)
    keys = ("recipe", "changed", "backbone", "sha256", "images")
    sides = [{key: r.get(key) for key in keys} | {"miou": float(mean(v))} for r, v in ((a, x), (b, y))]
    return {
        "dataset": a["dataset"],
        "task": a["task"],
        "a": sides[0],
        "b": sides[1],
        "images": len(ids),
        "same_weights": a.get("sha256") == b.get("sha256"),
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
    """What every result says of where it comes from: dataset, task, backbone, weights (their source), the
    labels they saw, their sha256, version, device; of a set of the user's own also folder, where it lies."""
    device = backbone.device
    homes = {str(sample.path.absolute().parent) for sample in dataset} if dataset.name == "folder" else ()
    return {
        "dataset": dataset.name,
        **({"folder": os.path.commonpath(homes)} if homes else {}),
        "task": dataset.task,
        **weights_of(backbone),
        "weights": backbone.source,
        "version": code_version(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
    }


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


def title(name: str, changed: dict) -> str:
    """A recipe as a table shows it: "simsam (kappa=0.5, refine=crf)"."""
    return f"{name} ({', '.join(f'{k}={v}' for k, v in changed.items())})" if changed else name
