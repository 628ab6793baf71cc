"""The whole pipeline: `segment` runs a `Recipe` on photos, stage by stage.

Each stage is a pure function of what the stage before it returned, for one image or a batch of one grid.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import overload

import numpy as np
import torch
from torch import Tensor

from simsam import affinity, objects, siamese
from simsam.data import ImageSource, load_layers
from simsam.errors import SimsamError
from simsam.features import Features, Geometry, extract, plan, source_name, tell_if_thin
from simsam.pipeline.outputs import SOLID
from simsam.pipeline.recipes import Recipe, get_recipe
from simsam.pipeline.result import Result
from simsam.spectral import Spectrum, eigenpairs
from simsam.weights import Backbone, load_backbone

Named = str | Recipe
Loaded = str | Backbone | None
Images = Sequence[ImageSource]


@overload
def segment(
    image: ImageSource, recipe: Named = ..., backbone: Loaded = ..., device: str = ..., **changes: object
) -> Result: ...
@overload
def segment(
    image: Sequence[ImageSource],
    recipe: Named = ...,
    backbone: Loaded = ...,
    device: str = ...,
    **changes: object,
) -> list[Result]: ...
def segment(image, recipe="simsam", backbone=None, device="auto", **changes):
    """Segment one photo, or a list of photos of one shape.

    `image`: a path, PIL image or array, or a list of them (a list gives a list of results, the stages run
    side by side). `recipe`: a name (`simsam.RECIPES`) or a `Recipe`; further keywords change its fields, as
    in `segment(photo, kappa=0.5)`. `backbone`: a name, or one that is loaded already.
    Raises `SimsamError`, one sentence, for anything that cannot be read or used.
    """
    recipe = get_recipe(recipe, **changes)
    if not isinstance(backbone, Backbone):
        backbone = load_backbone(backbone or recipe.backbone, device=device)
    recipe = replace(recipe, backbone=backbone.name)
    batch = isinstance(image, list | tuple)
    sources = image if batch else [image]
    layers = [load_layers(source) for source in sources]
    images, opacities = [pixels for pixels, _ in layers], [opacity for _, opacity in layers]
    for source, pixels in zip(sources, images, strict=True):  # an error names the file
        where = plan(pixels.shape[:2], backbone.patch, recipe.size, source_name(source))
        tell_if_thin(where, backbone.patch, recipe.size, source_name(source))
    features = extract(images, backbone, recipe.tokens, recipe.block, recipe.size)
    results = segment_features(features, images, recipe, backbone.source, opacities)
    return results if batch else results[0]


# Graphs held at once: 2^28 entries, 1 GiB in float32, 16 graphs of 4096 tokens.
GRAPH_ENTRIES = 2**28
# With fewer there is no second eigenvector that iterative and dense solvers can both give.
MIN_TOKENS = 3


@torch.no_grad()
def segment_features(
    features: Features,
    images: list[np.ndarray],
    recipe: Recipe,
    weights: str = "",
    opacities: Sequence[np.ndarray | None] | None = None,
) -> list[Result]:
    """The stages after the backbone, for a batch of features and its images (H, W, 3) uint8.

    opacities: of each image (H, W) uint8; what is more transparent than not is no object.
    A batch whose graphs would not fit in `GRAPH_ENTRIES` goes through in parts.
    Raises `SimsamError` for a grid of fewer than `MIN_TOKENS`, and for tokens that are not finite.
    """
    if features.tokens.shape[1] < MIN_TOKENS:
        h, w = features.grid
        raise SimsamError(
            f"the image has {h} x {w} tokens, too few to cut into parts: give an image, or a size, of at "
            f"least {MIN_TOKENS} patches."
        )
    if not torch.isfinite(features.tokens.sum()):
        raise SimsamError(
            f"the tokens of {features.backbone} hold NaN or infinite entries: check its weights."
        )
    opacities = [None] * len(images) if opacities is None else opacities
    step = max(1, GRAPH_ENTRIES // features.tokens.shape[1] ** 2)
    results = []
    for start in range(0, len(images), step):
        part = features[start : start + step]
        results += run_stages(
            part, images[start : start + step], recipe, weights, opacities[start : start + step]
        )
    return results


def run_stages(
    features: Features,
    images: list[np.ndarray],
    recipe: Recipe,
    weights: str,
    opacities: Sequence[np.ndarray | None],
) -> list[Result]:
    """One stage after the other, for a batch whose graphs fit in memory."""
    head = train(features, recipe)
    W = graph(features, head, recipe, images)
    spectrum = eigenpairs(W, min(recipe.k, W.shape[-1] - 1), recipe.laplacian)
    scores = readout(features, W, spectrum, recipe)
    results = []
    for b, image in enumerate(images):
        found = [finish(score, features.geometry[b], image, recipe, opacities[b]) for score in scores[b]]
        masks, pixels = [mask for mask, _ in found], found[0][1]
        losses = None if head is None else head.losses[b]
        grid = (spectrum.values[b], spectrum.vectors[b], W[b], features[b], losses)
        results.append(Result(masks[0], masks, pixels, *grid, image, recipe, weights, opacities[b]))
    return [_alone(result) for result in results] if len(images) > 1 else results


def _alone(result: Result) -> Result:
    """A result of a batch that keeps nothing of the others alive."""
    names = ("eigenvalues", "eigenvectors", "affinity", "losses")
    parts = [(result, names), (result.features, ("tokens", "cls", "attention"))]
    own = [{n: getattr(of, n).clone() for n in names if getattr(of, n) is not None} for of, names in parts]
    return replace(result, features=replace(result.features, **own[1]), **own[0])


def train(features: Features, recipe: Recipe) -> siamese.HeadResult | None:
    """Stage 2: the Siamese head of each image, or None where the recipe has none."""
    if not recipe.uses_head:
        return None
    views = siamese.ViewRange(recipe.view_scale, recipe.view_degrees, recipe.view_shear, recipe.view_shift)
    shared = {"projector_nonlinear": recipe.projector_nonlinear, "views": views, "seed": recipe.seed}
    if recipe.head == "closed_form":
        solved = {"pairs": recipe.pairs, "ridge": recipe.ridge}
        return siamese.closed_form_head(features.tokens, features.grid, **solved, **shared)
    names = ("projector", "predictor", "predictor_nonlinear", "batch", "lr", "stop_gradient")
    trained = {name: getattr(recipe, name) for name in names}
    epochs = 0 if recipe.head == "untrained" else recipe.epochs
    return siamese.train_head(features.tokens, features.grid, epochs=epochs, **trained, **shared)


def graph(
    features: Features, head: siamese.HeadResult | None, recipe: Recipe, images: list[np.ndarray]
) -> Tensor:
    """Stage 3: W (B, n, n), float32."""
    if recipe.graph != "similarity":
        of = affinity.binary_affinity if recipe.graph == "binary" else affinity.cosine_affinity
        return of(features.tokens, recipe.tau, recipe.floor)
    W_SA = None
    if head is not None:
        W_SA = affinity.semantic_affinity(head.tokens, recipe.semantic_unit, recipe.semantic_offset)
        if recipe.semantic == "constant":
            W_SA = W_SA.mean((-1, -2), keepdim=True)
    W_A = affinity.vanilla_affinity(features.tokens, recipe.offset)
    W = affinity.combine(W_A, W_SA, recipe.kappa, recipe.floor)
    if recipe.color != "none" and recipe.color_weight:
        seen = [where.covered(image) for where, image in zip(features.geometry, images, strict=True)]
        W_C = [affinity.color_affinity(image, features.grid, recipe.color) for image in seen]
        W = W + recipe.color_weight * torch.stack(W_C).to(W)
    return W


def readout(features: Features, W: Tensor, spectrum: Spectrum, recipe: Recipe) -> list[list[Tensor]]:
    """Stage 5, on the grid: for each image, the score (n,) of each object, positive on it."""
    cut = {"cut": recipe.threshold, "sign": recipe.sign, "component": recipe.component}
    cut["hard"] = recipe.upsample == "nearest"
    attention = [None] * len(W) if features.attention is None else features.attention
    parts = zip(spectrum.vectors[..., 1], W, attention)
    if recipe.readout == "maskcut":
        settings = {"objects": recipe.objects, "floor": recipe.floor, "laplacian": recipe.laplacian, **cut}
        return [objects.maskcut(y, w, features.grid, attention=a, **settings) for y, w, a in parts]
    if recipe.readout == "fiedler":
        score = torch.stack(
            [objects.bipartition(y, w, features.grid, attention=a, **cut) for y, w, a in parts]
        )
    else:
        score = _vote(features, spectrum, recipe)
    for _ in range(recipe.centroid):
        score = objects.centroid_step(features.tokens, score > 0)
    score = score - recipe.margin * score.abs().mean(-1, keepdim=True)
    return [[s] for s in score]


def _vote(features: Features, spectrum: Spectrum, recipe: Recipe) -> Tensor:
    settings = {"ratio": recipe.border_ratio, "seed": recipe.seed}
    if recipe.cluster_on == "tokens":
        return objects.token_vote(features.tokens, features.grid, recipe.clusters, **settings)
    vectors = spectrum.vectors
    ks = tuple(k for k in recipe.clusters if k <= vectors.shape[-1])
    if not ks:  # a grid of a handful of tokens
        return torch.ones_like(vectors[..., 0])
    return objects.cluster_vote(vectors, features.grid, ks, **settings)


def finish(
    score: Tensor, geometry: Geometry, image: np.ndarray, recipe: Recipe, opacity: np.ndarray | None = None
) -> tuple[np.ndarray, Callable[[], Tensor]]:
    """The last stage: from a score (n,) on the grid to a mask (H, W) bool, refined, and to a function that
    gives the refined score (H, W) of the pixels, of which a mask may need but few.

    The mask holds nothing where there is nothing to see (opacity below one half), and no small parts.
    """
    field = score.view(geometry.grid)
    low, high = field.aminmax()
    if recipe.refine == "guided" and low <= 0 < high:
        where = objects.sampling(image.shape[:2])
        sample = geometry.sample(field, where.rows, where.columns, recipe.upsample)
        models = objects.guided_models(sample, where, image)
        mask, pixels = models.above(image, 0.5), partial(_probability, models, image)
    else:
        sharp = objects.refine(geometry.upsample(field, recipe.upsample), image, recipe.refine, recipe.crf)
        mask, pixels = (sharp > 0).cpu().numpy(), sharp.cpu
    # scipy finds the parts: from here on, and only from here on, the CPU
    if opacity is not None:
        mask &= opacity >= SOLID
    return objects.large_parts(mask, recipe.min_part), pixels


def _probability(models: objects.LinearModels, image: np.ndarray) -> Tensor:
    """Of the pixels, less one half: (H, W) float32."""
    return models.apply(image)[0].sub_(0.5).cpu()
