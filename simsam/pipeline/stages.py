"""The whole pipeline: `segment` runs a `Recipe` on photos, stage by stage.

Each stage is a pure function of what the stage before it returned, for one image or a batch of one grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import overload

import numpy as np
import torch
from torch import Tensor

from simsam import affinity, objects, siamese
from simsam.data import ImageSource, box_of, load_image
from simsam.errors import SimsamError
from simsam.features import Features, Geometry, extract, plan, source_name
from simsam.pipeline.recipes import Recipe, get_recipe
from simsam.spectral import Spectrum, eigenpairs
from simsam.weights import Backbone, load_backbone

Named = str | Recipe
Loaded = str | Backbone | None
Images = Sequence[ImageSource]


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """What one photo gave. Compared by identity.

    mask (H, W) bool; masks, every object found (one, but for "maskcut"); score (H, W) float32, positive on
    the object; eigenvalues (K,) and eigenvectors (n, K); affinity (n, n); features; losses of the head, or
    None; image (H, W, 3) uint8; recipe; backbone, and weights, where they come from.
    """

    mask: np.ndarray
    masks: list[np.ndarray]
    score: np.ndarray
    eigenvalues: Tensor
    eigenvectors: Tensor
    affinity: Tensor
    features: Features
    losses: Tensor | None
    image: np.ndarray
    recipe: Recipe
    weights: str

    @property
    def backbone(self) -> str:
        return self.features.backbone

    @property
    def box(self) -> tuple[int, int, int, int] | None:
        """The object's tight box (top, left, bottom, right) in pixels, or None."""
        return box_of(self.mask)

    @cached_property
    def evidence(self) -> dict[str, float] | None:
        """What speaks for the mask (`simsam.objects.evidence`); None where it holds nothing or all."""
        share = objects.on_grid(self.features.geometry.covered(self.mask), self.features.grid)
        parts = (self.features.tokens, self.affinity, self.eigenvectors[:, 1], self.features.grid)
        return objects.evidence(share, *parts)

    @property
    def confidence(self) -> float:
        """How sure the mask is, in [0, 1]: a ranking; see `simsam.objects.confidence` for what it was chosen
        on."""
        return objects.confidence_of(self.evidence)

    @property
    def found(self) -> bool:
        """Whether the confidence is large enough to speak of an object; the mask is there in any case."""
        return self.confidence >= objects.FOUND

    def __repr__(self) -> str:
        (h, w), area = self.features.grid, self.mask.mean()
        sure = f"confidence {self.confidence:.2f}{'' if self.found else ', nothing found'}"
        return f"Result({self.recipe.name}, grid {h} x {w}, area {area:.1%}, box {self.box}, {sure})"

    def eigenmaps(self) -> Tensor:
        """The eigenvectors as pictures on the grid, (K, h, w)."""
        return self.features.map(self.eigenvectors.T)


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
    images = [load_image(source) for source in sources]
    for source, pixels in zip(sources, images, strict=True):  # an error names the file
        plan(pixels.shape[:2], backbone.patch, recipe.size, source_name(source))
    features = extract(images, backbone, recipe.tokens, recipe.block, recipe.size)
    results = segment_features(features, images, recipe, backbone.source)
    return results if batch else results[0]


# Graphs held at once: 2^28 entries, 1 GiB in float32, 16 graphs of 4096 tokens.
GRAPH_ENTRIES = 2**28
# With fewer there is no second eigenvector that iterative and dense solvers can both give.
MIN_TOKENS = 3


@torch.no_grad()
def segment_features(
    features: Features, images: list[np.ndarray], recipe: Recipe, weights: str = ""
) -> list[Result]:
    """The stages after the backbone, for a batch of features and its images (H, W, 3) uint8.

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
    step = max(1, GRAPH_ENTRIES // features.tokens.shape[1] ** 2)
    results = []
    for start in range(0, len(images), step):
        part = features[start : start + step]
        results += run_stages(part, images[start : start + step], recipe, weights)
    return results


def run_stages(features: Features, images: list[np.ndarray], recipe: Recipe, weights: str) -> list[Result]:
    """One stage after the other, for a batch whose graphs fit in memory."""
    head = train(features, recipe)
    W = graph(features, head, recipe, images)
    spectrum = eigenpairs(W, min(recipe.k, W.shape[-1] - 1), recipe.laplacian)
    scores = readout(features, W, spectrum, recipe)
    results = []
    for b, image in enumerate(images):
        maps = [finish(score, features.geometry[b], image, recipe) for score in scores[b]]
        masks = [(m > 0).cpu().numpy() for m in maps]
        losses = None if head is None else head.losses[b]
        grid = (spectrum.values[b], spectrum.vectors[b], W[b], features[b], losses)
        results.append(Result(masks[0], masks, maps[0].cpu().numpy(), *grid, image, recipe, weights))
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


def finish(score: Tensor, geometry: Geometry, image: np.ndarray, recipe: Recipe) -> Tensor:
    """The last stage: score (n,) on the grid to score (H, W) on the pixels, refined."""
    pixels = geometry.upsample(score.view(geometry.grid), recipe.upsample)
    # scipy finds the parts: from here on, and only from here on, the CPU
    sharp = objects.refine(pixels, image, recipe.refine, recipe.crf).cpu()
    return objects.drop_small_parts(sharp, recipe.min_part)
