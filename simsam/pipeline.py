"""Chapter 7. The whole pipeline: `segment` runs a `Recipe` on photos, stage by stage.

Each stage is a pure function of what the stage before it returned, for one image or a batch of one grid.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from simsam import affinity, objects, siamese
from simsam.backbones import Backbone, load_backbone
from simsam.errors import SimsamError
from simsam.features import Features, Geometry, extract, plan, source_name
from simsam.images import load_image
from simsam.recipes import Recipe, get_recipe
from simsam.refine import refine
from simsam.spectral import Spectrum, eigenpairs
from simsam.views import ViewRange


@dataclass(frozen=True)
class Result:
    """What one photo gave.

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
    backbone: str
    weights: str

    @property
    def box(self) -> tuple[int, int, int, int] | None:
        """The object's tight box (top, left, bottom, right) in pixels, or None."""
        return objects.box_of(self.mask)

    def eigenmaps(self) -> Tensor:
        """The eigenvectors as pictures on the grid, (K, h, w)."""
        return self.features.map(self.eigenvectors.T)


def segment(
    image: object,
    recipe: str | Recipe = "simsam",
    backbone: str | Backbone | None = None,
    device: str = "auto",
    **changes: object,
) -> Result | list[Result]:
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
        results += _segment_part(part, images[start : start + step], recipe, weights)
    return results


def _segment_part(features: Features, images: list[np.ndarray], recipe: Recipe, weights: str) -> list[Result]:
    head = train(features, recipe)
    W = graph(features, head, recipe, images)
    spectrum = eigenpairs(W, min(recipe.k, W.shape[-1] - 1), recipe.laplacian)
    scores = readout(features, W, spectrum, recipe)
    results = []
    for b, image in enumerate(images):
        maps = [finish(s, features.geometry[b], image, recipe) for s in scores[b]]
        results.append(
            Result(
                mask=(maps[0] > 0).cpu().numpy(),
                masks=[(m > 0).cpu().numpy() for m in maps],
                score=maps[0].cpu().numpy(),
                eigenvalues=spectrum.values[b],
                eigenvectors=spectrum.vectors[b],
                affinity=W[b],
                features=features[b],
                losses=None if head is None else head.losses[b],
                image=image,
                recipe=recipe,
                backbone=features.backbone,
                weights=weights,
            )
        )
    return results


def train(features: Features, recipe: Recipe) -> siamese.HeadResult | None:
    """Stage 2: the Siamese head of each image, or None where the recipe has none."""
    if not recipe.uses_head:
        return None
    views = ViewRange(recipe.view_scale, recipe.view_degrees, recipe.view_shear, recipe.view_shift)
    if recipe.head == "closed_form":
        return siamese.closed_form_head(
            features.tokens,
            features.grid,
            projector_nonlinear=recipe.projector_nonlinear,
            pairs=recipe.pairs,
            ridge=recipe.ridge,
            views=views,
            seed=recipe.seed,
        )
    return siamese.train_head(
        features.tokens,
        features.grid,
        projector=recipe.projector,
        predictor=recipe.predictor,
        projector_nonlinear=recipe.projector_nonlinear,
        predictor_nonlinear=recipe.predictor_nonlinear,
        epochs=0 if recipe.head == "untrained" else recipe.epochs,
        batch=recipe.batch,
        lr=recipe.lr,
        views=views,
        stop_gradient=recipe.stop_gradient,
        seed=recipe.seed,
    )


def graph(
    features: Features, head: siamese.HeadResult | None, recipe: Recipe, images: list[np.ndarray]
) -> Tensor:
    """Stage 3: W (B, n, n), float32."""
    if recipe.graph == "binary":
        return affinity.binary_affinity(features.tokens, recipe.tau, recipe.floor)
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
    if recipe.readout == "maskcut":
        return [maskcut(features[b], W[b], recipe) for b in range(len(W))]
    if recipe.readout == "vote":
        score = vote(features, spectrum, recipe)
    else:
        score = torch.stack([bipartition(features[b], W[b], spectrum[b], recipe) for b in range(len(W))])
    for _ in range(recipe.centroid):
        score = objects.centroid_step(features.tokens, score > 0)
    score = score - recipe.margin * score.abs().mean(-1, keepdim=True)
    return [[s] for s in score]


def vote(features: Features, spectrum: Spectrum, recipe: Recipe) -> Tensor:
    """The vote of several clusterings, (B, n), of the eigenvectors, or of the tokens without any graph."""
    if recipe.cluster_on == "eigenvectors":
        vectors, ks = spectrum.vectors, tuple(k for k in recipe.clusters if k <= spectrum.vectors.shape[-1])
        if not ks:  # a grid of a handful of tokens
            return torch.ones_like(vectors[..., 0])
        return objects.cluster_vote(vectors, features.grid, ks, recipe.border_ratio, recipe.seed)
    x = F.normalize(features.tokens, dim=-1)
    return objects.label_vote(
        [objects.kmeans(x, min(k, x.shape[1]), seed=recipe.seed) for k in recipe.clusters],
        features.grid,
        recipe.border_ratio,
    )


def bipartition(features: Features, W: Tensor, spectrum: Spectrum, recipe: Recipe) -> Tensor:
    """The Fiedler vector, cut by the recipe's threshold and turned by its sign rule: score (n,)."""
    y = spectrum.vectors[:, 1]
    y = y / y.abs().max().clamp_min(torch.finfo(y.dtype).tiny)
    score = y - objects.threshold(y, recipe.threshold, W)
    score = score * objects.foreground_sign(
        y if recipe.sign == "peak" else score, features.grid, recipe.sign, features.attention
    )
    if recipe.component:
        # TokenCut's seed is the entry of largest magnitude
        part = objects.seed_component(score > 0, int(y.abs().argmax()), features.grid)
        score = torch.where(part, score, -score.abs())
    if recipe.upsample == "nearest":
        score = torch.where(score > 0, 1.0, -1.0)
    return score


def maskcut(features: Features, W: Tensor, recipe: Recipe) -> list[Tensor]:
    """CutLER's MaskCut: cut, take the object's tokens out of the graph, cut again; scores of all objects."""
    scores: list[Tensor] = []
    free = torch.ones(len(W), dtype=torch.bool, device=W.device)
    for _ in range(recipe.objects):
        left = W.clone()
        left[~free] = recipe.floor
        left[:, ~free] = recipe.floor
        spectrum = eigenpairs(left, 2, recipe.laplacian)
        score = bipartition(features, left, spectrum, recipe)
        score = torch.where(free, score, -score.abs())
        if scores and not bool((score > 0).any()):
            break
        scores.append(score)
        free = free & ~(score > 0)
    return scores


def finish(score: Tensor, geometry: Geometry, image: np.ndarray, recipe: Recipe) -> Tensor:
    """The last stage: score (n,) on the grid to score (H, W) on the pixels, refined."""
    pixels = geometry.upsample(score.view(geometry.grid), recipe.upsample)
    # scipy finds the parts: from here on, and only from here on, the CPU
    return objects.drop_small_parts(refine(pixels, image, recipe.refine).cpu(), recipe.min_part)
