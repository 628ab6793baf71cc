"""Measure semantic segmentation: `python tools/semantic_results.py --cutouts --camvid DIR --voc DIR`.

Writes semantic.csv of the backbone. Percent; differences are paired: to the baseline `tokens` (K-means
over all tokens), and in a row "A against B" to B. Each row is the mean of several runs, which differ in the
seed of the clustering alone; the intervals are over images and runs. Settings were chosen on the images in
even places (0, 2, ...) of cutouts and CamVid; the published step was kept where a change was not clearly
better there. The rows say which images they are of: the clusters are those of the whole set, their matching
to classes is made anew for each split. A run that was stopped goes on where it was, if it has a --cache.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
from chosen_backbone import add_backbone, chosen, command

from simsam.data import Dataset, atomic_write, code_version, open_dataset
from simsam.measuring import evaluate_semantic, paired_miou_of_runs, weights_of
from simsam.semantics import SemanticRecipe, get_semantic_recipe
from simsam.weights import WHEEL_BACKBONE, Backbone

DIFFERENCE = ["difference_to_baseline", "difference_low", "difference_high"]
COLUMNS = ["dataset", "split", "method", "n", "runs", "miou", "low", "high", *DIFFERENCE]
COLUMNS += ["backbone", "labels", "sha256", "command", "version"]
SPLITS = {"all": slice(None), "even": slice(0, None, 2), "odd": slice(1, None, 2)}
BASELINE = "tokens"
RUNS = 5
FEW = 10  # a split of fewer images says nothing
WITHOUT_HEAD = {"head": "none", "kappa": 0.0}

Rows = dict[str, SemanticRecipe]


def published(background: str) -> Rows:
    """The published steps with the paper's head; pooled tokens spare the crops, with and without the head."""
    recipe = get_semantic_recipe("published", background=background)
    pooled = get_semantic_recipe(recipe, embed="pooled")
    return {
        "published": recipe,
        "published, pooled tokens": pooled,
        "published, pooled tokens, kappa = 0": get_semantic_recipe(pooled, **WITHOUT_HEAD),
    }


def subjects() -> Rows:
    """For photos with a subject: `objects`, and one field of it changed at a time."""
    changes = {
        "kappa = 0": WITHOUT_HEAD,
        "pooled tokens": {"embed": "pooled"},
        "embeddings not normalised": {"normalise": False},
        "no PCA": {"pca": None},
        "spectral clustering": {"cluster": "spectral", "pca": None},
        "no erosion, no dilation": {"erode": 0, "dilate": 0},
        "guided filter": {"refine": "guided"},
        "dense CRF": {"refine": "crf"},
    }
    changed = {f"objects, {name}": get_semantic_recipe("objects", **c) for name, c in changes.items()}
    return {"objects": get_semantic_recipe("objects")} | changed


def scenes() -> Rows:
    """For street scenes: `scenes`, and one field of it changed at a time."""
    changes = {
        "kappa = 0": WITHOUT_HEAD,
        "output tokens": {"tokens": "output"},
        "no centroid step": {"centroid": False},
        "spectral clustering": {"cluster": "spectral"},
        "regions at the eigengap": {"regions": "eigengap"},
        "30 regions": {"regions": 30, "k": 30},
        "guided filter": {"refine": "guided"},
        "dense CRF": {"refine": "crf"},
    }
    changed = {f"scenes, {name}": get_semantic_recipe("scenes", **c) for name, c in changes.items()}
    return {"scenes": get_semantic_recipe("scenes")} | changed


def measure(
    dataset: Dataset, rows: Rows, backbone: Backbone, cache: Path | None
) -> dict[str, list[np.ndarray]]:
    """The confusion matrices (n, C, K) of each run of each method, on the same images in the same order."""
    found = {}
    for name, recipe in rows.items():
        print(f"{dataset.name}: {name}", flush=True)
        results = [
            evaluate_semantic(dataset, replace(recipe, seed=seed), backbone, cache=cache, progress=True)
            for seed in range(RUNS)
        ]
        found[name] = [np.array(list(result["confusions"].values())) for result in results]
        print(" ", " ".join(f"{100 * result['miou']:.2f}" for result in results), flush=True)
    return found


def lines(dataset: str, found: dict[str, list[np.ndarray]], command: str) -> list[dict]:
    """The rows of the table: every method, then what the head changes."""
    pairs = [(name, name, BASELINE) for name in found]
    pairs += [
        (f"{name} against kappa = 0", name, f"{name}, kappa = 0")
        for name in found
        if f"{name}, kappa = 0" in found
    ]
    return [
        line(dataset, split, method, *([run[part] for run in found[x]] for x in (name, base)), command)
        for method, name, base in pairs
        for split, part in SPLITS.items()
        if len(found[name][0][part]) >= FEW
    ]


def line(
    dataset: str, split: str, method: str, a: list[np.ndarray], b: list[np.ndarray], command: str
) -> dict:
    difference = (0, 0, 0) if method == BASELINE else paired_miou_of_runs(a, b)
    values = (*paired_miou_of_runs(a), *difference)
    keys = ("miou", "low", "high", *DIFFERENCE)
    numbers = {key: f"{100 * value:.2f}" for key, value in zip(keys, values, strict=True)}
    counts = {"n": len(a[0]), "runs": len(a)}
    origin = {"command": command, "version": code_version()}
    return {"dataset": dataset, "split": split, "method": method} | counts | numbers | origin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cutouts", action="store_true")
    parser.add_argument("--camvid", metavar="DIR")
    parser.add_argument("--voc", metavar="DIR")
    parser.add_argument("--cache", type=Path, help="a folder to keep features, regions and embeddings in")
    add_backbone(parser)
    args = parser.parse_args()
    tokens = {BASELINE: get_semantic_recipe("tokens")}
    keys = {f"{BASELINE}, keys": get_semantic_recipe("tokens", tokens="keys")}
    jobs = [
        ("cutouts", args.cutouts, tokens | keys | published("border") | subjects()),
        (
            "camvid",
            args.camvid,
            tokens | keys | published("none") | scenes() | {"objects": get_semantic_recipe("objects")},
        ),
        ("voc2012", args.voc, tokens | keys | published("border") | scenes()),
    ]
    backbone, folder = chosen(args)
    table = []
    for name, asked, rows in jobs:
        if asked:
            root = None if name == "cutouts" else asked
            dataset = open_dataset(name, root, task="semantic")
            flag = ["--cutouts"] if root is None else [f"--{name.removesuffix('2012')}", "DIR"]
            flag += ["--backbone", backbone.name] if backbone.name != WHEEL_BACKBONE else []
            found = measure(dataset, rows, backbone, args.cache)
            rows = lines(name, found, command("semantic_results", flag, args))
            table += [row | weights_of(backbone) for row in rows]
    with atomic_write(folder / "semantic.csv") as path, path.open("w", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


if __name__ == "__main__":
    main()
