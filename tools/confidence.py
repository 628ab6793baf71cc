"""Does the confidence know which masks fail, and where nothing is to be found? Chooses it, and reports it.

    python tools/confidence.py --root DIR --cache FOLDER [--backbone classical]

Chosen on ECSSD's ids 1 mod 4 and one part of `objectless`; reported on ids 3 mod 4 and on the other part. The
coefficients that the first part gives are printed, to stand in simsam/objects/confidence.py; the report is of
those that stand there, and of those chosen anew on the features of the run. Writes confidence.csv, percent. A
run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from ablations import FIEDLER, SIMSAM
from chosen_backbone import add_backbone, chosen, command
from objectless import PARTS, free_rectangle, objectless
from selective import Model, curves, fitted, printed, ranked, refusals
from tqdm import tqdm

from simsam import objects
from simsam.data import atomic_write, code_version, open_dataset
from simsam.measuring import iou, weights_of
from simsam.pipeline import Result, segment_features
from simsam.scale import Journal, extract_kinds, keep_journal
from simsam.weights import Backbone

SELECT = dict(zip(PARTS, ("1/4", "3/4"), strict=True))
BESIDE = "3/8"  # of the photos of which also what lies beside the object is looked at
SHARP = replace(SIMSAM, refine="none")  # what everything is chosen on: the refinement moves outlines alone
OTHERS = {"simsam": SIMSAM, "fiedler": FIEDLER}  # only ranked
COLUMNS = ["dataset", "split", "family", "setting", "recipe", "coverage", "n", "value", "low", "high"]
COLUMNS += ["baseline", "difference", "difference_low", "difference_high"]
COLUMNS += ["backbone", "labels", "sha256", "version", "command"]


def pictures(root: str, part: str) -> Iterator[tuple[str, str, np.ndarray, np.ndarray | None]]:
    """Kind, id, image, and the truth where there is an object."""
    for one in objectless(part):
        yield one.kind, one.id, one.image, None
    for sample in open_dataset("ecssd", root, "object", select=SELECT[part]):
        yield "ecssd", sample.id, sample.load_image(), sample.truth
    if part == PARTS[1]:
        for sample in open_dataset("ecssd", root, "object", select=BESIDE):
            if (where := free_rectangle(sample.truth)) is not None:
                yield "beside the objects of ECSSD", f"{sample.id}_beside", sample.load_image()[where], None


def measured(result: Result, truth: np.ndarray | None, kind: str, part: str, id_: str, name: str) -> dict:
    """One row: what happened, and what might have told it."""
    recipe = result.recipe
    vote = objects.cluster_vote(
        result.eigenvectors, result.features.grid, recipe.clusters, recipe.border_ratio, recipe.seed
    ) if recipe.readout == "vote" else None  # fmt: skip
    return {
        "recipe": name,
        "part": part,
        "kind": kind,
        "id": id_,
        "iou": None if truth is None else iou(result.mask, truth),
        "area": float(result.mask.mean()),
        "vote": None if vote is None else float(vote.abs().mean()),
        "evidence": result.evidence,
    }


def measure(root: str, backbone: Backbone, cache: Path | None, journal: Journal) -> list[dict]:
    """The rows of all pictures; those that the journal holds are not measured again."""
    done = {row["id"] for row in journal.found}
    for part in PARTS:
        for kind, id_, image, truth in tqdm(pictures(root, part), desc=part):
            if id_ in done:
                continue
            rows = []
            kinds = [(SHARP.tokens, SHARP.block)]
            features = extract_kinds([image], backbone, kinds, SHARP.size, cache)[0][kinds[0]]
            others = OTHERS if kind == "ecssd" and part == PARTS[1] else {}
            for name, recipe in {"simsam, refine=none": SHARP, **others}.items():
                result = segment_features(features, [image], recipe, backbone.source)[0]
                rows.append(measured(result, truth, kind, part, id_, name))
            journal.add({"id": id_, "rows": rows})
    return [row for found in journal.rows() for row in found["rows"]]


def report(rows: list[dict], model: Model, anew: Model) -> list[dict]:
    """The lines of the table, without their origin."""
    main = [row for row in rows if row["recipe"] == "simsam, refine=none"]
    before, after = ([row for row in main if row["part"] == part] for part in PARTS)
    lines = ranked(before, after, model, anew) + curves(before, after, model)
    for name in OTHERS:
        lines += ranked([], [row for row in rows if row["recipe"] == name], model, None)
    lines += refusals(before, model, "1 mod 4", "refused") + refusals(after, model, "3 mod 4", "refused")
    lines += refusals(after, anew, "3 mod 4", "refused, chosen anew")
    for kind in sorted({row["kind"] for row in before} - {"ecssd"}):
        blind = fitted([row for row in before if row["kind"] != kind])
        left = [row for row in after if row["kind"] == kind]
        lines += refusals(left, blind, "3 mod 4", "refused, its kind left out of the choice")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--root", required=True, metavar="DIR", help="the folder of ECSSD")
    parser.add_argument("--cache", type=Path, metavar="FOLDER", help="keep features there from run to run")
    add_backbone(parser)
    args = parser.parse_args()
    line = command("confidence", sys.argv[1:], args, hidden=("--cache",))
    backbone, folder = chosen(args)
    origin = {**weights_of(backbone), "version": code_version(), "command": line}
    settings = {"weights": origin["sha256"], "version": origin["version"], "recipe": str(SHARP)}
    file = folder / "confidence.csv"
    with keep_journal(file, f"confidence on {backbone.name}", settings) as journal:
        rows = measure(args.root, backbone, args.cache, journal)
        before = [r for r in rows if r["part"] == PARTS[0]]
        anew = fitted(before)
        print(printed(anew))
        lines = report(rows, Model(objects.COEFFICIENTS, objects.INTERCEPT, objects.FOUND), anew)
        with atomic_write(file) as path, path.open("w", newline="") as out:
            writer = csv.DictWriter(out, COLUMNS, lineterminator="\n", restval="")
            writer.writeheader()
            writer.writerows(line | {"dataset": "ecssd"} | origin for line in lines)


if __name__ == "__main__":
    main()
