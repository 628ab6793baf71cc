"""`simsam evaluate`: a recipe, or masks that any tool made, on a benchmark, measured."""

from __future__ import annotations

import argparse
import sys

from simsam.cli.options import add_recipe, recipe_of, semantic_recipe_of
from simsam.data import DATASETS, TASKS, Dataset, check_target, open_dataset
from simsam.errors import SimsamError, check_least
from simsam.measuring import MISSING, default_recipe, evaluate, evaluate_masks, evaluate_semantic, heading
from simsam.pipeline import RECIPES
from simsam.scale import gather, launch, process_group, rank
from simsam.semantics import SEMANTIC_RECIPES, check_classes
from simsam.weights import LABELS, Backbone, load_backbone


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", help=", ".join(DATASETS))
    parser.add_argument("--root", metavar="DIR", help="the folder of the data set (cutouts needs none)")
    parser.add_argument("--task", default="object", help=f"{' or '.join(TASKS)} (default: object)")
    recipes = f"{', '.join(RECIPES)}; of the semantic task {', '.join(SEMANTIC_RECIPES)}"
    scenes = ", ".join(name for name, source in DATASETS.items() if source.scenes)
    add_recipe(parser, [recipes], f"simsam; of the semantic task objects, on {scenes} scenes")
    parser.set_defaults(recipe=None)  # each task has its own
    others = parser.add_argument_group("masks of any tool, in place of a recipe")
    others.add_argument(
        "--masks",
        metavar="DIR",
        help="measure the masks that lie there: NAME.png or NAME_mask.png (label maps: NAME_labels.png) for "
        "an image NAME.*, in any format, in DIR or in folders below like theirs; gray values are cut at "
        "half",
    )
    others.add_argument(
        "--missing",
        choices=MISSING,
        help="what to do about images without a mask: say which (default), or count each as empty",
    )
    others.add_argument(
        "--labels",
        metavar="KIND",
        help=f"what the tool was trained with: {'; '.join(LABELS)} (default: unknown)",
    )
    parser.add_argument(
        "--classes", metavar="N", type=int, help="labels, of the semantic task (default: the set's)"
    )
    which = parser.add_argument_group("which images")
    which.add_argument("--split", help="train, val, test or trainval, where the data set has them")
    which.add_argument("--select", metavar="R/M", help="only the ids that leave R when divided by M")
    which.add_argument("--limit", metavar="N", type=int, help="only the first N")
    how = parser.add_argument_group("how to run")
    how.add_argument(
        "--json",
        metavar="FILE",
        help="write the result; in the object task a run that was killed goes on there, in the semantic task "
        "it needs --cache for that",
    )
    how.add_argument(
        "--cache",
        metavar="DIR",
        help="keep features (in the semantic task regions too) in this folder and look them up there",
    )
    how.add_argument(
        "--processes", metavar="N", type=int, default=1, help="how many, on this machine (default: 1)"
    )
    how.add_argument("--batch", metavar="N", type=int, help="images at once (default: 1, on a GPU 16)")


def kept(args: argparse.Namespace) -> str:
    """What a run that is interrupted leaves."""
    if args.json and args.task != "semantic":
        return "what is measured is kept, the same command goes on"
    if args.cache:
        return f"what was computed is kept in {args.cache}, the same command looks it up there"
    return "nothing of it is kept, which --cache DIR would do"


def run(args: argparse.Namespace) -> int:
    check_least("--batch", args.batch)
    if args.classes is not None and args.task != "semantic":
        raise SimsamError(f"--classes {args.classes} is of --task semantic: add that, or leave it out.")
    _check_masks(args)
    if args.processes == 1:
        return _run(args)
    code, sentence = launch(args.processes, _run_in_process, args)
    if sentence:
        raise SimsamError(sentence)
    return code


def _check_masks(args: argparse.Namespace) -> None:
    """Raise `SimsamError` for options of a run where masks are measured, and the reverse."""
    if args.masks is None:
        names = [name for name in ("missing", "labels") if getattr(args, name) is not None]
        if names:
            raise SimsamError(f"--{names[0]} is of --masks DIR: add that, or leave it out.")
        return
    given = {name: getattr(args, name) for name in ("recipe", "set", "refine", "backbone", "weights")}
    given |= {"device": args.device != "auto", "processes": args.processes != 1}
    given |= {name: getattr(args, name) for name in ("classes", "cache", "batch")}
    names = [name for name, value in given.items() if value]
    if names:
        raise SimsamError(
            f"--{names[0]} is of a run, and --masks measures masks that are there: leave one out."
        )


def _run_in_process(args: argparse.Namespace) -> tuple[int, str]:
    """`_run`, its error as a value: processes hand back values, not errors."""
    try:
        return _run(args), ""
    except SimsamError as error:
        return 2, str(error)


def _run(args: argparse.Namespace) -> int:
    options = {"split": args.split, "select": args.select, "limit": args.limit}
    dataset = open_dataset(args.dataset, args.root, args.task, **options)
    if args.masks is not None:
        return _report(_masks(args, dataset))
    chosen = args.task == "semantic" and args.recipe is None
    with process_group():
        result = (_semantic if args.task == "semantic" else _object)(args, dataset)
        if rank() == 0:
            return _report(result, " (the set's default)" if chosen else "")
    return 2 if result["failed"] else 0


def _report(result: dict, remark: str = "") -> int:
    """Say what was found, and what could not be measured; the exit code."""
    _print(result, remark)
    for name, why in result["failed"].items():
        print(f"simsam: {name} was left out: {why}", file=sys.stderr)
    return 2 if result["failed"] else 0


def _masks(args: argparse.Namespace, dataset: Dataset) -> dict:
    if args.json:
        args.json = check_target(args.json)
    how = {"missing": args.missing or MISSING[0], "labels": args.labels or "unknown"}
    return evaluate_masks(dataset, args.masks, **how, file=args.json, progress=True)


def _object(args: argparse.Namespace, dataset: Dataset) -> dict:
    args.recipe = args.recipe or "simsam"
    recipe, options = recipe_of(args), _options(args)
    return evaluate(dataset, recipe, _backbone(args, recipe.backbone), **options)


def _semantic(args: argparse.Namespace, dataset: Dataset) -> dict:
    args.recipe = args.recipe or default_recipe(dataset)
    recipe = semantic_recipe_of(args)
    check_classes(len(dataset.classes) if args.classes is None else args.classes, recipe)
    options = _options(args)
    backbone = _backbone(args, recipe.base.backbone)
    return evaluate_semantic(dataset, recipe, backbone, classes=args.classes, **options)


def _options(args: argparse.Namespace) -> dict:
    if args.json:  # before all the work: a result that cannot be written would be lost
        args.json = check_target(args.json)
    return {"file": args.json, "cache": args.cache, "batch": args.batch, "progress": True}


def _backbone(args: argparse.Namespace, name: str) -> Backbone:
    """The backbone; the first process fetches it for all, if it has to be fetched."""
    try:
        if rank() == 0:
            load_backbone(name, args.weights, args.device)
    finally:
        gather(None)
    return load_backbone(name, args.weights, args.device)


def _print(result: dict, remark: str) -> None:
    low, high = (100 * v for v in result["miou_interval"])
    print(f"{heading(result)}{remark} on {result['images']} images of {result['dataset']}")
    if "masks" in result:
        print(f"made with {result['weights']} weights (labels: {result['labels']})")
    else:
        print(f"{result['backbone']} (labels: {result['labels']}), {result['weights']}")
    print("; ".join([f"simsam {result['version']}", *([result["device"]] if "device" in result else [])]))
    if result.get("missing"):
        print(f"{len(result['missing'])} masks were missing and count as empty")
    if result.get("soft"):
        print(f"{result['soft']} masks hold gray values and were cut at half")
    print(f"mean IoU          {100 * result['miou']:6.2f} %  [{low:.2f}, {high:.2f}] (95 %)")
    shares = {"accuracy": "accuracy", "max-F": "max_f", "CorLoc": "corloc"}
    values = {name: result.get(key) for name, key in shares.items()}
    for name, value in (values | result.get("per_class", {})).items():
        if value is not None:
            print(f"{name:16}  {100 * value:6.2f} %")
    forward = result.get("seconds_forward_per_image")
    part = "" if forward is None else f"  ({forward:.2f} of them the backbone's)"
    if "seconds_per_image" in result:
        print(f"seconds an image  {result['seconds_per_image']:6.2f}{part}")
