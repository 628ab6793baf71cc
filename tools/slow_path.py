"""Does speed cost quality? `simsam` beside the same stages done the slow way, on the same images.

    python tools/slow_path.py --root DIR

The slow way: the head by SGD, the generalised eigenproblem by SciPy's dense solver in double precision,
K-means by scikit-learn with ten restarts. Writes simsam/data/results/BACKBONE/speed_ecssd.csv.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from ablations import SIMSAM, Row
from chosen_backbone import command, on_ecssd
from results import splits, table, write_table
from scipy.linalg import eigh
from sklearn.cluster import KMeans
from tqdm import tqdm

from simsam import objects, pipeline
from simsam.data import code_version, open_dataset
from simsam.features import Features, extract
from simsam.measuring import iou, weights_of
from simsam.pipeline import Recipe

SLOW = {
    "dense eigensolver, K-means of scikit-learn": SIMSAM,
    "the same, and the head by SGD": replace(SIMSAM, head="sgd"),
}


@torch.no_grad()
def slow_mask(features: Features, image: np.ndarray, recipe: Recipe) -> np.ndarray:
    """The mask (H, W) bool of a recipe with a vote, by other people's solvers in float64."""
    W = pipeline.graph(features, pipeline.train(features, recipe), recipe, [image])
    w = W[0].double().numpy()
    d = w.sum(1)
    y = eigh(np.diag(d) - w, np.diag(d), subset_by_index=[0, max(recipe.clusters) - 1])[1]
    y /= np.linalg.norm(y, axis=0)
    labels = [KMeans(k, n_init=10, random_state=0).fit_predict(y[:, 1:k]) for k in recipe.clusters]
    labels = [torch.from_numpy(found).long()[None] for found in labels]
    score = objects.label_vote(labels, features.grid, recipe.border_ratio)
    x = F.normalize(features.tokens, dim=-1)
    for _ in range(recipe.centroid):
        score = objects.centroid_step(x, score > 0)
    score = score - recipe.margin * score.abs().mean(-1, keepdim=True)
    return (pipeline.finish(score[0], features.geometry[0], image, recipe) > 0).numpy()


def main() -> None:
    args, backbone, folder = on_ecssd(__doc__)
    dataset = open_dataset("ecssd", args.root)
    empty = {"seconds_per_image": float("nan"), "version": code_version(), **weights_of(backbone)}
    fast = {"per_image": {}} | empty
    slow = {name: {"per_image": {}} | empty for name in SLOW}
    for sample in tqdm(dataset):
        image, truth = sample.load_image(), sample.truth
        features = extract([image], backbone, tokens=SIMSAM.tokens, size=SIMSAM.size)
        mask = pipeline.segment_features(features, [image], SIMSAM)[0].mask
        fast["per_image"][sample.id] = iou(mask, truth)
        for name, recipe in SLOW.items():
            slow[name]["per_image"][sample.id] = iou(slow_mask(features, image, recipe), truth)
    lines = []
    for name in SLOW:
        recipe = replace(SIMSAM, name="simsam, slowly")
        results = {recipe: slow[name], SIMSAM: fast}
        parts = splits(dataset, None, "speed")
        lines += table(
            [Row("speed", name, recipe, SIMSAM)],
            results,
            "ecssd",
            parts,
            command("slow_path", sys.argv[1:], args),
        )
    write_table(folder / "speed_ecssd.csv", lines)


if __name__ == "__main__":
    main()
