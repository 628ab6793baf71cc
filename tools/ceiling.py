"""What could still be gained, and where: `spectral` beside oracles that know the truth, and more ideas.

    python tools/ceiling.py --root DIR

An oracle says how much is lost at a stage, not how to win it. The ideas were tried on the ids that settings
are chosen on (1 mod 4); everything here is measured on others. Writes ceiling_ecssd.csv in the backbone's
folder of simsam/data/results. Needs a network: one of the ideas is its attention.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from ablations import SPECTRAL, Row
from chosen_backbone import command, on_ecssd
from results import splits, table, write_table
from torch import Tensor
from tqdm import tqdm

from simsam import objects, pipeline
from simsam.data import code_version, open_dataset
from simsam.features import Features, extract
from simsam.measuring import iou, weights_of
from simsam.objects import guided_filter, kmeans, refine
from simsam.spectral import eigenpairs
from simsam.weights import Backbone

SELECT = "3/4"
Choice = Callable[[Tensor], Tensor]  # memberships (k, n) to a ratio for each group, low on the object
FINE = 672  # pixels, beside the recipe's own 480
ROWS = {
    "oracle": ["groups chosen by the truth", "centroids of the true object", "true mask, at the grid's size"],
    "foreground": ["border share over attention", "border share over closeness to the centre"],
    "input": [f"scores at {SPECTRAL.size} and {FINE} pixels, averaged"],
    "refinement": ["guided, then crf", f"scores at {SPECTRAL.size} and {FINE} pixels, averaged; guided"],
}


def groups(features: Features) -> list[Tensor]:
    """The clusterings that the recipe votes on, each as memberships (k, n)."""
    W = pipeline.graph(features, None, SPECTRAL, [])
    V = F.normalize(eigenpairs(W, SPECTRAL.k).vectors, dim=1)
    labels = [kmeans(V[..., 1:k], k, seed=SPECTRAL.seed)[0] for k in SPECTRAL.clusters]
    return [F.one_hot(label).T.float() for label in labels]


def vote(memberships: list[Tensor], choose: Choice) -> Tensor:
    """Mean vote (n,) of the groups (k, n) that `choose` scores below the recipe's ratio, or of the lowest."""
    votes = []
    for member in memberships:
        ratio = choose(member)
        chosen = ratio < SPECTRAL.border_ratio
        chosen[ratio.argmin()] |= not bool(chosen.any())
        votes.append(2 * chosen.float() @ member - 1)
    return torch.stack(votes).mean(0)


def weighted(member: Tensor, frame: Tensor, weight: Tensor) -> Tensor:
    """Each group's share of the border over its share of the grid, over its mean weight beside the grid's."""
    size = member.sum(1)
    border = (member @ frame / frame.sum()) / (size / member.shape[1])
    return border / ((member @ weight / size) / weight.mean())


def centre(grid: tuple[int, int]) -> Tensor:
    """A bell over the middle of the grid, (n,): a quarter of each side wide."""
    y, x = (torch.exp(-(((torch.arange(s) + 0.5) / s - 0.5) ** 2) / (2 * 0.25**2)) for s in grid)
    return torch.outer(y, x).flatten()


@torch.no_grad()
def scores(image: np.ndarray, truth: np.ndarray, coarse: Features, fine: Features) -> dict[str, Tensor]:
    """The score (H, W) before refinement that each row of `ROWS` gives, and the recipe's own."""
    one, geometry = coarse[0], coarse.geometry[0]
    frame = objects.border_frame(one.grid).float()
    small = F.interpolate(torch.from_numpy(truth)[None, None].float(), one.grid, mode="area").flatten()
    memberships = groups(coarse)
    ones = torch.ones_like(frame)

    def pixels(score: Tensor, where=geometry) -> Tensor:
        score = score - SPECTRAL.margin * score.abs().mean()
        return where.upsample(score.view(where.grid))

    def chosen_by(choose: Choice) -> Tensor:
        return objects.centroid_step(one.tokens, vote(memberships, choose) > 0)

    own = chosen_by(lambda m: weighted(m, frame, ones))
    again = objects.centroid_step(fine.tokens[0], fine_mask(own, one.grid, fine.grid))
    coarse_pixels, fine_pixels = pixels(own), pixels(again, fine.geometry[0])
    both = coarse_pixels / coarse_pixels.abs().mean() + fine_pixels / fine_pixels.abs().mean()
    oracle, (attention, near_centre), (several,) = (ROWS[k] for k in ("oracle", "foreground", "input"))
    return {
        "own": coarse_pixels,
        # a group belongs to the object if most of it does
        oracle[0]: pixels(chosen_by(lambda m: SPECTRAL.border_ratio + 0.5 - m @ small / m.sum(1))),
        oracle[1]: pixels(objects.centroid_step(one.tokens, small > 0.5)),
        oracle[2]: geometry.upsample((small - 0.5).view(one.grid)),
        attention: pixels(chosen_by(lambda m: weighted(m, frame, one.attention))),
        near_centre: pixels(chosen_by(lambda m: weighted(m, frame, centre(one.grid)))),
        several: both,
    }


def fine_mask(score: Tensor, grid: tuple[int, int], fine: tuple[int, int]) -> Tensor:
    """Where a score (n,) on one grid is positive on a finer one, bool."""
    return F.interpolate(score.view(1, 1, *grid), fine, mode="bilinear", align_corners=False).flatten() > 0


def masks(image: np.ndarray, truth: np.ndarray, backbone: Backbone) -> dict[str, np.ndarray]:
    """The mask (H, W) bool of every row, of the recipe itself ("own") and with its filter ("guided")."""
    coarse, fine = (extract([image], backbone, SPECTRAL.tokens, size=s) for s in (SPECTRAL.size, FINE))
    found = scores(image, truth, coarse, fine)
    found = {name: objects.drop_small_parts(score, SPECTRAL.min_part) for name, score in found.items()}
    then_crf, several_guided = ROWS["refinement"]
    found["guided"] = guided_filter(found["own"], image)
    found[then_crf] = refine(found["guided"], image, "crf")
    found[several_guided] = guided_filter(found[ROWS["input"][0]], image)
    return {name: (score > 0).numpy() for name, score in found.items()}


def main() -> None:
    args, backbone, folder = on_ecssd(__doc__)
    dataset = open_dataset("ecssd", args.root, select=SELECT)
    per_image: dict[str, dict[str, float]] = {}
    for sample in tqdm(dataset):
        image, truth = sample.load_image(), sample.truth
        for name, mask in masks(image, truth, backbone).items():
            per_image.setdefault(name, {})[sample.id] = iou(mask, truth)
    result = {"seconds_per_image": float("nan"), "version": code_version(), **weights_of(backbone)}
    guided = replace(SPECTRAL, refine="guided")
    lines = []
    for family, names in ROWS.items():
        base = guided if family == "refinement" else SPECTRAL
        plain = per_image["guided" if family == "refinement" else "own"]
        for name in names:
            recipe = replace(base, name=name)
            results = {recipe: {"per_image": per_image[name]} | result, base: {"per_image": plain} | result}
            row = Row(family, name, recipe, base, against=f"spectral, refine={base.refine}")
            parts = splits(dataset, SELECT, family)
            lines += table([row], results, "ecssd", parts, command("ceiling", sys.argv[1:], args))
    write_table(folder / "ceiling_ecssd.csv", lines)


if __name__ == "__main__":
    main()
