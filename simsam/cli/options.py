"""Options that several commands share."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from pathlib import Path

from simsam.data import local_path
from simsam.errors import SimsamError
from simsam.pipeline import RECIPES, Recipe, get_recipe, parse_setting
from simsam.semantics import SemanticRecipe, get_semantic_recipe


def add_recipe(
    parser: argparse.ArgumentParser, recipes: Iterable[str] = RECIPES, default: str = "simsam"
) -> None:
    """--recipe, --set, --refine, --backbone, --weights, --device."""
    group = parser.add_argument_group("what to run")
    group.add_argument("--recipe", default=default, help=f"one of {', '.join(recipes)} (default: {default})")
    group.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="change one field of the recipe"
    )
    group.add_argument(
        "--refine", metavar="METHOD", help="none, guided, matting or crf: short for --set refine=METHOD"
    )
    group.add_argument(
        "--backbone", help="a name such as dino_vits16, classical, or any transformer of timm's"
    )
    group.add_argument("--weights", metavar="FILE", help="weights of the backbone, a safetensors file")
    group.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")


def recipe_of(args: argparse.Namespace) -> Recipe:
    """The recipe that the options ask for."""
    return get_recipe(args.recipe, **_changes(args, Recipe))


def semantic_recipe_of(args: argparse.Namespace) -> SemanticRecipe:
    """The semantic recipe that the options ask for."""
    return get_semantic_recipe(args.recipe, **_changes(args, SemanticRecipe))


def _changes(args: argparse.Namespace, kind: type) -> dict[str, object]:
    changes = dict(parse_setting(text, kind) for text in args.set)
    return changes | {name: getattr(args, name) for name in ("refine", "backbone") if getattr(args, name)}


def check_apart(folder: Path, given: Iterable[str], targets: Iterable[Path] = ()) -> None:
    """Raise `SimsamError` when what is written would get in the way of what is there.

    In a folder of photos the next run would take masks for photos; and among single photos, files that are
    there already (masks by hand, say) would be lost. Below the photos it is safe.
    """
    there = os.path.realpath(folder)
    advice = f"choose another folder for the output, such as {folder / 'masks'}"
    homes = set()
    for name in given:
        try:
            path = local_path(name)
        except SimsamError:  # no place here: whoever looks for the photos says so
            continue
        if os.path.isdir(path) and os.path.realpath(path) == there:  # noqa: PTH112 (it may be no name at all)
            raise SimsamError(f"{folder} holds the photos themselves: {advice}.")
        homes.add(os.path.realpath(path.parent))
    lost = next((path for path in targets if path.exists()), None) if there in homes else None
    if lost is not None:
        raise SimsamError(f"{lost} lies beside the photos already and would be overwritten: {advice}.")
