"""What needs no method: the whole image, a box in its centre, and what the first component does alone.

    python tools/controls.py --root DIR [--backbone untrained_vits14]

Each row beside `spectral` without refinement, on ids of ECSSD that leave 3 when divided by 4. Nothing in the
rows was chosen on any image. Writes controls_ecssd.csv.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import torch
from ablations import SPECTRAL, Row
from chosen_backbone import command, on_ecssd
from results import splits, table, write_table
from torch import Tensor
from tqdm import tqdm

from simsam import pipeline
from simsam.data import code_version, open_dataset
from simsam.features import Features, extract
from simsam.measuring import iou, weights_of
from simsam.spectral import eigenpairs
from simsam.weights import principal

SELECT = "3/4"
SIDE = 0.6  # of the box in the centre, of each side of the image
# The two sides of one direction, then the same steps as `spectral`.
ONE = replace(SPECTRAL, name="one direction", readout="fiedler", threshold="two_means")
ROWS = (
    "the whole image",
    f"a box in the centre, {100 * SIDE:.0f} % of each side",
    "the first component alone, no graph",
    "the Fiedler vector alone",
    "without the first component",
)


def box(shape: tuple[int, int]) -> np.ndarray:
    """A mask (H, W) bool of a box in the centre."""
    mask = np.zeros(shape, dtype=bool)
    top, left = (round(side * (1 - SIDE) / 2) for side in shape)
    mask[top : shape[0] - top, left : shape[1] - left] = True
    return mask


def without_first(tokens: Tensor) -> Tensor:
    """Tokens (n, d) less their first principal component; their mean stays."""
    centred = tokens - tokens.mean(0)
    scores = principal(tokens).scores.to(tokens)
    direction = torch.nn.functional.normalize(scores @ centred, dim=0)
    return tokens - torch.outer(centred @ direction, direction)


@torch.no_grad()
def masks(features: Features, image: np.ndarray) -> dict[str, np.ndarray]:
    """The mask (H, W) bool of each row."""
    shape = image.shape[:2]
    W = pipeline.graph(features, None, SPECTRAL, [image])
    spectrum = eigenpairs(W, SPECTRAL.k, SPECTRAL.laplacian)
    alone = spectrum.vectors.clone()
    alone[0, :, 1] = principal(features.tokens[0]).scores.to(alone)

    def cut(vectors: Tensor) -> np.ndarray:
        score = pipeline.readout(features, W, replace(spectrum, vectors=vectors), ONE)[0][0]
        return (pipeline.finish(score, features.geometry[0], image, ONE) > 0).numpy()

    less = replace(features, tokens=without_first(features.tokens[0])[None])
    found = [np.ones(shape, bool), box(shape), cut(alone), cut(spectrum.vectors)]
    found.append(pipeline.segment_features(less, [image], SPECTRAL)[0].mask)
    return dict(zip(ROWS, found, strict=True))


def main() -> None:
    args, backbone, folder = on_ecssd(__doc__)
    dataset = open_dataset("ecssd", args.root, "object", select=SELECT)
    empty = {"seconds_per_image": float("nan"), "version": code_version(), **weights_of(backbone)}
    found = {name: {"per_image": {}} | empty for name in ("spectral", *ROWS)}
    for sample in tqdm(dataset):
        image, truth = sample.load_image(), sample.truth
        features = extract([image], backbone, tokens=SPECTRAL.tokens, size=SPECTRAL.size)
        mine = {"spectral": pipeline.segment_features(features, [image], SPECTRAL)[0].mask}
        for name, mask in (mine | masks(features, image)).items():
            found[name]["per_image"][sample.id] = iou(mask, truth)
    parts, line = splits(dataset, SELECT, "controls"), command("controls", sys.argv[1:], args)
    lines = []
    for name, result in found.items():
        recipe = SPECTRAL if name == "spectral" else replace(SPECTRAL, name=name)
        results = {SPECTRAL: found["spectral"], recipe: result}
        lines += table([Row("controls", name, recipe, SPECTRAL)], results, "ecssd", parts, line)
    write_table(folder / "controls_ecssd.csv", lines)


if __name__ == "__main__":
    main()
