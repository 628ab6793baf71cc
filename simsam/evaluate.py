"""Chapter 8. A recipe on a data set: a number for each image, their mean, and how sure the mean is.

IoU, accuracy, max-F, CorLoc and all differences are fractions in 0..1, here and in every JSON file; percent
stands only in printed tables. Times are seconds.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from simsam import metrics
from simsam.backbones import Backbone, load_backbone
from simsam.datasets import Dataset
from simsam.distributed import rank
from simsam.errors import SimsamError
from simsam.files import write_json
from simsam.journal import keep_journal
from simsam.measuring import measure, unpack
from simsam.recipes import RECIPES, Recipe, get_recipe
from simsam.semantic_evaluation import compare_semantic
from simsam.statistics import bootstrap_interval, paired_difference
from simsam.version import code_version

LARGEST = 10  # how many images `compare` names


def evaluate(
    dataset: Dataset,
    recipe: str | Recipe = "simsam",
    backbone: Backbone | None = None,
    *,
    file: str | Path | None = None,
    cache: str | Path | None = None,
    batch: int | None = None,
    progress: bool = False,
) -> dict:
    """Segment every image of an object data set (`open_dataset`) and measure the masks.

    Gives a dictionary, written to `file` as JSON if one is named:

    - dataset, task, recipe, settings (every field of the recipe), changed (those that differ from the named
      recipe), backbone, weights (where they come from), version (of the code), device;
    - images (how many were measured), miou (mean IoU over images) and miou_interval (its 95 % bootstrap
      interval over images), accuracy, max_f (beta^2 = 0.3; the scores of each image divided by twice their
      largest magnitude, plus 0.5, so that the mask is the level 0.5), corloc (the box of the mask's largest
      part against the annotated boxes, or where a set has none against that of the true mask's largest part;
      None where there is nothing to find): fractions in 0..1;
    - seconds_per_image, from decoded pixels to mask at full resolution, and seconds_forward_per_image, the
      backbone's part of it: medians over images, so that neither a warm-up nor a pause counts;
    - per_image (id -> IoU), failed (id -> why an image could not be read or segmented; it counts nowhere).

    While it runs, results go to `file`.partial.jsonl: the same call goes on from there after a kill and gives
    the same numbers. `cache`: a folder in which features are kept (float32, 1.5 kB a token) and looked up.
    `batch`: images of one grid computed together (default: 1 on the CPU, 16 on a GPU). Under torchrun the
    processes share the images, all get the result, the first writes it.
    Raises `SimsamError` for another task than "object", for a journal of another run, when the first image
    cannot be segmented, or none could be measured.
    """
    options = {"cache": cache, "batch": batch, "progress": progress}
    return _run(dataset, [recipe], backbone, file, single=True, **options)[0]


def run_recipes(
    dataset: Dataset,
    recipes: Sequence[str | Recipe],
    backbone: Backbone | None = None,
    *,
    file: str | Path | None = None,
    cache: str | Path | None = None,
    batch: int | None = None,
    progress: bool = False,
) -> list[dict]:
    """`evaluate` for several recipes side by side: one result each, `file` holds them all as a list.

    An image is read, and the backbone runs, once for all recipes of one input size, whatever their tokens
    and blocks. All recipes run on the one backbone.
    """
    return _run(dataset, recipes, backbone, file, single=False, cache=cache, batch=batch, progress=progress)


def compare(a: dict, b: dict) -> dict:
    """The paired difference of two evaluations: mean IoU of `a` minus that of `b` on the images of both.

    Gives a dictionary: dataset, task, a and b (recipe, changed, backbone, images, and miou on the common
    images), images (how many are common), difference and interval (95 %, bootstrap over images), largest
    (the ten images on which they differ most: id, a, b, difference). Fractions in 0..1. For the semantic
    task see `simsam.semantic_evaluation.compare_semantic`.
    Raises `SimsamError` for results of different data sets or tasks, or without a common image.
    """
    for key in ("dataset", "task"):
        if a[key] != b[key]:
            raise SimsamError(f"one measures the {key} {a[key]}, the other {b[key]}: give two of one {key}.")
    if a["task"] == "semantic":
        return compare_semantic(a, b) | {"largest": _largest(a, b)}
    ids = [name for name in a["per_image"] if name in b["per_image"]]
    if not ids:
        raise SimsamError("the two evaluations have no image in common: give two of the same images.")
    x, y = (np.array([result["per_image"][name] for name in ids]) for result in (a, b))
    difference, *interval = paired_difference(x, y)
    keys = ("recipe", "changed", "backbone", "images")
    sides = [{key: r[key] for key in keys} | {"miou": float(v.mean())} for r, v in ((a, x), (b, y))]
    return {
        "dataset": a["dataset"],
        "task": a["task"],
        "a": sides[0],
        "b": sides[1],
        "images": len(ids),
        "difference": difference,
        "interval": interval,
        "largest": _largest(a, b),
    }


def _largest(a: dict, b: dict) -> list[dict]:
    """The images whose IoU differs most; an image that is void only has none."""
    x, y = a["per_image"], b["per_image"]
    rows = [
        {"id": name, "a": x[name], "b": y[name], "difference": x[name] - y[name]}
        for name in x
        if None not in (x[name], y.get(name))
    ]
    return sorted(rows, key=lambda row: -abs(row["difference"]))[:LARGEST]


# --- the run ----------------------------------------------------------------------------------------------


def _run(
    dataset: Dataset,
    recipes: Sequence[str | Recipe],
    backbone: Backbone | None,
    file: str | Path | None,
    *,
    single: bool,
    cache: str | Path | None,
    batch: int | None,
    progress: bool,
) -> list[dict]:
    if dataset.task != "object":
        raise SimsamError(f"task {dataset.task}: expected the object task; evaluate_semantic does the other.")
    recipes = [get_recipe(recipe) for recipe in recipes]
    backbone = backbone or load_backbone(recipes[0].backbone)
    recipes = [replace(recipe, backbone=backbone.name) for recipe in recipes]
    batch = (1 if backbone.device.type == "cpu" else 16) if batch is None else batch
    if batch < 1:
        raise SimsamError(f"batch={batch} images: give at least 1.")
    head = describe(dataset, backbone)
    names = ", ".join(title(recipe.name, changed_fields(recipe)) for recipe in recipes)
    what = f"{names} on {len(dataset)} images of {dataset.name} by simsam {head['version']}"
    places = [(sample.id, str(sample.path.absolute()), sample.crop) for sample in dataset]
    settings = [head, backbone.sha256, batch, [dataclasses.asdict(recipe) for recipe in recipes], places]
    with keep_journal(file, what, settings) as journal:
        rows, failed = measure(
            dataset,
            recipes,
            backbone,
            journal,
            cache=None if cache is None else Path(cache),
            batch=batch,
            progress=progress and rank() == 0,
        )
        results = [
            summarise(head, recipe, {s.id: rows[n, s.id] for s in dataset if (n, s.id) in rows}, failed[n])
            for n, recipe in enumerate(recipes)
        ]
        if file is not None and rank() == 0:
            write_json(file, results[0] if single else results)
    return results


def describe(dataset: Dataset, backbone: Backbone) -> dict:
    """What every result says of where it comes from: dataset, task, backbone, weights, version, device."""
    device = backbone.device
    return {
        "dataset": dataset.name,
        "task": dataset.task,
        "backbone": backbone.name,
        "weights": backbone.source,
        "version": code_version(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
    }


def summarise(head: dict, recipe: Recipe, rows: dict[str, dict], failed: dict[str, str]) -> dict:
    """The result of one recipe from its rows (`simsam.measuring.measure`) by id, in the data set's order.

    Raises `SimsamError` when there is no row.
    """
    if not rows:
        name, why = next(iter(failed.items()))
        raise SimsamError(f"none of {len(failed)} images could be measured; the first, {name}: {why}")

    def column(key: str) -> np.ndarray:
        return np.array([row[key] for row in rows.values() if row[key] is not None], dtype=float)

    localised = column("localised")
    return head | {
        "recipe": recipe.name,
        "changed": changed_fields(recipe),
        "settings": _settings(recipe),
        "images": len(rows),
        "miou": float(column("iou").mean()),
        "miou_interval": list(bootstrap_interval(column("iou"))),
        "accuracy": float(column("accuracy").mean()),
        "max_f": metrics.max_f([unpack(row["f"]) for row in rows.values()]),
        "corloc": float(localised.mean()) if len(localised) else None,
        "seconds_per_image": float(np.median(column("seconds"))),
        "seconds_forward_per_image": float(np.median(column("seconds_forward"))),
        "per_image": {name: row["iou"] for name, row in rows.items()},
        "failed": failed,
    }


def changed_fields(recipe: Recipe) -> dict:
    """The settings in which a recipe differs from the named one it started from, but for the backbone."""
    values = _settings(recipe)
    base = _settings(RECIPES.get(recipe.name, recipe)) | {"backbone": recipe.backbone}
    return {name: value for name, value in values.items() if value != base[name]}


def title(name: str, changed: dict) -> str:
    """A recipe as a table shows it: "simsam (kappa=0.5, refine=crf)"."""
    return f"{name} ({', '.join(f'{k}={v}' for k, v in changed.items())})" if changed else name


def _settings(recipe: Recipe) -> dict:
    """All fields, as they look when read from JSON."""
    return json.loads(json.dumps(dataclasses.asdict(recipe)))
