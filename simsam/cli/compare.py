"""`simsam compare`: the paired difference of two evaluations."""

from __future__ import annotations

import argparse
import json

import numpy as np

from simsam.data import check_target, local_path, write_json
from simsam.errors import SimsamError
from simsam.measuring import compare, heading

ADVICE = "give a file of `simsam evaluate --json`"

WORDS = ("recipe", "backbone", "sha256", "labels", "masks", "folder")
# of what type is what `compare` reads of a result; one of masks has no recipe, an older one no truths
KINDS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("dataset", "task"), str),
    **dict.fromkeys(WORDS, (str, type(None))),
    **dict.fromkeys(("changed", "truths"), (dict, type(None))),
    "per_image": dict,
    "images": int,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", metavar="A.json", help="a result of `simsam evaluate --json`")
    parser.add_argument("b", metavar="B.json", help="another one; its numbers are taken from those of A")
    parser.add_argument("--json", metavar="FILE", help="write the comparison here, as fractions in 0..1")


def run(args: argparse.Namespace) -> int:
    if args.json:
        args.json = check_target(args.json)
    result = compare(read_evaluation(args.a), read_evaluation(args.b))
    _print(result)
    if args.json:
        write_json(args.json, result)
    return 0


def read_evaluation(path: str) -> dict:
    """The result in a JSON file; raises `SimsamError` for a file that holds something else."""
    try:
        result = json.loads(local_path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SimsamError(f"cannot read {path}: {error.strerror}; {ADVICE}.") from error
    except ValueError as error:
        raise SimsamError(f"{path} is not JSON ({error}); {ADVICE}.") from error
    keys = ["dataset", "task", "recipe", "changed", "backbone", "images", "per_image"]
    if isinstance(result, dict) and "masks" in result:
        keys = ["dataset", "task", "images", "per_image"]
    missing = [key for key in keys if key not in result] if isinstance(result, dict) else keys
    if missing:
        raise SimsamError(f"{path} is no evaluation (it has no {missing[0]}); {ADVICE}.")
    if not _is_whole(result):
        what = "a number for each image, and in the semantic task a matrix of counts, was expected"
        raise SimsamError(f"{path} is a damaged evaluation ({what}); {ADVICE}.")
    return result


def _is_whole(result: dict) -> bool:
    """Whether a number stands where `compare` expects one, and in a semantic result a matrix of counts."""
    if not all(isinstance(result.get(key), kind) for key, kind in KINDS.items()):
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


def remarks(result: dict) -> list[str]:
    """What else differs between the two: weights, images, folders."""
    sides, found = [result["a"], result["b"]], []
    if not result["same_weights"]:
        kind = "different weights" if result["same_weights"] is False else "weights"
        whose = " and ".join(map(_weights, sides))
        found.append(f"{kind}: {whose}; the difference is theirs as well as the recipes'")
    alone = [side["images"] - result["images"] for side in sides]
    if any(alone):
        found.append("images left out, since the other has none of them: {} of A, {} of B".format(*alone))
    if result["folders"]:
        same = "each image has one truth in both" if result["same_truth"] else "only names pair their images"
        found.append("different folders: {} and {}; {}".format(*result["folders"], same))
    return found


def _weights(side: dict) -> str:
    """ "dino_vits16 (labels: none, SHA-256 e4...)"; of masks, what is known."""
    digest = [f"SHA-256 {side['sha256'][:12]}"] if side["sha256"] else []
    about = ", ".join([f"labels: {side['labels'] or 'unknown'}", *digest])
    return f"{side['backbone'] if side['masks'] is None else 'unknown'} ({about})"


def _print(result: dict) -> None:
    print(f"{result['images']} common images of {result['dataset']}, task {result['task']}; percent")
    for name in "ab":
        side = result[name]
        backbone = [side["backbone"]] if side["masks"] is None else []
        what = ", ".join([heading(side), *backbone, f"{side['images']} images"])
        print(f"mean IoU of {name.upper()}  {100 * side['miou']:7.2f}  {what}")
    low, high = (100 * v for v in result["interval"])
    print(f"A - B          {100 * result['difference']:+7.2f}  [{low:+.2f}, {high:+.2f}] (95 %, paired)")
    for remark in remarks(result):
        print(remark)
    width = max([5, *(len(row["id"]) for row in result["largest"])])
    print(f"\nwhere they differ most\n{'image':{width}}  {'A':>6}  {'B':>6}  {'A - B':>7}")
    for row in result["largest"]:
        a, b, difference = (100 * row[key] for key in ("a", "b", "difference"))
        print(f"{row['id']:{width}}  {a:6.1f}  {b:6.1f}  {difference:+7.1f}")
