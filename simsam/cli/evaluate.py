"""`simsam evaluate`: a recipe on a benchmark, measured."""

from __future__ import annotations

import argparse
import sys

from simsam.cli.options import add_recipe, recipe_of, semantic_recipe_of
from simsam.data import DATASETS, TASKS, Dataset, check_target, local_path, open_dataset
from simsam.errors import SimsamError, check_least
from simsam.measuring import evaluate, evaluate_semantic, title
from simsam.pipeline import RECIPES
from simsam.scale import gather, launch, process_group, rank
from simsam.semantics import SEMANTIC_RECIPES, check_classes
from simsam.weights import Backbone, load_backbone


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", metavar="DATASET", help=", ".join(DATASETS))
    parser.add_argument("--root", metavar="DIR", help="the folder of the data set (cutouts needs none)")
    parser.add_argument("--task", default="object", help=f"{' or '.join(TASKS)} (default: object)")
    recipes = f"{', '.join(RECIPES)}; of the semantic task {', '.join(SEMANTIC_RECIPES)}"
    add_recipe(parser, [recipes], "simsam, or objects")
    parser.set_defaults(recipe=None)  # each task has its own
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
    if args.processes == 1:
        return _run(args)
    code, sentence = launch(args.processes, _run_in_process, args)
    if sentence:
        raise SimsamError(sentence)
    return code


def _run_in_process(args: argparse.Namespace) -> tuple[int, str]:
    """`_run`, its error as a value: processes hand back values, not errors."""
    try:
        return _run(args), ""
    except SimsamError as error:
        return 2, str(error)


def _run(args: argparse.Namespace) -> int:
    options = {"split": args.split, "select": args.select, "limit": args.limit}
    dataset = open_dataset(args.dataset, args.root, args.task, **options)
    with process_group():
        result = (_semantic if args.task == "semantic" else _object)(args, dataset)
        if rank() == 0:
            _print(result)
            for name, why in result["failed"].items():
                print(f"simsam: {name} was left out: {why}", file=sys.stderr)
    return 2 if result["failed"] else 0


def _object(args: argparse.Namespace, dataset: Dataset) -> dict:
    args.recipe = args.recipe or "simsam"
    recipe, options = recipe_of(args), _options(args)
    return evaluate(dataset, recipe, _backbone(args, recipe.backbone), **options)


def _semantic(args: argparse.Namespace, dataset: Dataset) -> dict:
    args.recipe = args.recipe or "objects"
    recipe = semantic_recipe_of(args)
    check_classes(len(dataset.classes) if args.classes is None else args.classes, recipe)
    options = _options(args)
    backbone = _backbone(args, recipe.base.backbone)
    return evaluate_semantic(dataset, recipe, backbone, classes=args.classes, **options)


def _options(args: argparse.Namespace) -> dict:
    if args.json:  # before all the work: a result that cannot be written would be lost
        check_target(local_path(args.json))
    return {"file": args.json, "cache": args.cache, "batch": args.batch, "progress": True}


def _backbone(args: argparse.Namespace, name: str) -> Backbone:
    """The backbone; the first process fetches it for all, if it has to be fetched."""
    try:
        if rank() == 0:
            load_backbone(name, args.weights, args.device)
    finally:
        gather(None)
    return load_backbone(name, args.weights, args.device)


def _print(result: dict) -> None:
    low, high = (100 * v for v in result["miou_interval"])
    print(f"{title(result['recipe'], result['changed'])} on {result['images']} images of {result['dataset']}")
    print(f"{result['backbone']} (labels: {result['labels']}), {result['weights']}")
    print(f"simsam {result['version']}; {result['device']}")
    print(f"mean IoU          {100 * result['miou']:6.2f} %  [{low:.2f}, {high:.2f}] (95 %)")
    shares = {"accuracy": "accuracy", "max-F": "max_f", "CorLoc": "corloc"}
    values = {name: result.get(key) for name, key in shares.items()}
    for name, value in (values | result.get("per_class", {})).items():
        if value is not None:
            print(f"{name:16}  {100 * value:6.2f} %")
    forward = result.get("seconds_forward_per_image")
    part = "" if forward is None else f"  ({forward:.2f} of them the backbone's)"
    print(f"seconds an image  {result['seconds_per_image']:6.2f}{part}")
