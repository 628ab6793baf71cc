"""The semantic pipeline on a data set: clusters matched to classes, and how sure mean IoU is."""

from __future__ import annotations

import dataclasses
import time

import numpy as np

from simsam.data import Dataset, write_json
from simsam.errors import SimsamError
from simsam.measuring import metrics
from simsam.measuring.comparisons import describe, described
from simsam.measuring.statistics import bootstrap_miou
from simsam.scale import Options, gather, rank, share
from simsam.semantics import (
    SEMANTIC_RECIPES,
    Collection,
    SemanticRecipe,
    get_semantic_recipe,
    segment_collection,
)
from simsam.weights import Backbone, load_backbone


def evaluate_semantic(
    dataset: Dataset,
    recipe: str | SemanticRecipe = "objects",
    backbone: Backbone | None = None,
    *,
    classes: int | None = None,
    **options: object,
) -> dict:
    """Label maps of a semantic data set (`open_dataset(..., task="semantic")`), measured.

    `classes`: how many labels (default: as many as the data set has classes). `options` are the fields of
    `simsam.scale.Options`; the cache keeps features, regions and embeddings: with it a run that was killed
    goes on. Gives a dictionary, fractions in 0..1:

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
        raise SimsamError(f"task {dataset.task}: expected the semantic task; see `evaluate`.")
    recipe = get_semantic_recipe(recipe)
    backbone = backbone or load_backbone(recipe.base.backbone)
    start = time.perf_counter()
    classes = len(dataset.classes) if classes is None else classes
    keep = Options(**options)
    collection = segment_collection(dataset, recipe, classes, backbone, features=keep.cache, **options)
    confusions, failed = measure_collection(collection, len(dataset.classes))
    if not confusions:
        name, why = next(iter(failed.items()))
        raise SimsamError(f"none of {len(failed)} images could be measured; the first, {name}: {why}")
    seconds = (time.perf_counter() - start) / len(confusions)
    result = {
        **describe(dataset, backbone),
        **_recipe_fields(recipe),
        "images": len(confusions),
        **_scores(confusions, dataset.classes),
        "seconds_per_image": seconds,
        "confusions": {name: c.tolist() for name, c in confusions.items()},
        "failed": failed,
    }
    if keep.file is not None and rank() == 0:
        write_json(keep.file, result)
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
    """As `run.recipe_fields`; for a name that is none of ours, all settings are changed."""
    named = SEMANTIC_RECIPES.get(recipe.name)
    return described(recipe.name, _flat(recipe), {} if named is None else _flat(named))


def _flat(recipe: SemanticRecipe) -> dict:
    """The fields of a recipe and, as "base.NAME", of its base."""
    settings = dataclasses.asdict(recipe)
    base = {f"base.{name}": value for name, value in settings.pop("base").items()}
    return {name: value for name, value in (settings | base).items() if name not in ("name", "base.name")}
