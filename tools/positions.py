"""Label maps that look at no pixel: clusters of mere position, for street scenes.

    python tools/positions.py --camvid DIR --choose DIR

Every image of a drive gets one and the same map: K-means on (stretch * y, x) of its pixels, as many clusters
as classes. How far y is stretched is chosen on the drive of --choose; it is measured on that of --camvid, in
splits as those of semantic.csv. Five runs, which differ in the seed. Writes positions.csv in the folder
"none" of simsam/data/results, since no backbone has a part in it.
"""

from __future__ import annotations

import argparse
import csv

import numpy as np
from chosen_backbone import RESULTS
from semantic_results import COLUMNS, RUNS, SPLITS
from sklearn.cluster import KMeans

from simsam.data import Dataset, atomic_write, code_version, open_dataset
from simsam.measuring import metrics, paired_miou_of_runs

STRETCH = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 1000.0)  # the last: rows alone
STEP = 8  # pixels between the positions that K-means sees
LABELS = {"backbone": "none", "labels": "none", "sha256": ""}


def label_map(shape: tuple[int, int], clusters: int, stretch: float, seed: int) -> np.ndarray:
    """Labels (H, W) of every pixel by its place alone; y and x run from 0 to 1."""
    H, W = shape
    y, x = np.meshgrid((np.arange(H) + 0.5) / H, (np.arange(W) + 0.5) / W, indexing="ij")
    places = np.stack([stretch * y, x], -1)
    seen = places[::STEP, ::STEP].reshape(-1, 2)
    found = KMeans(clusters, n_init=10, random_state=seed).fit(seen)
    return found.predict(places.reshape(-1, 2)).reshape(H, W)


def confusions(dataset: Dataset, stretch: float, seed: int) -> np.ndarray:
    """Counts (n, classes, clusters) of every image under the one map of its size."""
    classes, maps, found = len(dataset.classes), {}, []
    for sample in dataset:
        truth = sample.truth
        if truth.shape not in maps:
            maps[truth.shape] = label_map(truth.shape, classes, stretch, seed)
        found.append(metrics.confusion(maps[truth.shape], truth, classes, classes))
    return np.stack(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--camvid", required=True, metavar="DIR", help="measured on these images")
    parser.add_argument("--choose", required=True, metavar="DIR", help="another drive, in the same layout")
    args = parser.parse_args()
    choosing = open_dataset("camvid", args.choose, "semantic")
    tried = {s: [confusions(choosing, s, seed) for seed in range(RUNS)] for s in STRETCH}
    scores = {s: paired_miou_of_runs(runs)[0] for s, runs in tried.items()}
    print({s: f"{100 * score:.2f}" for s, score in scores.items()})
    best = max(scores, key=scores.get)
    dataset = open_dataset("camvid", args.camvid, "semantic")
    runs = [confusions(dataset, best, seed) for seed in range(RUNS)]
    folder = RESULTS / "none"
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(folder / "positions.csv") as path, path.open("w", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for split, part in SPLITS.items():
            values = paired_miou_of_runs([run[part] for run in runs])
            row = dict(zip(("miou", "low", "high"), (f"{100 * v:.2f}" for v in values), strict=True))
            row |= {"dataset": "camvid", "split": split, "method": f"position, stretch {best}"}
            row |= {"n": len(runs[0][part]), "runs": RUNS, "version": code_version(), **LABELS}
            writer.writerow(row | {"command": "python tools/positions.py --camvid DIR --choose DIR"})


if __name__ == "__main__":
    main()
