"""Measure again what the book reports: writes simsam/data/results/BACKBONE/*.csv.

    python tools/results.py recipes --dataset ecssd --root DIR                # all images, and both halves
    python tools/results.py layers stages --dataset ecssd --root DIR --select 3/8
    python tools/results.py headroom --dataset ecssd --root DIR --select 3/4 --backbone classical

One CSV a family and data set. ECSSD's settings were chosen on the ids that leave 1 when divided by 4; the
rows say which images they are of. What is about the head is also told for small objects and for several. A
run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
from ablations import FAMILIES, Row, readable
from chosen_backbone import add_backbone, chosen, command

from simsam.data import Dataset, atomic_write, load_cutouts, open_dataset
from simsam.features import Features
from simsam.measuring import bootstrap_interval, paired_difference, run_recipes
from simsam.pipeline import Recipe, stages
from simsam.siamese import HeadResult

MEASURED = ["n", "miou", "low", "high", "baseline", "difference", "difference_low", "difference_high"]
ORIGIN = ["seconds_per_image", "backbone", "labels", "sha256", "version", "command"]
COLUMNS = ["dataset", "split", "family", "setting", "recipe", *MEASURED, *ORIGIN]
SMALL = 0.1  # of the image: a smaller object is a small one
FEW = 10  # a split of fewer images says nothing
# the fields of a recipe that `simsam.pipeline.train` reads
OF_THE_HEAD = (
    "head",
    "projector",
    "predictor",
    "projector_nonlinear",
    "predictor_nonlinear",
    "epochs",
    "batch",
    "lr",
)
OF_THE_HEAD += (
    "stop_gradient",
    "pairs",
    "ridge",
    "view_scale",
    "view_degrees",
    "view_shear",
    "view_shift",
    "seed",
)


def splits(dataset: Dataset, select: str | None, family: str) -> dict[str, list[str]]:
    """The ids of each part of the images that gets lines of its own; the whole of them is the first."""
    ids = [sample.id for sample in dataset]
    whole = "{} mod {}".format(*select.split("/")) if select else "all"
    found = {whole: ids}
    if dataset.name == "ecssd" and not select:
        found |= {f"{r} mod 4": [i for i in ids if int(i) % 4 == r] for r in (1, 3)}
    if family.startswith("head"):
        small = [sample.id for sample in dataset if sample.truth.mean() < SMALL]
        several = {cutout.id for cutout in load_cutouts() if len(cutout.classes) > 1}
        several = [i for i in ids if dataset.name == "cutouts" and i in several]
        kinds = {"small objects": small, "several objects": several}
        found |= {f"{whole}, {kind}": some for kind, some in kinds.items() if len(some) >= FEW}
    return found


def table(
    rows: list[Row], results: dict, dataset: str, splits: dict[str, list[str]], command: str
) -> list[dict]:
    """One line for each row and split, in percent, differences paired with the row's baseline."""
    lines = []
    for row in rows:
        result, base = results[row.recipe], results[row.baseline]
        for split, names in splits.items():
            ids = [i for i in names if i in result["per_image"] and i in base["per_image"]]
            x = 100 * np.array([result["per_image"][i] for i in ids])
            b = 100 * np.array([base["per_image"][i] for i in ids])
            low, high = bootstrap_interval(x)
            difference, d_low, d_high = paired_difference(x, b)
            values = {
                "miou": x.mean(),
                "low": low,
                "high": high,
                "difference": difference,
                "difference_low": d_low,
                "difference_high": d_high,
            }
            lines.append(
                {
                    "dataset": dataset,
                    "split": split,
                    "family": row.family,
                    "setting": row.setting,
                    "recipe": row.recipe.name,
                    "n": len(ids),
                    "baseline": row.baseline_name,
                    **{k: f"{v:.2f}" for k, v in values.items()},
                    "seconds_per_image": f"{result['seconds_per_image']:.2f}",
                    **{key: result[key] for key in ("backbone", "labels", "sha256")},
                    "version": result["version"],
                    "command": command,
                }
            )
    return lines


@contextmanager
def heads_trained_once() -> Iterator[None]:
    """Recipes that differ only in what they make of a head share it: training takes most of the time."""
    train, kept = stages.train, {}

    def once(features: Features, recipe: Recipe) -> HeadResult | None:
        if not recipe.uses_head:
            return None
        image = (features.kind, features.block, features.grid, float(features.tokens.double().sum()))
        key = (*image, *(getattr(recipe, field) for field in OF_THE_HEAD))
        if key not in kept:
            if len(kept) > 16:  # those of the images before
                kept.clear()
            kept[key] = train(features, recipe)
        return kept[key]

    stages.train = once
    try:
        yield
    finally:
        stages.train = train


def write_table(file: Path, lines: list[dict]) -> None:
    with atomic_write(file) as path, path.open("w", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


def merged(file: Path, lines: list[dict]) -> list[dict]:
    """The lines of a table, those measured anew in the place of the old ones."""
    key = ("split", "family", "setting", "recipe")
    new = {tuple(line[k] for k in key): line for line in lines}
    with file.open(newline="") as table:
        return [new.get(tuple(line[k] for k in key), line) for line in csv.DictReader(table)]


def added(file: Path, lines: list[dict]) -> list[dict]:
    """The lines of a table that are of other images, then these."""
    splits = {line["split"] for line in lines}
    with file.open(newline="") as table:
        return [*(line for line in csv.DictReader(table) if line["split"] not in splits), *lines]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("families", nargs="*", default=[*FAMILIES], help=", ".join(FAMILIES))
    parser.add_argument("--dataset", default="cutouts")
    parser.add_argument("--root")
    parser.add_argument("--select", help="R/M: the ids that leave R when divided by M")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--cache", help="a folder to keep features in")
    parser.add_argument("--add", action="store_true", help="keep the table's lines of other images")
    parser.add_argument("--only", nargs="+", metavar="RECIPE", help="replace just the lines of these recipes")
    add_backbone(parser)
    args = parser.parse_args()
    words = sys.argv[1:]
    if args.only:
        del words[words.index("--only") : words.index("--only") + 1 + len(args.only)]
    line = command("results", words, args, hidden=("--cache",))
    dataset = open_dataset(args.dataset, args.root, "object", select=args.select, limit=args.limit)
    backbone, folder = chosen(args)
    for family in args.families:
        rows = readable(FAMILIES[family](), backbone.name)
        rows = [row for row in rows if not args.only or row.recipe.name in args.only]
        if not rows:
            print(f"{family}: nothing in it can be measured on {backbone.name}")
            continue
        recipes = list(dict.fromkeys(r for row in rows for r in (row.recipe, row.baseline)))
        journal = folder / f"{family}_{args.dataset}.json"
        shared = family.startswith("head")  # headroom too
        with heads_trained_once() if shared else nullcontext():
            found = run_recipes(dataset, recipes, backbone, file=journal, cache=args.cache, progress=True)
        if shared:  # who pays for a shared head is an accident
            found = [result | {"seconds_per_image": float("nan")} for result in found]
        results = dict(zip(recipes, found, strict=True))
        lines = table(rows, results, args.dataset, splits(dataset, args.select, family), line)
        file = folder / f"{family}_{args.dataset}.csv"
        if args.only or args.add:
            lines = (merged if args.only else added)(file, lines)
        write_table(file, lines)
        journal.unlink()  # the CSV is what the book reads


if __name__ == "__main__":
    main()
