"""Label maps of a whole collection: regions that look alike, wherever they are, share a label.

Image by image: regions, and an embedding of each (`describing`). Then all embeddings at once: clusters. A
region takes its cluster's label. Only region maps and embeddings are kept.
"""

from __future__ import annotations

import contextlib
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from simsam.data import Sample, as_samples
from simsam.errors import SimsamError
from simsam.scale import Options, gather, rank
from simsam.semantics.describing import Described, Run, describe_all, nearest_all
from simsam.semantics.labelmaps import hard_labels, refine_labels, upsample_labels
from simsam.semantics.recipes import SemanticRecipe, get_semantic_recipe
from simsam.semantics.regions import BACKGROUND
from simsam.weights import Backbone, load_backbone


@dataclass(frozen=True)
class Collection:
    """What a collection gave: `label_map(i)` is the map of image i.

    An entry an image, None for one that failed: described, its regions; labels (R,) int64 of its regions;
    maps (h, w) int64, labels on the grid. classes: how many labels there are, background (0) among them if
    the recipe has one. failed: which image -> why.
    """

    recipe: SemanticRecipe
    backbone: Backbone
    classes: int
    samples: list[Sample]
    described: list[Described | None]
    labels: list[np.ndarray | None]
    maps: list[np.ndarray | None]
    failed: dict[int, str]

    @property
    def embeddings(self) -> np.ndarray:
        """All regions' embeddings (N, D) float32, image after image."""
        return np.concatenate([d.embeddings for d in self.described if d is not None])

    def label_map(self, i: int, image: np.ndarray | None = None) -> np.ndarray:
        """Labels (H, W) uint8 of image `i`; `image` (H, W, 3) spares reading it again where it is refined."""
        present, place = np.unique(self.maps[i], return_inverse=True)
        grid = torch.from_numpy(place).flatten(), self.described[i].geometry, len(present)
        if self.recipe.refine == "none":
            return present.astype(np.uint8)[hard_labels(*grid).numpy()]
        image = self.samples[i].load_image() if image is None else image
        soft = refine_labels(upsample_labels(*grid), image, self.recipe.refine, self.recipe.base.crf)
        return present.astype(np.uint8)[soft.argmax(0).numpy()]


def segment_collection(
    images: Sequence[object],
    recipe: str | SemanticRecipe = "objects",
    classes: int = 7,
    backbone: Backbone | None = None,
    *,
    features: str | Path | None = None,
    **options: object,
) -> Collection:
    """Label maps of `images`, a `Dataset` or a sequence of paths, PIL images or arrays: see `Collection`.

    `classes`: how many labels, background among them if the recipe has one; at most 255.
    `options` are the fields of `simsam.scale.Options`: the cache keeps regions and embeddings (a few
    kilobytes an image), so that a run that was stopped goes on, and another number of classes takes no time.
    `features`: a folder of features, as the cache of `evaluate`. Under torchrun the processes share the
    images; every one gets the whole collection. Raises `SimsamError` for fewer regions than labels to give,
    and when no image can be segmented.
    """
    recipe = get_semantic_recipe(recipe)
    clusters = check_classes(classes, recipe)
    keep = Options(**options)
    backbone = backbone or load_backbone(recipe.base.backbone)
    if recipe.embed == "cls" and recipe.crop < backbone.patch:
        raise SimsamError(
            f"crop={recipe.crop} is less than one patch of {backbone.name}: give {backbone.patch} or more."
        )
    samples = as_samples(images)
    with contextlib.ExitStack() as stack:
        if features is None and recipe.centroid:  # tokens are needed twice
            features = stack.enter_context(tempfile.TemporaryDirectory(prefix="simsam-"))
        run = Run(recipe, backbone, keep, None if features is None else Path(features))
        found = describe_all(samples, run)
        failed = {i: why for i, why in enumerate(found) if isinstance(why, str)}
        described = [None if isinstance(d, str) else d for d in found]
        labels = label_regions(described, clusters, recipe, next(iter(failed.values()), ""))
        if recipe.centroid:
            maps = nearest_all(samples, run, label_means(described, labels, classes))
            maps = [None if isinstance(m, str) else m for m in maps]  # the same images fail again
        else:
            maps = [d and paint(d, l) for d, l in zip(described, labels, strict=True)]
    return Collection(recipe, backbone, classes, list(samples), described, labels, maps, failed)


def paint(described: Described, labels: np.ndarray) -> np.ndarray:
    """The label map (h, w) int64 of one image: each region in its label (R,), background 0."""
    painted = np.zeros_like(described.regions)
    inside = described.regions != BACKGROUND
    painted[inside] = labels[described.regions[inside]]
    return painted


def check_classes(classes: int, recipe: SemanticRecipe) -> int:
    """How many clusters make so many labels; raises `SimsamError` where a recipe cannot give them."""
    least = 1 + recipe.has_background
    if not least <= classes <= 255:
        hint = ", background is one of them" if recipe.has_background else ""
        raise SimsamError(f"classes={classes}: give {least} to 255{hint}.")
    clusters = classes - recipe.has_background
    if recipe.cluster == "kmeans" and recipe.sample < clusters:
        raise SimsamError(f"sample={recipe.sample} cannot make {clusters} clusters: give a larger sample.")
    return clusters


def label_regions(
    described: list[Described | None], clusters: int, recipe: SemanticRecipe, why: str = ""
) -> list[np.ndarray | None]:
    """The label (R,) int64 of each region of each image. `why` there is no region, for the error's sake."""
    good = [d for d in described if d is not None]
    if not good:
        raise SimsamError(f"none of {len(described)} images could be segmented: {why}")
    found = _cluster(np.concatenate([d.embeddings for d in good]), clusters, recipe) + recipe.has_background
    parts = iter(np.split(found, np.cumsum([len(d.embeddings) for d in good])[:-1]))
    return [None if d is None else next(parts) for d in described]


def label_means(
    described: list[Described | None], labels: list[np.ndarray | None], classes: int
) -> np.ndarray:
    """The sum of the unit tokens of each label (classes, d) float32, from the means of its regions."""
    pairs = [(d, label) for d, label in zip(described, labels, strict=True) if d is not None]
    sums = np.zeros((classes, pairs[0][0].embeddings.shape[1]))
    for d, label in pairs:
        sizes = np.bincount(d.regions.ravel(), minlength=len(label))
        np.add.at(sums, label, sizes[:, None] * d.embeddings)
    return sums.astype(np.float32)


def cluster_embeddings(embeddings: np.ndarray, count: int, recipe: SemanticRecipe) -> np.ndarray:
    """Which of `count` clusters each embedding (N, D) belongs to: (N,) int64, cluster 0 the largest.

    scikit-learn's K-means or spectral clustering, on one thread of the CPU, so that it repeats itself. Raises
    `SimsamError` for fewer embeddings than clusters.
    """
    from sklearn.cluster import KMeans, SpectralClustering  # a slow import
    from sklearn.decomposition import PCA
    from threadpoolctl import threadpool_limits

    N, D = embeddings.shape
    _check_count(N, count)
    seed = recipe.seed % 2**32  # scikit-learn takes no larger one
    x = embeddings.astype(np.float32)
    if recipe.normalise:
        x = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    with threadpool_limits(1):
        if recipe.pca is not None and min(N, D) > 1:
            x = PCA(min(recipe.pca, N - 1, D), svd_solver="full").fit_transform(x)
        if recipe.cluster == "spectral" and count > 1:
            method = SpectralClustering(
                count,
                affinity="nearest_neighbors",
                n_neighbors=min(recipe.neighbours, N - 1),
                n_init=recipe.restarts,
                random_state=seed,
            )
            with warnings.catch_warnings(action="ignore"):  # a graph in several parts is as good a graph
                labels = method.fit_predict(x)
        else:
            method = KMeans(count, n_init=recipe.restarts, random_state=seed)
            drawn = np.random.default_rng(recipe.seed).permutation(N)[: recipe.sample]
            labels = method.fit(x[np.sort(drawn)]).predict(x)
    sizes = np.bincount(labels, minlength=count)
    return np.argsort(np.argsort(-sizes, kind="stable"))[labels]


def _cluster(embeddings: np.ndarray, count: int, recipe: SemanticRecipe) -> np.ndarray:
    """`cluster_embeddings` by the first process alone, for all: two machines may round differently."""
    _check_count(len(embeddings), count)  # raised by the first process only, the others would wait for ever
    return gather(cluster_embeddings(embeddings, count, recipe) if rank() == 0 else None)[0]


def _check_count(regions: int, clusters: int) -> None:
    if not regions:
        raise SimsamError(
            "no region was found, the photos are background all over: give other photos, or background=none."
        )
    if not 1 <= clusters <= regions:
        raise SimsamError(f"{regions} regions in all cannot make {clusters} clusters: ask for fewer classes.")
