"""`simsam compare`: the paired difference of two evaluations."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from simsam.data import check_target, write_json
from simsam.errors import SimsamError
from simsam.measuring import compare, title

ADVICE = "give a file of `simsam evaluate --json`"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", metavar="A.json", help="a result of `simsam evaluate --json`")
    parser.add_argument("b", metavar="B.json", help="another one; its numbers are taken from those of A")
    parser.add_argument("--json", metavar="FILE", help="write the comparison here, as fractions in 0..1")


def run(args: argparse.Namespace) -> int:
    if args.json:
        check_target(args.json)
    result = compare(read_evaluation(args.a), read_evaluation(args.b))
    _print(result)
    if args.json:
        write_json(args.json, result)
    return 0


def read_evaluation(path: str) -> dict:
    """The result in a JSON file; raises `SimsamError` for a file that holds something else."""
    try:
        result = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SimsamError(f"cannot read {path}: {error.strerror}; {ADVICE}.") from error
    except ValueError as error:
        raise SimsamError(f"{path} is not JSON ({error}); {ADVICE}.") from error
    keys = ("dataset", "task", "recipe", "changed", "backbone", "images", "per_image")
    missing = [key for key in keys if key not in result] if isinstance(result, dict) else list(keys)
    if missing:
        raise SimsamError(f"{path} is no evaluation (it has no {missing[0]}); {ADVICE}.")
    if not _is_whole(result):
        what = "a number for each image, and in the semantic task a matrix of counts, was expected"
        raise SimsamError(f"{path} is a damaged evaluation ({what}); {ADVICE}.")
    return result


def _is_whole(result: dict) -> bool:
    """Whether a number stands where `compare` expects one, and in a semantic result a matrix of counts."""
    if not all(isinstance(result[key], dict) for key in ("changed", "per_image")):
        return False
    kinds = (int, float, *[type(None)] * (result["task"] == "semantic"))  # None: all of the image is void
    if not all(isinstance(value, kinds) for value in result["per_image"].values()):
        return False
    if result["task"] != "semantic":
        return True
    tables = result.get("confusions")
    if not isinstance(tables, dict) or tables.keys() != result["per_image"].keys():
        return False
    try:
        counts = np.array([*tables.values()])
    except ValueError:  # tables of several shapes
        return False
    return counts.ndim == 3 and counts.dtype.kind in "iu"


def _print(result: dict) -> None:
    print(f"{result['images']} common images of {result['dataset']}, task {result['task']}; percent")
    for name in "ab":
        side = result[name]
        what = f"{title(side['recipe'], side['changed'])}, {side['backbone']}, {side['images']} images"
        print(f"mean IoU of {name.upper()}  {100 * side['miou']:7.2f}  {what}")
    low, high = (100 * v for v in result["interval"])
    print(f"A - B          {100 * result['difference']:+7.2f}  [{low:+.2f}, {high:+.2f}] (95 %, paired)")
    if not result["same_weights"]:
        print("different weights: the difference is theirs as well as the recipes'")
    if result["folders"]:
        print("different folders: {} and {}; only names pair their images".format(*result["folders"]))
    width = max([5, *(len(row["id"]) for row in result["largest"])])
    print(f"\nwhere they differ most\n{'image':{width}}  {'A':>6}  {'B':>6}  {'A - B':>7}")
    for row in result["largest"]:
        a, b, difference = (100 * row[key] for key in ("a", "b", "difference"))
        print(f"{row['id']:{width}}  {a:6.1f}  {b:6.1f}  {difference:+7.1f}")
