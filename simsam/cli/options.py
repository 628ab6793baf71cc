"""Options that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from simsam.recipes import RECIPES, Recipe, get_recipe, parse_setting


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
    group.add_argument("--backbone", help="a name such as dinov2_vits14, or any vision transformer of timm's")
    group.add_argument("--weights", metavar="FILE", help="weights of the backbone, a safetensors file")
    group.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")


def recipe_of(args: argparse.Namespace) -> Recipe:
    """The recipe that the options ask for."""
    changes = dict(parse_setting(text) for text in args.set)
    if args.refine:
        changes["refine"] = args.refine
    if args.backbone:
        changes["backbone"] = args.backbone
    return get_recipe(args.recipe, **changes)
