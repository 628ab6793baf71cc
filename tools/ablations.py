"""What is measured: each ablation changes one field of a recipe and is compared with the recipe itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

from simsam.pipeline import RECIPES, Recipe

SIMSAM, PAPER = RECIPES["simsam"], RECIPES["paper"]
# Ablations leave the refinement out: it would cover what a stage before it does.
SPECTRAL = replace(RECIPES["spectral"], refine="none")
# The second eigenvector of the same graph, cut at 0: what the vote and the step after it would cover.
FIEDLER = replace(SPECTRAL, name="fiedler", readout="fiedler", centroid=0, margin=0.0, min_part=0.0)
# The paper's recipe without its head: what kappa > 0 has to be compared with.
NO_HEAD = replace(PAPER, name="paper-no-head", head="none", kappa=0.0)


@dataclass(frozen=True)
class Row:
    """One measurement: the recipe, in which family it stands, what it is called, and its baseline.

    `against` is what the baseline is called where its recipe's own name would not tell.
    """

    family: str
    setting: str
    recipe: Recipe
    baseline: Recipe
    against: str | None = None

    @property
    def baseline_name(self) -> str:
        return self.against or self.baseline.name


def readable(rows: list[Row], backbone: str) -> list[Row]:
    """The rows that make sense on a backbone: of `classical`, which no network makes, output tokens and no
    attention; of a network that was never trained, the last block alone."""

    def fits(recipe: Recipe) -> bool:
        if backbone == "classical":
            return recipe.tokens == "output" and recipe.block == -1 and recipe.sign != "attention"
        return recipe.block == -1 or backbone != "untrained_vits14"

    return [row for row in rows if fits(row.recipe) and fits(row.baseline)]


def change(family: str, base: Recipe, *changes: dict) -> list[Row]:
    """One row for each set of changed fields, named by them."""
    return [
        Row(family, ", ".join(f"{k}={v}" for k, v in fields.items()), replace(base, **fields), base)
        for fields in changes
    ]


def contrasts(base: Recipe, settings: dict[str, dict], *pairs: tuple[str, str]) -> list[Row]:
    """Pairs of the named changes of `base`, the first beside the second: a learned head and its control."""
    recipes = {name: replace(base, **fields) for name, fields in settings.items()}
    family = f"head ({base.name}), beside its control"
    return [Row(family, one, recipes[one], recipes[other], against=other) for one, other in pairs]


def named() -> list[Row]:
    """Every named recipe, beside `spectral` with the same refinement."""
    refined = RECIPES["spectral"]
    rows = [Row("recipes", n, r, refined if r.refine == "guided" else SPECTRAL) for n, r in RECIPES.items()]
    return [
        *rows,
        Row("recipes", "spectral, refine=none", SPECTRAL, SPECTRAL),
        Row("recipes", "simsam, refine=none", replace(SIMSAM, refine="none"), SPECTRAL),
        Row("recipes", "simsam, refine=crf", replace(SIMSAM, refine="crf"), SIMSAM),
    ]


def head() -> list[Row]:
    """Does the head help? Learned, untrained, and a constant in the place of W_SA, in three readouts.

    A constant has no control at the setting of `simsam`: there W_SA less its mean would be zero.
    """
    rows = []
    kappa = {"kappa": SIMSAM.kappa}
    raw = {"kappa": 0.1, "semantic_unit": False, "semantic_offset": "none"}
    settings = {
        "closed form": {"head": "closed_form", **kappa},
        "SGD": {"head": "sgd", **kappa},
        "untrained": {"head": "untrained", **kappa},
        "unit-length constant": {"head": "sgd", **kappa, "semantic": "constant", "semantic_offset": "none"},
        "closed form, kappa 1": {"head": "closed_form", "kappa": 1.0},
        "SGD, raw": {"head": "sgd", **raw},
        "untrained, raw": {"head": "untrained", **raw},
        "constant, raw": {"head": "sgd", **raw, "semantic": "constant"},
        "SGD, wide views": {"head": "sgd", **kappa, "view_shift": 0.3},
    }
    pairs = [
        ("closed form", "untrained"),
        ("SGD", "untrained"),
        ("SGD, raw", "untrained, raw"),
        ("SGD, raw", "constant, raw"),
    ]
    for base in (SPECTRAL, FIEDLER):
        rows += change(f"head ({base.name})", base, *settings.values())
        rows += contrasts(base, settings, *pairs)
    paper = {"head": "sgd", "kappa": 0.1}
    settings = {
        "SGD": paper,
        "untrained": {**paper, "head": "untrained"},
        "constant": {**paper, "semantic": "constant"},
    }
    released = {**paper, "head": "untrained", "projector": 0, "offset": "max/3"}
    rows += change("head (paper)", NO_HEAD, *settings.values(), released)
    rows += contrasts(NO_HEAD, settings, ("SGD", "untrained"), ("SGD", "constant"))
    return rows


def headroom() -> list[Row]:
    """The head on features that do not hold the object already: `spectral` (output tokens) and `paper` (keys,
    and output tokens), with and without it, on blocks 3, 6, 9 and the last.

    What counts was written down before any of it was measured. On one kind of features and in one recipe the
    trained head *gains* where its paired differences from all three controls (no head, an untrained head, a
    constant in the place of W_SA) have 95 % intervals above 0; it *loses* where that from no head lies below
    0; else it is *not distinguishable*. A gain of less than 1 point of mean IoU is called small. Kappa is
    that of each recipe, chosen for other features, and nothing is tuned here. With features of no network
    and of one that was never trained there are fourteen trials: one gain alone may be luck, and is called so.
    """
    rows = []
    for base in (SPECTRAL, NO_HEAD):
        ours = base is SPECTRAL
        kappa = {"kappa": SIMSAM.kappa if ours else PAPER.kappa}
        flat = {"semantic": "constant", "semantic_offset": "none"}  # less its mean, a constant is nothing
        learned = {"trained": {"head": "sgd"}} | ({"closed form": {"head": "closed_form"}} if ours else {})
        controls = {"untrained": {"head": "untrained"}, "constant": {"head": "sgd", **flat}}
        kinds = [{"block": 2}, {"block": 5}, {"block": 8}, {}] + ([] if ours else [{"tokens": "output"}])
        for kind in kinds:
            none = replace(base, **kind)
            where = f"{none.tokens}, {f'block {none.block + 1}' if none.block >= 0 else 'last block'}"
            recipes = {name: replace(none, **f, **kappa) for name, f in (learned | controls).items()}
            family = f"headroom ({'simsam' if ours else 'paper'}; {where})"
            rows.append(Row(family, "none", none, none, against="none"))
            for name, recipe in recipes.items():
                beside = {"none": none} | {n: recipes[n] for n in controls if name in learned}
                rows += [Row(family, name, recipe, other, against=what) for what, other in beside.items()]
    return rows


def layers() -> list[Row]:
    """The paper's own ablation: no head; layers of psi and pi, linear or not; views, kappa, offset."""
    return change(
        "paper",
        PAPER,
        {"head": "none", "kappa": 0.0},
        {"head": "none", "kappa": 0.0, "offset": "none"},  # which is DSM
        {"projector": 0},
        {"projector": 2},
        {"predictor": 0},
        {"predictor": 2},
        {"projector_nonlinear": False},
        {"predictor_nonlinear": True},
        {"kappa": 0.03},
        {"kappa": 0.3},
        {"kappa": 1.0},
        {"view_scale": 0.0, "view_degrees": 0.0, "view_shear": 0.0, "view_shift": 0.0},
        {"view_shift": 0.3},
        {"offset": "none"},
        {"offset": "max/3"},
        {"stop_gradient": False},
    )


def stages() -> list[Row]:
    """Every other stage, one field at a time."""
    return [
        *change("features", SPECTRAL, {"tokens": "keys"}, {"tokens": "queries"}, {"tokens": "values"}),
        *change("features", SPECTRAL, {"block": 10}, {"block": 9}, {"size": 320}, {"size": None}),
        *change("graph", SPECTRAL, {"offset": "none"}, {"offset": "max/3"}, {"offset": "quantile:0.7"}),
        *change("graph", SPECTRAL, {"floor": 0.0}, {"floor": 1e-3}, {"graph": "binary"}),
        *change("graph", SPECTRAL, {"color": "knn", "color_weight": 10.0}),
        *change("graph", SPECTRAL, {"color": "random_walk", "color_weight": 10.0}),
        *change("eigenvectors", SPECTRAL, {"laplacian": "unnormalized"}, {"laplacian": "affinity"}),
        *change("readout", SPECTRAL, {"readout": "fiedler"}, {"clusters": (3,)}, {"clusters": (6,)}),
        *change("readout", SPECTRAL, {"clusters": (3, 4, 5, 6, 7, 8, 9, 10), "k": 10}),
        *change("readout", SPECTRAL, {"border_ratio": 0.4}, {"border_ratio": 0.8}),
        *change("readout", SPECTRAL, {"centroid": 0}, {"centroid": 2}, {"cluster_on": "tokens"}),
        *change("readout", SPECTRAL, {"upsample": "nearest"}, {"margin": 0.0}, {"min_part": 0.0}),
        *change("refinement", SPECTRAL, {"refine": "guided"}, {"refine": "matting"}, {"refine": "crf"}),
        *change("threshold", FIEDLER, {"threshold": "mean"}, {"threshold": "otsu"}),
        *change("threshold", FIEDLER, {"threshold": "two_means"}, {"threshold": "ncut"}),
        *change("sign", FIEDLER, {"sign": "minority"}, {"sign": "attention"}, {"sign": "peak"}),
    ]


FAMILIES = {
    "recipes": named,
    "head": head,
    "headroom": headroom,
    "layers": layers,
    "stages": stages,
}
