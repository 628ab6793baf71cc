"""Chapter 8. The semantic pipeline on a data set: clusters matched to classes, and how sure mean IoU is."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import numpy as np

from simsam import metrics
from simsam.backbones import Backbone, load_backbone
from simsam.datasets import Dataset
from simsam.distributed import gather, rank, share
from simsam.errors import SimsamError
from simsam.files import write_json
from simsam.semantic_recipes import SEMANTIC_RECIPES, SemanticRecipe, get_semantic_recipe
from simsam.semantics import Collection, segment_collection
from simsam.statistics import bootstrap_miou, paired_miou_difference
from simsam.version import code_version


def evaluate_semantic(
    dataset: Dataset,
    recipe: str | SemanticRecipe = "objects",
    backbone: Backbone | None = None,
    *,
    classes: int | None = None,
    file: str | Path | None = None,
    cache: str | Path | None = None,
    batch: int | None = None,
    progress: bool = False,
) -> dict:
    """Label maps of a semantic data set (`open_dataset(..., task="semantic")`), measured.

    `classes`: how many labels (default: as many as the data set has classes). `file`, `cache`, `batch`: as
    for `simsam.evaluate.evaluate`; the cache keeps regions and embeddings too: a run that was killed goes on.
    Gives a dictionary, fractions in 0..1:

    - dataset, task, recipe, settings, changed, backbone, weights, version, device, images;
    - failed (id -> why an image could not be segmented or measured; it counts nowhere);
    - miou: mean over the classes of the IoU under one matching of clusters to classes (Hungarian method, over
      all images); miou_interval: 95 %, images drawn again under that matching; accuracy: share of pixels;
    - classes (their names), per_class (name -> IoU, None for one that the truth never shows), matching (of
      each label, the class it stands for, or -1);
    - seconds_per_image: from pixels to label map, a mean; much less where a cache was full;
    - per_image (id -> mean IoU of the classes that the image shows, under the matching; None where all is
      void), confusions (id -> pixel counts, a row for each class, a column for each label).

    Raises `SimsamError` for another task than "semantic", when no image could be measured, and as
    `segment_collection` does.
    """
    if dataset.task != "semantic":
        raise SimsamError(f"task {dataset.task}: expected the semantic task; simsam.evaluate does the other.")
    recipe = get_semantic_recipe(recipe)
    backbone = backbone or load_backbone(recipe.base.backbone)
    start = time.perf_counter()
    collection = segment_collection(
        dataset,
        recipe,
        len(dataset.classes) if classes is None else classes,
        backbone,
        cache=cache,
        features=cache,
        batch=batch,
        progress=progress,
    )
    confusions, failed = measure_collection(collection, len(dataset.classes))
    if not confusions:
        name, why = next(iter(failed.items()))
        raise SimsamError(f"none of {len(failed)} images could be measured; the first, {name}: {why}")
    seconds = (time.perf_counter() - start) / len(confusions)
    result = {
        "dataset": dataset.name,
        "task": "semantic",
        **_recipe_fields(recipe),
        "backbone": backbone.name,
        "weights": backbone.source,
        "version": code_version(),
        "device": str(backbone.device),
        "images": len(confusions),
        **_scores(confusions, dataset.classes),
        "seconds_per_image": seconds,
        "confusions": {name: c.tolist() for name, c in confusions.items()},
        "failed": failed,
    }
    if file is not None and rank() == 0:
        write_json(file, result)
    return result


def measure_collection(collection: Collection, classes: int) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The confusion matrix (classes, labels) of each image, or why there is none: two dictionaries by id, in
    the set's order. A mask that cannot be read stops nothing."""
    mine: dict[int, np.ndarray | str] = {}
    for i in share([i for i, found in enumerate(collection.described) if found is not None]):
        try:
            truth = collection.samples[i].truth
            mine[i] = metrics.confusion(collection.label_map(i), truth, collection.classes, classes)
        except SimsamError as error:
            mine[i] = str(error)
    found = collection.failed | {i: one for part in gather(mine) for i, one in part.items()}
    named = {sample.id: found[i] for i, sample in enumerate(collection.samples)}
    failed = {name: one for name, one in named.items() if isinstance(one, str)}
    return {name: one for name, one in named.items() if name not in failed}, failed


def compare_semantic(a: dict, b: dict) -> dict:
    """The paired difference in mIoU of two results of `evaluate_semantic`, that of `a` minus that of
    `b`, on the images of both, each under its own matching, and its 95 % interval.

    Gives dataset, task, a and b (recipe, changed, backbone, images, miou on the common images), images,
    difference, interval. Raises `SimsamError` for different data sets or no common image.
    """
    if a["dataset"] != b["dataset"]:
        raise SimsamError(f"one measures {a['dataset']}, the other {b['dataset']}: give two of one data set.")
    ids = [name for name in a["confusions"] if name in b["confusions"]]
    if not ids:
        raise SimsamError("the two evaluations have no image in common: give two of the same images.")
    x, y = (np.array([result["confusions"][name] for name in ids]) for result in (a, b))
    difference, *interval = paired_miou_difference(x, y)
    keys = ("recipe", "changed", "backbone", "images")
    sides = [{key: r[key] for key in keys} | {"miou": metrics.miou(c.sum(0))} for r, c in ((a, x), (b, y))]
    return {
        "dataset": a["dataset"],
        "task": "semantic",
        "a": sides[0],
        "b": sides[1],
        "images": len(ids),
        "difference": difference,
        "interval": interval,
    }


def _scores(confusions: dict[str, np.ndarray], names: tuple[str, ...]) -> dict:
    stacked = np.stack(list(confusions.values()))
    total = stacked.sum(0)
    matching = metrics.match_clusters(total)
    image_iou = metrics.iou_of_counts(*metrics.class_counts(stacked, matching))  # (images, classes)
    return {
        "miou": metrics.miou(total, matching),
        "miou_interval": list(bootstrap_miou(stacked, matching)),
        "accuracy": metrics.matched_accuracy(total, matching),
        "classes": list(names),
        "per_class": dict(zip(names, map(_number, metrics.class_iou(total, matching)), strict=True)),
        "matching": matching.tolist(),
        "per_image": {
            name: None if np.isnan(row).all() else float(np.nanmean(row))
            for name, row in zip(confusions, image_iou, strict=True)
        },
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _recipe_fields(recipe: SemanticRecipe) -> dict:
    """name, all settings, and those in which the recipe differs from the named one it comes from."""
    settings = _flat(recipe)
    named = SEMANTIC_RECIPES.get(recipe.name)
    changed = settings if named is None else {k: v for k, v in settings.items() if v != _flat(named)[k]}
    return {"recipe": recipe.name, "settings": settings, "changed": changed}


def _flat(recipe: SemanticRecipe) -> dict:
    """Fields of a recipe and, below "base", of its base; as JSON gives them back."""
    settings = dataclasses.asdict(recipe)
    base = {f"base.{k}": list(v) if isinstance(v, tuple) else v for k, v in settings.pop("base").items()}
    return {k: v for k, v in (settings | base).items() if k not in ("name", "base.name")}
