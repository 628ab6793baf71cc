"""SimSAM: masks from photos without labels, by spectral segmentation of self-supervised features."""

from simsam.backbones import load_backbone
from simsam.errors import SimsamError
from simsam.features import extract
from simsam.pipeline import Result, segment
from simsam.recipes import RECIPES, Recipe, get_recipe

__version__ = "0.1.0"

# The project's public address: the only place that decides it; tests keep every other mention in step.
REPOSITORY = "https://github.com/simsam-book/simsam"

__all__ = [
    "RECIPES",
    "REPOSITORY",
    "Recipe",
    "Result",
    "SimsamError",
    "extract",
    "get_recipe",
    "load_backbone",
    "segment",
]
