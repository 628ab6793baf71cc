"""What is kept of each image of a collection: its regions, and an embedding of each region."""

from __future__ import annotations

import dataclasses
import hashlib
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from simsam.data import Sample, atomic_write
from simsam.errors import SimsamError
from simsam.features import Features, Geometry, plan
from simsam.pipeline import GRAPH_ENTRIES, graph, readout, train
from simsam.scale import Item, Options, each, extract_kinds, gather, grid_batches, rank, read_batches, share
from simsam.semantics import regions as reg
from simsam.semantics.recipes import SemanticRecipe
from simsam.spectral import Spectrum, eigenpairs
from simsam.weights import Backbone

T = TypeVar("T")
FORMAT = 1  # of the files in a cache; part of their names
# what is done to embeddings and label maps afterwards changes nothing here
AFTERWARDS = {"name", "normalise", "pca", "cluster", "neighbours", "restarts", "sample"}
AFTERWARDS |= {"centroid", "refine", "seed"}


@dataclass(frozen=True)
class Described:
    """What is kept of one image: regions (h, w) int64, numbered from 0, -1 for background; the embedding of
    each, (R, D) float32; and where the grid lies in the image."""

    regions: np.ndarray
    embeddings: np.ndarray
    geometry: Geometry


@torch.no_grad()
def describe(
    features: Features, images: Sequence[np.ndarray], recipe: SemanticRecipe, backbone: Backbone
) -> list[Described]:
    """Regions and embeddings of a batch of features (of the kind that `recipe.base` names) and its images
    (H, W, 3) uint8. An image that is background all over has no region."""
    region_maps = find_regions(features, list(images), recipe)
    if recipe.embed == "pooled":
        unit = F.normalize(features.tokens, dim=-1)
        embeddings = [reg.pooled(unit[b], found) for b, found in enumerate(region_maps)]
    else:
        boxes = [reg.region_boxes(r, features.grid, recipe.erode, recipe.dilate) for r in region_maps]
        crops = [
            reg.crop_boxes(image, features.geometry[b], boxes[b], backbone, recipe.crop)
            for b, image in enumerate(images)
        ]
        embeddings = [reg.embed_crops(c, backbone) for c in crops]
    return [
        Described(f.map(found).cpu().numpy(), e.cpu().numpy(), f.geometry)
        for f, found, e in zip(
            (features[b] for b in range(len(images))), region_maps, embeddings, strict=True
        )
    ]


def find_regions(features: Features, images: list[np.ndarray], recipe: SemanticRecipe) -> list[Tensor]:
    """The region map (n,) int64 of each image of a batch, background -1."""
    n = features.tokens.shape[1]
    step = max(1, GRAPH_ENTRIES // n**2)
    if len(images) > step:  # the graphs of the whole batch would not fit
        parts = [slice(i, i + step) for i in range(0, len(images), step)]
        return [r for part in parts for r in find_regions(features[part], images[part], recipe)]
    tokens = torch.arange(n, device=features.tokens.device)
    if recipe.regions == "tokens" and recipe.background != "object":
        W = spectrum = None
    else:
        W = graph(features, train(features, recipe.base), recipe.base, images)
        spectrum = eigenpairs(W, min(recipe.base.k, n - 1), recipe.base.laplacian)
    if recipe.regions == "tokens":
        found = [tokens] * len(images)
    else:
        found = [_spectral_regions(spectrum[b], n, recipe) for b in range(len(images))]
    if recipe.background == "object":
        scores = readout(features, W, spectrum, recipe.base)
        return [reg.without(r, score[0] <= 0) for r, score in zip(found, scores, strict=True)]
    if recipe.background == "border":
        return [reg.without(r, r == reg.border_region(r, features.grid)) for r in found]
    return found


def _spectral_regions(spectrum: Spectrum, n: int, recipe: SemanticRecipe) -> Tensor:
    count = reg.eigengap(spectrum.values) if recipe.regions == "eigengap" else recipe.regions
    return reg.spectral_regions(spectrum.vectors, min(count, n), recipe.base.seed)


@dataclass(frozen=True)
class Run:
    """What does not change from batch to batch. `options.cache`: a folder of regions and embeddings;
    `features`: one of features, or None."""

    recipe: SemanticRecipe
    backbone: Backbone
    options: Options
    features: Path | None = None


def describe_all(samples: Sequence[Sample], run: Run) -> list[Described | str]:
    """`describe` of every sample, or why it failed."""
    return _in_batches(samples, run, partial(_describe_some, run), "regions")


def nearest_all(samples: Sequence[Sample], run: Run, centres: np.ndarray) -> list[np.ndarray | str]:
    """Which of the centres (C, d) each token of every sample is closest to, by cosine: (h, w) int64."""
    return _in_batches(samples, run, partial(_nearest_some, run, torch.from_numpy(centres)), "labels")


def _in_batches(
    samples: Sequence[Sample], run: Run, work: Callable[[list[Item]], list[T]], what: str
) -> list[T | str]:
    """`work` on batches of one grid: a result for every sample, or a sentence that says why there is none.

    Each process takes its share of the batches and gets the results of all. Memory holds one batch, and the
    results.
    """
    patch, size, device = run.backbone.patch, run.recipe.base.size, run.backbone.device
    mine = share(grid_batches(samples, patch, size, run.options.batch_on(device)))
    workers = 0 if device.type == "cpu" else 4
    done: dict[int, T | str] = {}
    hidden = not run.options.progress or rank() > 0
    with tqdm(total=sum(map(len, mine)), unit="image", desc=what, disable=hidden) as bar:
        for items in read_batches(samples, patch, size, batches=mine, workers=workers):
            results = [items[0].error] if items[0].error is not None else each(work, items)
            for item, result in zip(items, results, strict=True):
                done[item.index] = str(result) if isinstance(result, SimsamError) else result
            bar.update(len(items))
    done = {i: result for part in gather(done) for i, result in part.items()}
    return [done[i] for i in range(len(samples))]


def _describe_some(run: Run, items: list[Item]) -> list[Described]:
    """`describe` of a batch; what the cache holds of it is read, else it is written there."""
    images, cache = [item.image for item in items], run.options.cache
    paths = [None if cache is None else cache / _file_name(image, run) for image in images]
    found = [_load(path, image, run) for path, image in zip(paths, images, strict=True)]
    if not all(found):  # the whole batch again: sums of floats depend on what is computed together
        found = describe(_features(run, images), images, run.recipe, run.backbone)
        for path, one in zip(paths, found, strict=True):
            if path is not None:
                with atomic_write(path) as temporary, temporary.open("wb") as file:
                    np.savez(file, regions=one.regions.astype(np.int32), embeddings=one.embeddings)
    return found


def _nearest_some(run: Run, centres: Tensor, items: list[Item]) -> list[np.ndarray]:
    features = _features(run, [item.image for item in items])
    cosine = F.normalize(features.tokens, dim=-1) @ F.normalize(centres, dim=-1).T.to(features.tokens)
    return list(features.map(cosine.argmax(-1)).cpu().numpy())


def _features(run: Run, images: list[np.ndarray]) -> Features:
    kind = (run.recipe.base.tokens, run.recipe.base.block)
    return extract_kinds(images, run.backbone, [kind], run.recipe.base.size, run.features)[0][kind]


def _file_name(image: np.ndarray, run: Run) -> str:
    """A name made of all that a `Described` depends on."""
    recipe, backbone = run.recipe, run.backbone
    settings = dataclasses.asdict(recipe)
    settings = {k: v for k, v in settings.items() if k not in AFTERWARDS}
    settings["base"] = {k: v for k, v in settings["base"].items() if k not in ("name", "refine", "min_part")}
    key = (FORMAT, backbone.name, backbone.sha256 or backbone.source, backbone.device.type, image.shape)
    text = repr((key, sorted(settings.items()))).encode()
    return hashlib.sha256(text + np.ascontiguousarray(image).tobytes()).hexdigest() + ".npz"


def _load(path: Path | None, image: np.ndarray, run: Run) -> Described | None:
    """What the cache holds of an image; None if that is nothing, or damaged."""
    if path is None:
        return None
    try:
        with np.load(path) as file:
            regions, embeddings = file["regions"].astype(np.int64), file["embeddings"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return Described(regions, embeddings, plan(image.shape[:2], run.backbone.patch, run.recipe.base.size))
