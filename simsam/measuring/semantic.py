"""The semantic pipeline on a data set: clusters matched to classes, and how sure mean IoU is."""

from __future__ import annotations

import dataclasses
import time

import numpy as np

from simsam.data import DATASETS, Dataset, write_json
from simsam.errors import SimsamError
from simsam.measuring import metrics
from simsam.measuring.comparisons import describe, described
from simsam.measuring.rows import truth_digest
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
    recipe: str | SemanticRecipe | None = None,
    backbone: Backbone | None = None,
    *,
    classes: int | None = None,
    **options: object,
) -> dict:
    """Label maps of a semantic data set (`open_dataset(..., task="semantic")`), measured.

    `recipe`: by default `default_recipe` of the set.
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
      void), confusions (id -> pixel counts, a row for each class, a column for each label), truths (id -> 12
      digits that tell its truth from another).

    Raises `SimsamError` for another task than "semantic", when no image could be measured, and as
    `segment_collection` does.
    """
    if dataset.task != "semantic":
        raise SimsamError(f"task {dataset.task}: expected the semantic task; see `evaluate`.")
    recipe = get_semantic_recipe(default_recipe(dataset) if recipe is None else recipe)
    backbone = backbone or load_backbone(recipe.base.backbone)
    start = time.perf_counter()
    classes = len(dataset.classes) if classes is None else classes
    keep = Options(**options)
    collection = segment_collection(dataset, recipe, classes, backbone, features=keep.cache, **options)
    confusions, truths, failed = measure_collection(collection, len(dataset.classes))
    if not confusions:
        name, why = next(iter(failed.items()))
        raise SimsamError(f"none of {len(failed)} images could be measured; the first, {name}: {why}")
    seconds = (time.perf_counter() - start) / len(confusions)
    result = {
        **describe(dataset, backbone),
        **_recipe_fields(recipe),
        "images": len(confusions),
        **scores(confusions, dataset.classes),
        "seconds_per_image": seconds,
        "confusions": {name: c.tolist() for name, c in confusions.items()},
        "truths": truths,
        "failed": failed,
    }
    if keep.file is not None and rank() == 0:
        write_json(keep.file, result)
    return result


def default_recipe(dataset: Dataset) -> str:
    """The name of the recipe that a data set is measured with: "scenes" where its photos are scene all over,
    "objects" where they have a subject, and for a set of one's own."""
    return "scenes" if dataset.name in DATASETS and DATASETS[dataset.name].scenes else "objects"


def measure_collection(
    collection: Collection, classes: int
) -> tuple[dict[str, np.ndarray], dict[str, str], dict[str, str]]:
    """The confusion matrix (classes, labels) of each image and the digest of its truth, or why there is none:
    three dictionaries by id, in the set's order. A mask that cannot be read stops nothing."""
    mine: dict[int, tuple[np.ndarray, str] | str] = {}
    for i in share([i for i, found in enumerate(collection.described) if found is not None]):
        try:
            truth = collection.samples[i].truth
            counts = metrics.confusion(collection.label_map(i), truth, collection.classes, classes)
            mine[i] = counts, truth_digest(truth)
        except SimsamError as error:
            mine[i] = str(error)
    found = collection.failed | {i: one for part in gather(mine) for i, one in part.items()}
    named = {sample.id: found[i] for i, sample in enumerate(collection.samples)}
    failed = {name: one for name, one in named.items() if isinstance(one, str)}
    good = {name: one for name, one in named.items() if name not in failed}
    return {name: one[0] for name, one in good.items()}, {name: one[1] for name, one in good.items()}, failed


def scores(confusions: dict[str, np.ndarray], names: tuple[str, ...]) -> dict:
    """What `evaluate_semantic` says of the confusion matrices (classes, labels) of all images, by id, and of
    the names of the classes."""
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
