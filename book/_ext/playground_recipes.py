"""The package's recipes as far as the playground has them, for its generated module."""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Iterator

from simsam.pipeline import RECIPES, Range, Recipe, choices, known_settings

PRESETS = ("simsam", "spectral", "paper", "dsm", "tokencut")
# fields of Recipe that the playground does not have
ABSENT = {"backbone", "size", "block", "color", "color_weight", "objects", "refine", "crf", "min_part"}
WITHOUT = {"queries", "values", "maskcut"}  # words that it does not take
PAPERS = {
    "paper": "Kamra et al. read the keys of DINO ViT-S/16",
    "dsm": "Melas-Kyriazi et al. read the keys of DINO ViT-S/16",
    "tokencut": "Wang et al. read the keys of DINO ViT-S/16",
}


def fields() -> dict[str, dict[str, object]]:
    """What each setting takes: {words}, {switch}, {text}, or {low, high, whole, many, empty}."""
    known = known_settings(Recipe)
    return {name: _field(name, hint) for name, hint in known.items() if name not in ABSENT}


def _field(name: str, hint: object) -> dict[str, object]:
    if words := choices(hint):
        return {"words": [word for word in words if word not in WITHOUT]}
    kinds = _kinds(hint)
    if bool in kinds:
        return {"switch": True}
    if str in kinds:
        return {"text": True}
    limits = next((one for one in _metadata(hint) if isinstance(one, Range)), Range(0))
    limits = {"clusters": Range(2, 64), "k": Range(2)}.get(name, limits)  # checked by the recipe as a whole
    return {
        "low": limits.low,
        "high": limits.high if math.isfinite(limits.high) else None,
        "whole": float not in kinds,
        "many": tuple in kinds,
        "empty": type(None) in kinds,
    }


def _metadata(hint: object) -> tuple[object, ...]:
    return getattr(hint, "__metadata__", ())


def _kinds(hint: object) -> set[object]:
    """The types that a hint allows."""
    if _metadata(hint):
        return _kinds(typing.get_args(hint)[0])
    origin = typing.get_origin(hint)
    if origin is tuple:
        return {tuple}
    return set().union(*map(_kinds, typing.get_args(hint))) if origin else {hint}


def presets(backbone: str, size: int) -> dict[str, dict[str, object]]:
    """The recipes by name: settings, and where the playground deviates from them, in sentences."""
    return {
        name: {
            "name": name,
            "settings": {k: v for k, v in dataclasses.asdict(RECIPES[name]).items() if k in fields()},
            "deviates": list(deviations(RECIPES[name], backbone, size)),
        }
        for name in PRESETS
    }


def deviations(recipe: Recipe, backbone: str, size: int) -> Iterator[str]:
    """Sentences on what a prepared photo's run leaves out of a recipe, or does in another way."""
    seen = "at its own size, cropped to whole patches"
    if recipe.size is not None:
        seen = f"with {recipe.size} pixels on its long side"
    yield f"The network saw the photo with {size} pixels on its long side; the recipe takes it {seen}."
    if recipe.name in PAPERS:
        yield f"{PAPERS[recipe.name]}; these are of {backbone}."
    elif backbone != recipe.backbone:
        yield f"The tokens are of {backbone}; the recipe's are of {recipe.backbone}."
    yield "The tokens are rounded to whole numbers of 8 bits."
    if recipe.refine != "none":
        yield f"The mask does not follow the photo's edges; the recipe refines it (refine: {recipe.refine})."
    if recipe.min_part:
        share = f"{recipe.min_part:.0%}"
        yield f"Small parts of the mask stay; the recipe drops those below {share} of its largest part."
