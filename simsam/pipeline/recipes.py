"""One pipeline, many papers: a `Recipe` holds every setting, and a paper is a few of them.

A recipe names equations; any recipe runs on any backbone. An ablation is `replace(recipe, field=value)`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from simsam.errors import SimsamError, check_weight, unknown
from simsam.pipeline.settings import Count, Offset, Positive, Range, Seed, Share, check_settings


@dataclass(frozen=True)
class Recipe:
    """Every setting of the pipeline, stage by stage. Raises `SimsamError` for a value out of its range."""

    name: str = "simsam"
    # features
    backbone: str = "focus_vits14"  # its name, see `load_backbone`
    # long side in pixels, more for a photo longer than 2.5 : 1, so that its short side has a dozen tokens
    # (see `plan`); (height, width), warped to it; None: native, cropped to whole patches
    size: Annotated[int | tuple[int, int] | None, Range(1)] = 480
    tokens: Literal["keys", "queries", "values", "output"] = "output"
    block: int = -1  # of the network; -1: the last
    # Siamese head
    head: Literal["none", "sgd", "closed_form", "untrained"] = "closed_form"
    projector: Count = 1  # sgd: layers of psi; 0: none, the tokens as they are
    projector_nonlinear: bool = True  # each of its layers with an ELU
    predictor: Count = 1  # sgd: layers of pi
    predictor_nonlinear: bool = False  # sgd: each of its layers with an ELU
    epochs: Count = 10  # sgd: how many
    batch: Annotated[int | None, Range(1)] = None  # sgd: tokens a step; None: the whole grid
    lr: Annotated[float, Range(0, 100)] = 0.06  # sgd: the learning rate
    stop_gradient: bool = True  # sgd: no gradient through the targets
    pairs: Positive = 2  # closed form: pairs of views
    # below the least, float32 cannot tell the matrix of the closed form from a singular one
    ridge: Annotated[float, Range(1e-4, 1e6)] = 1e-2  # closed form
    view_scale: Annotated[float, Range(0, 0.9)] = 0.2  # how far a view may move: see `ViewRange`
    view_degrees: Annotated[float, Range(0, 180)] = 15.0  # the same
    view_shear: Annotated[float, Range(0, 2)] = 0.2  # the same
    view_shift: Share = 0.1  # the same
    # graph
    graph: Literal["similarity", "binary", "cosine"] = "similarity"
    offset: Offset = "mean"  # subtracted from W_A: none, mean, max/3 or quantile:q
    tau: Annotated[float, Range(-1, 1)] = 0.2  # binary and cosine graph: the threshold on the cosine
    kappa: Annotated[float, check_weight] = 0.25  # the weight of W_SA
    semantic_unit: bool = True  # rows of G to unit length
    semantic_offset: Offset = "mean"  # subtracted from W_SA
    semantic: Literal["learned", "constant"] = "learned"  # "constant": its mean in its place, a control
    floor: Share = 1e-5  # added to every weight, so that the graph is one piece
    color: Literal["none", "knn", "random_walk"] = "none"
    color_weight: Annotated[float, Range(0, 1e6)] = 0.0  # times W_colour is added: DSM's image_color_lambda
    # eigenvectors
    laplacian: Literal["normalized", "unnormalized", "affinity"] = "normalized"
    k: int = 7  # how many eigenvectors, the constant one among them
    # readout
    readout: Literal["fiedler", "vote", "maskcut"] = "vote"
    cluster_on: Literal["eigenvectors", "tokens"] = "eigenvectors"
    clusters: tuple[int, ...] = (3, 4, 5, 6)  # vote: numbers of clusters, one vote each
    # vote: a cluster with less than this on the border is foreground
    border_ratio: Annotated[float, Range(0, 100)] = 0.6
    threshold: Literal["zero", "mean", "otsu", "ncut", "two_means"] = "zero"
    sign: Literal["border", "minority", "attention", "peak"] = "border"
    component: bool = False  # keep only the part that holds the eigenvector's peak
    centroid: Count = 1  # steps in feature space after the readout
    margin: Annotated[float, Range(-1, 1)] = 0.1  # cut the score at this many times its mean magnitude
    objects: Positive = 3  # maskcut: how many cuts
    upsample: Literal["bilinear", "nearest"] = "bilinear"
    refine: Literal["none", "guided", "matting", "crf"] = "guided"
    crf: Literal["simsam", "dsm", "cutler"] = "simsam"  # refine crf: with whose numbers
    min_part: Share = 0.2  # drop the mask's parts smaller than this share of its largest
    seed: Seed = 0  # of the head and of K-means

    def __post_init__(self) -> None:
        check_settings(self)
        if not self.clusters or min(self.clusters) < 2 or max(self.clusters) > 64:
            raise SimsamError(
                f"clusters={self.clusters}: give one number or several, each 2 or more, at most 64."
            )
        if self.k < 2:
            raise SimsamError(f"k={self.k} eigenvectors: give at least 2, the first is constant.")
        if self.readout == "vote" and self.cluster_on == "eigenvectors" and self.k < max(self.clusters):
            raise SimsamError(
                f"k={self.k} eigenvectors are too few for a vote over {self.clusters} clusters."
            )

    @property
    def uses_head(self) -> bool:
        return self.head != "none" and self.kappa > 0 and self.graph == "similarity"


# fmt: off  (tables: a stage a line)
_SIMSAM = Recipe()
_DSM = Recipe(
    # Melas-Kyriazi et al., CVPR 2022: keys of the last block, negative entries dropped, y_2 > 0,
    # the smaller side is the object; native resolution.
    name="dsm",
    size=None,
    tokens="keys",
    head="none",
    kappa=0.0,
    offset="none",
    floor=0.0,
    k=2,
    readout="fiedler",
    sign="minority",
    centroid=0,
    margin=0.0,
    upsample="nearest",
    refine="none",
    min_part=0.0,
)
_TOKENCUT = replace(
    # Wang et al., CVPR 2022: 1 where the cosine exceeds 0.2, else 1e-5; y_2 above its mean; the side of the
    # largest entry; the connected part that holds it. Here the photo is cropped to whole patches, there it is
    # padded. Their ablation without a threshold is graph="cosine".
    _DSM,
    name="tokencut",
    graph="binary",
    tau=0.2,
    floor=1e-5,
    threshold="mean",
    sign="peak",
    component=True,
)
_PAPER = replace(
    # Kamra et al., ICIP 2024, as the equations say: rows of G not normalised, mean offset, y_2 > 0.
    _DSM,
    name="paper",
    head="sgd",
    kappa=0.1,
    offset="mean",
    semantic_unit=False,
    semantic_offset="none",
)
_NAMED = (
    _SIMSAM,
    replace(_SIMSAM, name="spectral", head="none", kappa=0.0),
    _PAPER,
    # The same as its released code acts (chapter 9): no gradient reaches the head, psi is left out.
    replace(_PAPER, name="released", head="untrained", projector=0, offset="max/3"),
    _DSM,
    _TOKENCUT,
    # Wang et al. (CutLER), CVPR 2023: three cuts one after the other at 480 pixels, tau 0.15. There the photo
    # is warped to a square, which is size=(480, 480).
    replace(_TOKENCUT, name="maskcut", size=480, tau=0.15, readout="maskcut"),
    # No graph: the vote of `simsam` on the tokens themselves, the control for the eigenvectors.
    replace(
        _SIMSAM,
        name="kmeans",
        head="none",
        kappa=0.0,
        cluster_on="tokens",
        centroid=0,
        margin=0.0,
        refine="none",
    ),
)
# fmt: on
RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _NAMED}


def get_recipe(recipe: str | Recipe, **changes: object) -> Recipe:
    """A recipe by name (or as it is), with some fields changed. Raises `SimsamError` for unknown names."""
    if not isinstance(recipe, Recipe):
        if recipe not in RECIPES:
            raise unknown("recipe", recipe, RECIPES)
        recipe = RECIPES[recipe]
    fields = {f.name for f in dataclasses.fields(Recipe)}
    for name in changes:
        if name not in fields:
            raise unknown("setting", name, fields)
    return replace(recipe, **changes) if changes else recipe
