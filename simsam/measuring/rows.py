"""The loop of an evaluation: read, segment, measure, and keep a row for each image and recipe."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from simsam.data import VOID, Dataset, box_of
from simsam.errors import SimsamError
from simsam.features import Size
from simsam.measuring import metrics
from simsam.pipeline import Recipe, Result, segment_features
from simsam.scale import (
    Item,
    Journal,
    Options,
    clock,
    each,
    extract_kinds,
    gather,
    grid_batches,
    rank,
    read_batches,
    share,
    world,
)
from simsam.weights import Backbone

Numbered = list[tuple[int, Recipe]]  # recipes of one input size, each with its place in the run


def measure(
    dataset: Dataset, recipes: list[Recipe], backbone: Backbone, journal: Journal, options: Options
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
    seen = [row["iou"] for row in journal.found if row["recipe"] == 0]
    proven = {row["recipe"] for row in journal.found}
    failed: list[dict[str, str]] = [{} for _ in recipes]
    todo = {
        size: share(_missing(dataset, group, size, backbone, done, options)) for size, group in groups.items()
    }
    total = sum(len(part) for parts in todo.values() for part in parts)
    workers = 0 if backbone.device.type == "cpu" else 4
    with tqdm(total=total, unit="image", disable=not (options.progress and rank() == 0)) as bar:
        for size, batches in todo.items():
            read = {"batches": batches, "truth": True, "workers": workers}
            for items in read_batches(dataset, backbone.patch, size, **read):
                for n, i, row in _rows(items, groups[size], size, backbone, options.cache, proven):
                    name = dataset[i].id
                    if isinstance(row, str):
                        failed[n][name] = row
                        continue
                    journal.add({"recipe": n, "id": name} | row)
                    proven.add(n)
                    if n == 0:
                        seen.append(row["iou"])
                if seen:
                    bar.set_postfix_str(f"mIoU {100 * np.mean(seen):.1f}", refresh=False)
                bar.update(len(items))
    rows = {(row["recipe"], row["id"]): row for row in journal.rows()}
    everywhere = gather(failed)
    reasons = [{k: v for part in everywhere for k, v in part[n].items()} for n in range(len(recipes))]
    return rows, [{s.id: r[s.id] for s in dataset if s.id in r} for r in reasons]


def _missing(
    dataset: Dataset, group: Numbered, size: Size, backbone: Backbone, done: set, options: Options
) -> list[list[int]]:
    """The batches that are not wholly done: images come together as they do in a run without a kill."""
    batches = grid_batches(dataset, backbone.patch, size, options.batch_on(backbone.device))
    return [part for part in batches if not all((n, dataset[i].id) in done for i in part for n, _ in group)]


def _rows(
    items: list[Item], recipes: Numbered, size: Size, backbone: Backbone, cache: Path | None, proven: set[int]
) -> Iterator[tuple[int, int, dict | str]]:
    """(place of the recipe, index of the image, its row or what went wrong) of a batch.

    An error of a recipe that has not worked on any image yet is raised: it is the recipe's, not the image's.
    Where several processes share the images, none knows of the others' luck, and it counts as the image's.
    """
    if items[0].error is not None:  # such a one comes alone
        yield from ((n, items[0].index, items[0].error) for n, _ in recipes)
        return
    images = {item.index: item.image for item in items}
    kinds = list(dict.fromkeys((recipe.tokens, recipe.block) for _, recipe in recipes))

    @functools.cache  # one forward pass for all recipes
    def features(indices: tuple[int, ...]):
        return extract_kinds([images[i] for i in indices], backbone, kinds, size, cache)

    def work(recipe: Recipe, part: list[Item]) -> list[dict]:
        found, forward = features(tuple(item.index for item in part))
        start = clock(backbone.device)
        pixels, opacities = [item.image for item in part], [item.opacity for item in part]
        tokens = found[recipe.tokens, recipe.block]
        results = segment_features(tokens, pixels, recipe, backbone.source, opacities)
        times = {"seconds_forward": forward}
        times["seconds"] = forward + (clock(backbone.device) - start) / len(part)
        pairs = zip(part, results, strict=True)
        return [measures(r, item.truth, item.boxes, item.void) | times for item, r in pairs]

    for n, recipe in recipes:
        for item, row in zip(items, each(functools.partial(work, recipe), items), strict=True):
            if isinstance(row, SimsamError) and n not in proven and world() == 1:
                raise row
            yield n, item.index, str(row) if isinstance(row, SimsamError) else row


def measures(
    result: Result, truth: np.ndarray, boxes: np.ndarray | None, void: np.ndarray | None = None
) -> dict:
    """`worth` of a result's mask and score."""
    return worth(result.mask, soft(result.score), truth, boxes, void)


def worth(
    mask: np.ndarray,
    levels: np.ndarray,
    truth: np.ndarray,
    boxes: np.ndarray | None,
    void: np.ndarray | None = None,
) -> dict:
    """What a mask (H, W) bool is worth, and `levels` (H, W) in [0, 1] that say how sure each pixel is: iou,
    accuracy, f (the F curve, packed), localised (None without a true box), truth (what tells it from another
    one).

    Pixels that are `void` (H, W) bool count nowhere; a box is that of the whole mask.
    """
    if boxes is None:
        box = box_of(truth, largest=True)
        boxes = np.array([] if box is None else [box])
    box, digest = box_of(mask, largest=True), truth_digest(truth, void)
    if void is not None:
        mask, levels, truth = (pixels[~void][None] for pixels in (mask, levels, truth))
    return {
        "iou": metrics.iou(mask, truth),
        "accuracy": metrics.accuracy(mask, truth),
        "f": pack(metrics.f_curve(levels, truth)),
        "localised": metrics.is_localised(box, boxes) if len(boxes) else None,
        "truth": digest,
    }


def truth_digest(truth: np.ndarray, void: np.ndarray | None = None) -> str:
    """12 hexadecimal digits that tell one truth (H, W), void pixels marked, from another."""
    labels = truth.astype(np.uint8) if void is None else np.where(void, VOID, truth).astype(np.uint8)
    return hashlib.sha256(repr(labels.shape).encode() + labels.tobytes()).hexdigest()[:12]


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
