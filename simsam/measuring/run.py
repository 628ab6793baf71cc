"""A recipe on a data set: a number for each image, their mean, and how sure the mean is.

IoU, accuracy, max-F, CorLoc and all differences are fractions in 0..1, here and in every JSON file; percent
stands only in printed tables. Times are seconds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from simsam.data import Dataset, Sample, write_json
from simsam.errors import SimsamError
from simsam.measuring import metrics
from simsam.measuring.comparisons import describe, described, title
from simsam.measuring.rows import measure, unpack
from simsam.measuring.statistics import bootstrap_interval
from simsam.pipeline import RECIPES, Recipe, get_recipe
from simsam.scale import Options, keep_journal, rank
from simsam.weights import Backbone, load_backbone


def evaluate(
    dataset: Dataset, recipe: str | Recipe = "simsam", backbone: Backbone | None = None, **options: object
) -> dict:
    """Segment every image of an object data set (`open_dataset`) and measure the masks.

    `options` are the fields of `simsam.scale.Options`. Gives a dictionary, written to `file` as JSON if one
    is named:

    - dataset, task, recipe, settings (every field of the recipe), changed (those that differ from the named
      recipe), backbone, weights (where they come from), version (of the code), device;
    - images (how many were measured), miou (mean IoU over images) and miou_interval (its 95 % bootstrap
      interval over images), accuracy, max_f (beta^2 = 0.3; the scores of each image divided by twice their
      largest magnitude, plus 0.5, so that the mask is the level 0.5), corloc (the box of the mask's largest
      part against the annotated boxes, or where a set has none against that of the true mask's largest part;
      None where there is nothing to find): fractions in 0..1;
    - seconds_per_image, from decoded pixels to mask at full resolution, and seconds_forward_per_image, the
      backbone's part of it: medians over images, so that neither a warm-up nor a pause counts;
    - per_image (id -> IoU), truths (id -> 12 digits that tell its truth from another), failed (id -> why an
      image could not be read or segmented; it counts nowhere).

    While it runs, results go to `file`.partial.jsonl: the same call goes on from there after a kill and gives
    the same numbers, whatever images came, went or changed in between. The `cache` holds features (float32,
    1.5 kB a token). Under torchrun the processes share the images, all get the result, the first writes it.
    Raises `SimsamError` for another task than "object", for a journal of another run, when the first image
    cannot be segmented, or none could be measured.
    """
    return _run(dataset, [recipe], backbone, Options(**options), lambda results: results[0])[0]


def run_recipes(
    dataset: Dataset, recipes: Sequence[str | Recipe], backbone: Backbone | None = None, **options: object
) -> list[dict]:
    """`evaluate` for several recipes side by side: one result each, `file` holds them all as a list.

    An image is read, and the backbone runs, once for all recipes of one input size, whatever their tokens
    and blocks. All recipes run on the one backbone.
    """
    return _run(dataset, recipes, backbone, Options(**options))


def _run(
    dataset: Dataset, recipes: Sequence, backbone: Backbone | None, options: Options, kept: Callable = list
) -> list[dict]:
    """`run_recipes`; the file holds what `kept` makes of the results."""
    if dataset.task != "object":
        raise SimsamError(f"task {dataset.task}: expected the object task; evaluate_semantic does the other.")
    recipes = [get_recipe(recipe) for recipe in recipes]
    backbone = backbone or load_backbone(recipes[0].backbone)
    recipes = [replace(recipe, backbone=backbone.name) for recipe in recipes]
    head = describe(dataset, backbone)
    about = [recipe_fields(recipe) for recipe in recipes]
    names = ", ".join(title(one["recipe"], one["changed"]) for one in about)
    what = f"{names} on {len(dataset)} images of {dataset.name} by simsam {head['version']}"
    fields = [dataclasses.asdict(recipe) for recipe in recipes]
    settings = head | {"batch": options.batch_on(backbone.device), "recipe": fields}
    images = {sample.id: _which(sample) for sample in dataset}
    if settings["batch"] > 1:  # sums of floats depend on what is computed together
        settings, images = settings | {"set of images": images}, None
    with keep_journal(options.file, what, settings, images) as journal:
        rows, failed = measure(dataset, recipes, backbone, journal, options)
        results = [
            summarise(head | about[n], {s.id: rows[n, s.id] for s in dataset if (n, s.id) in rows}, failed[n])
            for n in range(len(recipes))
        ]
        if options.file is not None and rank() == 0:
            write_json(options.file, kept(results))
    return results


def _which(sample: Sample) -> list[object]:
    """Which image it is: where it lies, how it is cut, and what its file shows without being read."""
    try:
        about = sample.path.stat()
    except OSError:  # reading will say why
        return [str(sample.path.absolute()), sample.crop]
    return [str(sample.path.absolute()), sample.crop, about.st_size, about.st_mtime_ns]


def summarise(head: dict, rows: dict[str, dict], failed: dict[str, str]) -> dict:
    """The result of one recipe, which `head` describes, from its rows (`measure`) by id, in the data set's
    order; without seconds where the rows have none.

    Raises `SimsamError` when there is no row.
    """
    if not rows:
        name, why = next(iter(failed.items()))
        raise SimsamError(f"none of {len(failed)} images could be measured; the first, {name}: {why}")

    def column(key: str) -> np.ndarray:
        return np.array([row[key] for row in rows.values() if row[key] is not None], dtype=float)

    localised = column("localised")
    timed = [key for key in ("seconds", "seconds_forward") if all(key in row for row in rows.values())]
    return head | {
        "images": len(rows),
        "miou": float(column("iou").mean()),
        "miou_interval": list(bootstrap_interval(column("iou"))),
        "accuracy": float(column("accuracy").mean()),
        "max_f": metrics.max_f([unpack(row["f"]) for row in rows.values()]),
        "corloc": float(localised.mean()) if len(localised) else None,
        **{f"{key}_per_image": float(np.median(column(key))) for key in timed},
        "per_image": {name: row["iou"] for name, row in rows.items()},
        "truths": {name: row["truth"] for name, row in rows.items()},
        "failed": failed,
    }


def recipe_fields(recipe: Recipe) -> dict:
    """recipe, its name; settings, every field; changed, those that differ from the named one it started from,
    but for the backbone."""
    base = replace(RECIPES.get(recipe.name, recipe), backbone=recipe.backbone)
    return described(recipe.name, dataclasses.asdict(recipe), dataclasses.asdict(base))
