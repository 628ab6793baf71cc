"""Chapter 8. The loop of an evaluation: read, segment, measure, and keep a row for each image and recipe."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset
from tqdm import tqdm

from simsam import metrics
from simsam.backbones import Backbone
from simsam.batches import header_size
from simsam.datasets import Dataset, Sample
from simsam.distributed import gather, share, world
from simsam.errors import SimsamError
from simsam.extraction import Size, clock, extract_kinds
from simsam.features import plan
from simsam.journal import Journal
from simsam.pipeline import Result, segment_features
from simsam.recipes import Recipe

Numbered = list[tuple[int, Recipe]]  # recipes of one input size, each with its place in the run


@dataclass(frozen=True)
class Loaded:
    """An image (H, W, 3) with its truth (H, W) bool and its true boxes (M, 4), or what went wrong."""

    id: str
    image: np.ndarray | None = None
    truth: np.ndarray | None = None
    boxes: np.ndarray | None = None
    error: str | None = None


def measure(
    dataset: Dataset,
    recipes: list[Recipe],
    backbone: Backbone,
    journal: Journal,
    *,
    cache: Path | None,
    batch: int,
    progress: bool,
) -> tuple[dict[tuple[int, str], dict], list[dict[str, str]]]:
    """Measure what the journal does not hold, this process its share of it.

    Gives the rows of all processes by (place of the recipe, id of the image), and for each recipe the
    failures (id -> why). A row holds recipe, id, the `measures`, and seconds_forward and seconds, both per
    image.
    """
    groups: dict[Size, Numbered] = defaultdict(list)
    for n, recipe in enumerate(recipes):
        groups[recipe.size].append((n, recipe))
    done = {(row["recipe"], row["id"]) for row in journal.found}
    # A batch is done again if any of it is missing: images come together as they do in a run without a kill.
    todo = [
        (size, part)
        for size in groups
        for part in fixed_batches(dataset, backbone.patch, size, batch)
        if not all((n, dataset[i].id) in done for i in part for n, _ in groups[size])
    ]
    mine = share(todo)
    seen = [row["iou"] for row in journal.found if row["recipe"] == 0]
    proven = {row["recipe"] for row in journal.found}
    failed: list[dict[str, str]] = [{} for _ in recipes]
    workers = 0 if backbone.device.type == "cpu" else 4
    reader = _Reader(dataset, backbone.patch)
    loader = DataLoader(reader, batch_size=None, sampler=mine, num_workers=workers, collate_fn=list)
    with tqdm(total=sum(len(part) for _, part in mine), unit="image", disable=not progress) as bar:
        for (size, _), items in zip(mine, loader, strict=True):
            for row in _rows(items, groups[size], size, backbone, cache, proven):
                if "error" in row:
                    failed[row["recipe"]][row["id"]] = row["error"]
                    continue
                journal.add(row)
                proven.add(row["recipe"])
                if row["recipe"] == 0:
                    seen.append(row["iou"])
            if seen:
                bar.set_postfix_str(f"mIoU {100 * np.mean(seen):.1f}", refresh=False)
            bar.update(len(items))
    rows = {(row["recipe"], row["id"]): row for row in journal.rows()}
    everywhere = gather(failed)
    reasons = [{k: v for part in everywhere for k, v in part[n].items()} for n in range(len(recipes))]
    return rows, [{s.id: r[s.id] for s in dataset if s.id in r} for r in reasons]


def fixed_batches(dataset: Dataset, patch: int, size: Size, batch: int) -> list[list[int]]:
    """The indices of the samples in batches of one grid, the largest grids first.

    The batches depend on the data set alone, neither on the number of processes nor on what is done already:
    sums of floats depend on what is computed together. A file whose header tells no size comes alone, last.
    """
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    alone = []
    for i, sample in enumerate(dataset):
        shape = header_size(sample.path)
        if shape is not None and sample.crop:
            shape = (min(shape), min(shape))
        try:
            groups[plan(shape, patch, size).grid].append(i)
        except (SimsamError, TypeError):
            alone.append([i])
    order = sorted(groups, key=lambda grid: (-grid[0] * grid[1], grid))
    return [groups[g][i : i + batch] for g in order for i in range(0, len(groups[g]), batch)] + alone


class _Reader(TorchDataset):
    """(size, indices) -> what those samples hold."""

    def __init__(self, dataset: Dataset, patch: int):
        self.dataset, self.patch = dataset, patch

    def __getitem__(self, key: tuple[Size, list[int]]) -> list[Loaded]:
        size, indices = key
        return [self._load(self.dataset[i], size) for i in indices]

    def _load(self, sample: Sample, size: Size) -> Loaded:
        try:
            image = sample.load_image()
            plan(image.shape[:2], self.patch, size, str(sample.path))
            return Loaded(sample.id, image, sample.truth, sample.boxes)
        except SimsamError as error:
            return Loaded(sample.id, error=str(error))


def _rows(
    items: list[Loaded],
    recipes: Numbered,
    size: Size,
    backbone: Backbone,
    cache: Path | None,
    proven: set[int],
) -> Iterator[dict]:
    """The rows of a batch; a row with an "error" for what could not be read or segmented.

    An error of a recipe that has not worked on any image yet is raised: it is the recipe's, not the image's.
    Where several processes share the images, none knows of the others' luck, and it counts as the image's.
    """
    yield from ({"recipe": n, "id": i.id, "error": i.error} for i in items if i.error for n, _ in recipes)
    items = [item for item in items if not item.error]
    if not items:
        return
    images = [item.image for item in items]
    kinds = list(dict.fromkeys((recipe.tokens, recipe.block) for _, recipe in recipes))
    features, forward = extract_kinds(images, backbone, kinds, size, cache)
    for n, recipe in recipes:
        start = clock(backbone.device)
        try:
            results = segment_features(features[recipe.tokens, recipe.block], images, recipe, backbone.source)
        except SimsamError as error:
            if n not in proven and world() == 1:
                raise
            if len(items) == 1:
                yield {"recipe": n, "id": items[0].id, "error": str(error)}
            else:  # one image of the batch is at fault
                for item in items:
                    yield from _rows([item], [(n, recipe)], size, backbone, cache, proven)
            continue
        seconds = forward + (clock(backbone.device) - start) / len(items)
        for item, result in zip(items, results, strict=True):
            row = {"recipe": n, "id": item.id} | measures(result, item.truth, item.boxes)
            yield row | {"seconds_forward": forward, "seconds": seconds}


def measures(result: Result, truth: np.ndarray, boxes: np.ndarray | None) -> dict:
    """What one mask is worth: iou, accuracy, f (the F curve, packed), localised (None without a true box)."""
    if boxes is None:
        box = metrics.box_of(truth, largest=True)
        boxes = np.array([] if box is None else [box])
    box = metrics.box_of(result.mask, largest=True)
    return {
        "iou": metrics.iou(result.mask, truth),
        "accuracy": metrics.accuracy(result.mask, truth),
        "f": pack(metrics.f_curve(soft(result.score), truth)),
        "localised": metrics.is_localised(box, boxes) if len(boxes) else None,
    }


def pack(values: np.ndarray) -> str:
    """Numbers (n,) as text, float32: a table of many recipes and images stays small; `unpack` reverses it."""
    return base64.b64encode(values.astype("<f4").tobytes()).decode()


def unpack(text: str) -> np.ndarray:
    """The numbers (n,) float32 of `pack`."""
    return np.frombuffer(base64.b64decode(text), "<f4")


def soft(score: np.ndarray) -> np.ndarray:
    """Scores (H, W), positive on the object, as levels in [0, 1]: 0.5 + s / (2 max |s|)."""
    peak = np.abs(score).max()
    return np.clip(0.5 + score / (2 * peak), 0, 1) if peak > 0 else np.full(score.shape, 0.5)
