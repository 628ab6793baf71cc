"""One head for a whole collection, in place of one for each image: does W_SA pay then?

    python tools/collection_head.py --root DIR

Trains on the ids of ECSSD that leave 1 when divided by 4 (their pixels alone, no masks), measures on those
that leave 3 when divided by 8, and writes simsam/data/results/BACKBONE/head_collection_ecssd.csv.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import torch
import torch.nn.functional as F
from ablations import FIEDLER, SIMSAM, SPECTRAL, Row
from chosen_backbone import command, on_ecssd
from results import splits, table, write_table
from torch import Tensor
from tqdm import tqdm

from simsam import pipeline
from simsam.data import Dataset, code_version, open_dataset
from simsam.features import Features, extract
from simsam.measuring import iou, weights_of
from simsam.siamese import (
    Head,
    HeadResult,
    Layers,
    ViewRange,
    apply_views,
    init_head,
    random_affine,
    siamese_loss,
    solve_predictor,
)
from simsam.spectral import eigenpairs
from simsam.weights import Backbone

EPOCHS, LR, RIDGE, SEED = 10, 0.06, 1e-2, 0
TRAIN, MEASURE = "1/4", "3/8"


def view_pair(features: Features, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two views (1, n, d) of the tokens of one image."""
    x = F.normalize(features.tokens, dim=-1)
    maps = random_affine(2, features.grid, ViewRange(), generator)
    return apply_views(x, features.grid, maps)[0].split(1)


def untrained(dim: int) -> Head:
    return init_head(1, dim, generator=torch.Generator().manual_seed(SEED))


def train_by_sgd(collection: list[Features]) -> Head:
    """One image a step, two fresh views of it, `EPOCHS` passes over the collection."""
    generator = torch.Generator().manual_seed(SEED)
    head = untrained(collection[0].tokens.shape[-1])
    parameters = head.parameters()
    for parameter in parameters:
        parameter.requires_grad_(True)
    for epoch in range(EPOCHS):
        losses = []
        for i in torch.randperm(len(collection), generator=generator).tolist():
            loss = siamese_loss(head, *view_pair(collection[i], generator)).mean()
            for parameter, grad in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
                parameter.data.sub_(grad, alpha=LR)
            losses.append(loss.item())
        print(f"epoch {epoch + 1}: loss {sum(losses) / len(losses):.3f}", flush=True)
    for parameter in parameters:
        parameter.requires_grad_(False)
    return head


def train_in_closed_form(collection: list[Features]) -> Head:
    """The predictor that minimises the surrogate over one pair of views of every image."""
    generator = torch.Generator().manual_seed(SEED)
    head = untrained(collection[0].tokens.shape[-1])
    pairs = [[head.projector(view) for view in view_pair(f, generator)] for f in collection]
    crossed = [two for alpha, beta in pairs for two in ((alpha, beta), (beta, alpha))]
    P = solve_predictor([(z, F.normalize(other, dim=-1)) for z, other in crossed], RIDGE)
    head.predictor = Layers([P[:, :-1]], [P[:, -1:]], nonlinear=False)
    return head


def rows(heads: dict[str, Head]) -> list[tuple[Row, Head]]:
    """Each head in two readouts and with three weights: W_SA as in `simsam`, and as in the paper."""
    ways = [{"kappa": SIMSAM.kappa}, {"kappa": 1.0}]
    ways.append({"kappa": 0.1, "semantic_unit": False, "semantic_offset": "none"})
    found = []
    for base in (SPECTRAL, FIEDLER):
        for name, head in heads.items():
            for fields in ways:
                setting = ", ".join(f"{k}={v}" for k, v in {"head": name, **fields}.items())
                recipe = replace(base, head="sgd", **fields)  # uses a head: which, is decided here
                found.append((Row(f"head of the collection ({base.name})", setting, recipe, base), head))
    return found


@torch.no_grad()
def score(features: Features, image, truth, recipe, head: Head | None) -> float:
    """IoU of the recipe's mask, with the tokens of `head` for W_SA."""
    result = None
    if head is not None:
        result = HeadResult(head(F.normalize(features.tokens, dim=-1)), torch.zeros(1, 0), head)
    W = pipeline.graph(features, result, recipe, [image])
    spectrum = eigenpairs(W, recipe.k, recipe.laplacian)
    grid_score = pipeline.readout(features, W, spectrum, recipe)[0][0]
    mask = pipeline.finish(grid_score, features.geometry[0], image, recipe) > 0
    return iou(mask.numpy(), truth)


def features_of(dataset: Dataset, backbone: Backbone, what: str) -> list[Features]:
    return [
        extract([s.load_image()], backbone, tokens=SIMSAM.tokens, size=SIMSAM.size)
        for s in tqdm(dataset, desc=what)
    ]


def main() -> None:
    args, backbone, folder = on_ecssd(__doc__)
    collection = features_of(open_dataset("ecssd", args.root, select=TRAIN), backbone, "train")
    heads = {
        f"sgd on {len(collection)} images": train_by_sgd(collection),
        f"closed_form on {len(collection)} images": train_in_closed_form(collection),
        "untrained": untrained(backbone.dim),
    }
    del collection
    measured = rows(heads)
    dataset = open_dataset("ecssd", args.root, select=MEASURE)
    empty = {"seconds_per_image": float("nan"), "version": code_version(), **weights_of(backbone)}
    results = {base: {"per_image": {}} | empty for base in (SPECTRAL, FIEDLER)}
    found = [{"per_image": {}} | empty for _ in measured]
    for sample in tqdm(dataset, desc="measure"):
        image, truth = sample.load_image(), sample.truth
        features = extract([image], backbone, tokens=SIMSAM.tokens, size=SIMSAM.size)
        for base in (SPECTRAL, FIEDLER):
            results[base]["per_image"][sample.id] = score(features, image, truth, base, None)
        for (row, head), result in zip(measured, found, strict=True):
            result["per_image"][sample.id] = score(features, image, truth, row.recipe, head)
    parts = splits(dataset, MEASURE, "head")
    line = command("collection_head", sys.argv[1:], args)
    lines = []
    for (row, _), result in zip(measured, found, strict=True):
        # heads share a recipe: each row brings its own result
        lines += table([row], results | {row.recipe: result}, "ecssd", parts, line)
    write_table(folder / "head_collection_ecssd.csv", lines)


if __name__ == "__main__":
    main()
