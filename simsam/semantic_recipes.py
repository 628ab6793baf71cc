"""Chapter 6. The settings of the semantic pipeline: a `SemanticRecipe`, and those that have a name."""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import dataclass, replace

from simsam.checks import WORDS, typed, within
from simsam.errors import SimsamError, unknown
from simsam.labelmaps import REFINEMENTS
from simsam.recipes import RECIPES, Recipe, get_recipe, parse_setting

CHOICES = {
    "background": ("border", "object", "none"),
    "embed": ("cls", "pooled"),
    "cluster": ("kmeans", "spectral"),
    "refine": REFINEMENTS,
}
ANY = float("inf")
RANGES = {  # both ends belong to it; that a crop is a patch at least depends on the backbone
    **{"regions": (1, ANY), "erode": (0, 100), "dilate": (0, 100), "crop": (1, 1024), "pca": (1, ANY)},
    **{"neighbours": (1, ANY), "restarts": (1, 1000), "sample": (1, ANY), "seed": (0, 2**63 - 1)},
}


@dataclass(frozen=True)
class SemanticRecipe:
    """Every setting of the semantic pipeline. Raises `SimsamError` for a value out of its range.

    base: features, head, graph and eigenvectors, and for background "object" the readout, of one image.
    regions: how many an image has; "eigengap", as many as its eigenvalues suggest; or "tokens", each token a
        region of its own, without any graph: the baseline.
    background: what gets label 0 and no cluster. "border", the region that owns most of the image's border
        (Melas-Kyriazi et al. 2022); "object", all that the base's readout calls background; "none".
    erode, dilate: tokens, between a region and its box.
    embed: "cls", the backbone's embedding of the crop of the box; "pooled", the region's mean unit token.
    crop: side of the square to which a crop is resized, in pixels.
    normalise: embeddings to unit length before they are clustered.
    pca: how many principal components of the embeddings are clustered; None: the embeddings themselves.
    cluster: "kmeans", or "spectral" on the graph of `neighbours` nearest neighbours.
    restarts: of K-means; the best is kept. sample: K-means is fitted on at most so many embeddings.
    centroid: at the end each token goes to the label whose mean unit token is closest to it by cosine:
        regions find the labels, tokens draw their outlines. With embed "pooled" and no background.
    refine: label maps at full resolution, "none", "guided" or "crf".
    """

    name: str = "objects"
    base: Recipe = RECIPES["simsam"]
    regions: int | str = 1
    background: str = "object"
    erode: int = 2
    dilate: int = 3
    embed: str = "cls"
    crop: int = 224
    normalise: bool = True
    pca: int | None = 20
    cluster: str = "kmeans"
    neighbours: int = 10
    restarts: int = 10
    sample: int = 20_000
    centroid: bool = False
    refine: str = "none"
    seed: int = 0

    def __post_init__(self) -> None:
        words = isinstance(self.regions, str)
        if words and self.regions not in ("eigengap", "tokens"):
            raise SimsamError(f'regions={self.regions!r}: give a number, "eigengap" or "tokens".')
        for field, hint in typing.get_type_hints(SemanticRecipe).items():
            if field != "base" and not (field == "regions" and words):
                object.__setattr__(self, field, typed(field, getattr(self, field), hint))
        for field, (low, high) in RANGES.items():
            if not (field == "regions" and words):
                within(field, getattr(self, field), low, high)
        for field, choices in CHOICES.items():
            if getattr(self, field) not in choices:
                raise unknown(field, getattr(self, field), choices)
        if self.background == "object" and self.base.readout == "maskcut":
            raise SimsamError(
                'background "object" needs one mask: give a base with readout "vote" or "fiedler".'
            )
        if self.centroid and (self.embed != "pooled" or self.background != "none"):
            raise SimsamError(
                'centroid needs mean tokens of all regions: give embed "pooled", background "none".'
            )

    @property
    def has_background(self) -> bool:
        return self.background != "none"


SEMANTIC_RECIPES: dict[str, SemanticRecipe] = {
    recipe.name: recipe
    for recipe in (
        # photos with a subject: the object of `simsam`, the class token of its crop
        SemanticRecipe(),
        # photos that are scene all over: no background, regions by their mean key; on street scenes keys were
        # clearly better than output tokens (data/results/semantic.csv)
        SemanticRecipe(
            name="scenes",
            base=replace(RECIPES["simsam"], tokens="keys", k=15),
            regions=15,
            background="none",
            embed="pooled",
            pca=None,
            centroid=True,
        ),
        # Melas-Kyriazi et al., CVPR 2022; Kamra et al., ICIP 2024, follow with their W_feat.
        # A crop of 112 is about the size of the boxes.
        SemanticRecipe(
            name="published",
            base=RECIPES["paper"],
            regions=15,
            background="border",
            crop=112,
            normalise=False,
            pca=None,
        ),
        # K-means over all tokens of the data set: no graph, no region
        SemanticRecipe(
            name="tokens",
            base=RECIPES["spectral"],
            regions="tokens",
            background="none",
            embed="pooled",
            pca=None,
        ),
    )
}


def get_semantic_recipe(recipe: str | SemanticRecipe = "objects", **changes: object) -> SemanticRecipe:
    """A recipe by name (or as it is), some fields changed; fields of its base by their own names, as in
    `get_semantic_recipe("scenes", regions=20, kappa=0.0)`. `seed` changes both.

    Raises `SimsamError` for unknown names.
    """
    if isinstance(recipe, str):
        if recipe not in SEMANTIC_RECIPES:
            raise unknown("semantic recipe", recipe, SEMANTIC_RECIPES)
        recipe = SEMANTIC_RECIPES[recipe]
    own, base = settings()
    for name in changes:
        if name not in own | base:
            raise unknown("setting", name, own | base)
    below = {k: v for k, v in changes.items() if k in base and (k not in own or k == "seed")}
    return replace(
        recipe, base=get_recipe(recipe.base, **below), **{k: v for k, v in changes.items() if k in own}
    )


def settings() -> tuple[set[str], set[str]]:
    """The names of the fields of a semantic recipe, and of those of its base."""
    own = {f.name for f in dataclasses.fields(SemanticRecipe)} - {"base"}
    return own, {f.name for f in dataclasses.fields(Recipe)} - {"name"}


def parse_semantic_setting(text: str) -> tuple[str, object]:
    """ "field=value" from a command line, for the fields of a semantic recipe and of its base."""
    name, equals, value = text.partition("=")
    own, base = settings()
    if not equals:
        raise SimsamError(f"setting {text!r}: give FIELD=VALUE, as in regions=5.")
    known = (own | base) - {"name"}
    if name not in known:
        raise unknown("setting", name, known)
    if name not in own:
        return parse_setting(text)
    hint = typing.get_type_hints(SemanticRecipe)[name]
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if type(None) in kinds and value.lower() == "none":
        return name, None
    try:
        return name, {"true": True, "false": False}[value.lower()] if kinds[0] is bool else kinds[0](value)
    except (ValueError, KeyError):
        if str in kinds:  # the recipe knows which words it takes
            return name, value
        raise SimsamError(
            f"setting {text!r}: {value!r} is no value for {name}, which is {WORDS[kinds[0]]}."
        ) from None
