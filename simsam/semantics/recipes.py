"""The settings of the semantic pipeline: a `SemanticRecipe`, and those that have a name."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from simsam.errors import SimsamError, unknown
from simsam.pipeline import RECIPES, Positive, Range, Recipe, Seed, check_settings, get_recipe, known_settings


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
    regions: Positive | Literal["eigengap", "tokens"] = 1
    background: Literal["border", "object", "none"] = "object"
    erode: Annotated[int, Range(0, 100)] = 2
    dilate: Annotated[int, Range(0, 100)] = 3
    embed: Literal["cls", "pooled"] = "cls"
    crop: Annotated[int, Range(1, 1024)] = 224
    normalise: bool = True
    pca: Annotated[int | None, Range(1)] = 20
    cluster: Literal["kmeans", "spectral"] = "kmeans"
    neighbours: Positive = 10
    restarts: Annotated[int, Range(1, 1000)] = 10
    sample: Positive = 20_000
    centroid: bool = False
    refine: Literal["none", "guided", "crf"] = "none"
    seed: Seed = 0

    def __post_init__(self) -> None:
        check_settings(self)
        if self.background == "object" and self.base.readout == "maskcut":
            raise SimsamError(
                'background "object" needs one mask: give a base that reads "vote" or "fiedler".'
            )
        if self.centroid and (self.embed != "pooled" or self.background != "none"):
            raise SimsamError('centroid needs means of all regions: give embed "pooled", background "none".')

    @property
    def has_background(self) -> bool:
        return self.background != "none"


# fmt: off  (tables)
_NAMED = (
    # photos with a subject: the object of `simsam`, the class token of its crop
    SemanticRecipe(),
    # photos that are scene all over: no background, regions by their mean key; on street scenes keys of the
    # default weights were clearly better than their output tokens (data/results/focus_vits14/semantic.csv)
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
        base=replace(RECIPES["paper"], k=15),
        regions=15,
        background="border",
        crop=112,
        normalise=False,
        pca=None,
    ),
    # K-means over all tokens of the data set: no graph, no region
    SemanticRecipe(
        name="tokens", base=RECIPES["spectral"], regions="tokens", background="none", embed="pooled", pca=None
    ),
)
# fmt: on
SEMANTIC_RECIPES: dict[str, SemanticRecipe] = {recipe.name: recipe for recipe in _NAMED}


def get_semantic_recipe(recipe: str | SemanticRecipe = "objects", **changes: object) -> SemanticRecipe:
    """A recipe by name (or as it is), some fields changed; fields of its base by their own names, as in
    `get_semantic_recipe("scenes", regions=20, kappa=0.0)`. `seed` changes both.

    Raises `SimsamError` for unknown names.
    """
    if isinstance(recipe, str):
        if recipe not in SEMANTIC_RECIPES:
            raise unknown("semantic recipe", recipe, SEMANTIC_RECIPES)
        recipe = SEMANTIC_RECIPES[recipe]
    own = {field.name for field in dataclasses.fields(SemanticRecipe)} - {"base"}
    known = {*known_settings(SemanticRecipe), "name"}
    for name in changes:
        if name not in known:
            raise unknown("setting", name, known)
    below = {name: value for name, value in changes.items() if name == "seed" or name not in own}
    above = {name: value for name, value in changes.items() if name in own}
    return replace(recipe, base=get_recipe(recipe.base, **below), **above)
