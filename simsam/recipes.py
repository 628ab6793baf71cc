"""Chapter 7. One pipeline, many papers: a `Recipe` holds every setting, and a paper is a few of them.

A recipe names equations; any recipe runs on any backbone. An ablation is `replace(recipe, field=value)`.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import dataclass, replace

from simsam.affinity import offset_quantile
from simsam.checks import typed, within
from simsam.errors import SimsamError, unknown

HEADS = ("none", "sgd", "closed_form", "untrained")
GRAPHS = ("similarity", "binary")
READOUTS = ("fiedler", "vote", "maskcut")
CHOICES = {
    "tokens": ("keys", "queries", "values", "output"),
    "head": HEADS,
    "semantic": ("learned", "constant"),
    "graph": GRAPHS,
    "color": ("none", "knn", "random_walk"),
    "laplacian": ("normalized", "unnormalized", "affinity"),
    "readout": READOUTS,
    "cluster_on": ("eigenvectors", "tokens"),
    "sign": ("border", "minority", "attention", "peak"),
    "threshold": ("zero", "mean", "otsu", "ncut", "two_means"),
    "upsample": ("bilinear", "nearest"),
    "refine": ("none", "guided", "matting", "crf"),
}

ANY = float("inf")
RANGES = {  # both ends belong to it; kappa, k and clusters have sentences of their own
    **{"size": (1, ANY), "projector": (0, ANY), "predictor": (0, ANY), "epochs": (0, ANY), "batch": (1, ANY)},
    # below the least ridge, float32 cannot tell the matrix of the closed form from a singular one
    **{"lr": (0, 100), "pairs": (1, ANY), "ridge": (1e-4, 1e6), "tau": (-1, 1), "floor": (0, 1)},
    **{"view_scale": (0, 0.9), "view_degrees": (0, 180), "view_shear": (0, 2), "view_shift": (0, 1)},
    **{"color_weight": (0, 1e6), "border_ratio": (0, 100), "centroid": (0, ANY), "margin": (-1, 1)},
    **{"objects": (1, ANY), "min_part": (0, 1), "seed": (0, 2**63 - 1)},
}


@dataclass(frozen=True)
class Recipe:
    """Every setting of the pipeline, stage by stage. Raises `SimsamError` for a value out of its range."""

    name: str = "simsam"
    # features
    backbone: str = "dinov2_vits14"  # its name, see `load_backbone`
    size: int | None = 480  # long side in pixels; None: native, cropped to whole patches
    tokens: str = "output"
    block: int = -1  # of the network; -1: the last
    # Siamese head
    head: str = "closed_form"
    projector: int = 1  # sgd: layers of psi; 0: none, the tokens as they are
    projector_nonlinear: bool = True  # each of its layers with an ELU
    predictor: int = 1  # sgd: layers of pi
    predictor_nonlinear: bool = False  # sgd: each of its layers with an ELU
    epochs: int = 10  # sgd: how many
    batch: int | None = None  # sgd: tokens a step; None: the whole grid
    lr: float = 0.06  # sgd: the learning rate
    stop_gradient: bool = True  # sgd: no gradient through the targets
    pairs: int = 2  # closed form: pairs of views
    ridge: float = 1e-2  # closed form
    view_scale: float = 0.2  # how far a view may move: see `ViewRange`
    view_degrees: float = 15.0  # the same
    view_shear: float = 0.2  # the same
    view_shift: float = 0.1  # the same
    # graph
    graph: str = "similarity"
    offset: str = "mean"  # subtracted from W_A: none, mean, max/3 or quantile:q
    tau: float = 0.2  # binary graph: the threshold on the cosine
    kappa: float = 0.25  # the weight of W_SA
    semantic_unit: bool = True  # rows of G to unit length
    semantic_offset: str = "mean"  # subtracted from W_SA
    semantic: str = "learned"  # "constant": its mean in its place, a control
    floor: float = 1e-5  # added to every weight, so that the graph is one piece
    color: str = "none"
    color_weight: float = 0.0  # of the colour affinity, which counts for nothing at 0
    # eigenvectors
    laplacian: str = "normalized"
    k: int = 7  # how many eigenvectors, the constant one among them
    # readout
    readout: str = "vote"
    cluster_on: str = "eigenvectors"
    clusters: tuple[int, ...] = (3, 4, 5, 6)  # vote: numbers of clusters, one vote each
    border_ratio: float = 0.6  # vote: a cluster with less than this on the border is foreground
    threshold: str = "zero"
    sign: str = "border"
    component: bool = False  # keep only the part that holds the eigenvector's peak
    centroid: int = 1  # steps in feature space after the readout
    margin: float = 0.1  # cut the score at this many times its mean magnitude
    objects: int = 3  # maskcut: how many cuts
    upsample: str = "bilinear"
    refine: str = "guided"
    min_part: float = 0.2  # drop the mask's parts smaller than this share of its largest
    seed: int = 0  # of the head and of K-means

    def __post_init__(self) -> None:
        for field, hint in typing.get_type_hints(Recipe).items():
            object.__setattr__(self, field, typed(field, getattr(self, field), hint))
        for field, (low, high) in RANGES.items():
            within(field, getattr(self, field), low, high)
        offset_quantile(self.offset), offset_quantile(self.semantic_offset)
        for field, choices in CHOICES.items():
            if getattr(self, field) not in choices:
                raise unknown(field, getattr(self, field), choices)
        if not 0 <= self.kappa < float("inf"):
            raise SimsamError(
                f"kappa={self.kappa}: the weight of W_SA is a finite number that is not negative."
            )
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
    k=15,
    readout="fiedler",
    sign="minority",
    centroid=0,
    margin=0.0,
    upsample="nearest",
    refine="none",
    min_part=0.0,
)
RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        _SIMSAM,
        replace(_SIMSAM, name="spectral", head="none", kappa=0.0),
        # Kamra et al., ICIP 2024, as the equations say: rows of G not normalised, mean offset, y_2 > 0.
        replace(
            _DSM,
            name="paper",
            head="sgd",
            kappa=0.1,
            offset="mean",
            semantic_unit=False,
            semantic_offset="none",
        ),
        # The same as its released code acts (chapter 9): no gradient reaches the head, psi is left out.
        replace(
            _DSM,
            name="released",
            head="untrained",
            projector=0,
            kappa=0.1,
            offset="max/3",
            semantic_unit=False,
            semantic_offset="none",
        ),
        _DSM,
        # Wang et al., CVPR 2022: 1 where the cosine exceeds 0.2, else 1e-5; y_2 above its mean; the side of
        # the largest entry; the connected part that holds it.
        replace(
            _DSM,
            name="tokencut",
            graph="binary",
            tau=0.2,
            floor=1e-5,
            threshold="mean",
            sign="peak",
            component=True,
        ),
        # Wang et al. (CutLER), CVPR 2023: three cuts one after the other at 480 pixels, tau 0.15.
        replace(
            _DSM,
            name="maskcut",
            size=480,
            graph="binary",
            tau=0.15,
            floor=1e-5,
            threshold="mean",
            sign="peak",
            readout="maskcut",
            component=True,
        ),
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
}


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


def parse_setting(text: str) -> tuple[str, object]:
    """ "field=value" from a command line as (field, value of the field's type): "kappa=0.5", "size=none"."""
    name, equals, value = text.partition("=")
    hints = {field: hint for field, hint in typing.get_type_hints(Recipe).items() if field != "name"}
    if not equals:
        raise SimsamError(f"setting {text!r}: give FIELD=VALUE, as in kappa=0.5.")
    if name not in hints:
        raise unknown("setting", name, hints)
    kinds = typing.get_args(hints[name]) if isinstance(hints[name], types.UnionType) else (hints[name],)
    kind = kinds[0]
    try:
        if type(None) in kinds and value.lower() == "none":
            return name, None
        if kind is bool:
            return name, {"true": True, "false": False}[value.lower()]
        if typing.get_origin(kind) is tuple:
            return name, tuple(int(v) for v in value.split(","))
        return name, kind(value)
    except (ValueError, KeyError):
        raise SimsamError(
            f"setting {text!r}: {value!r} is no value for {name}, which is {getattr(kind, '__name__', kind)}."
        ) from None
