"""What half precision does to the masks: `simsam` on cutouts, the forward pass in 16 bits and in 32.

    python tools/precision.py

On a GPU the package runs the backbone in half precision; here the CPU does the same arithmetic. The graph and
all after it stay in float32, as there. Needs a network. Writes precision_cutouts.csv.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

import numpy as np
import torch
from ablations import SIMSAM, Row
from chosen_backbone import add_backbone, chosen, command
from results import splits, table, write_table
from tqdm import tqdm

from simsam.data import code_version, open_dataset
from simsam.features import Features, extract, to_input
from simsam.measuring import iou, weights_of
from simsam.pipeline import segment_features
from simsam.weights import Backbone

DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


@torch.no_grad()
def rough_tokens(
    features: Features, image: np.ndarray, backbone: Backbone, dtype: torch.dtype
) -> torch.Tensor:
    """Output tokens (1, n, d) float32 of a forward pass under autocast to `dtype`."""
    pixels = to_input(image, features.geometry[0], backbone)[None]
    with torch.autocast("cpu", dtype=dtype):
        final = backbone.model.forward_features(pixels)
    return final[:, backbone.prefix :].float()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add_backbone(parser)
    args = parser.parse_args()
    backbone, folder = chosen(args, device="cpu")
    dataset = open_dataset("cutouts")
    empty = {"seconds_per_image": float("nan"), "version": code_version(), **weights_of(backbone)}
    fine = {"per_image": {}} | empty
    rough = {name: {"per_image": {}} | empty for name in DTYPES}
    alike: dict[str, list[float]] = {name: [] for name in DTYPES}
    for sample in tqdm(dataset):
        image, truth = sample.load_image(), sample.truth
        features = extract([image], backbone, tokens=SIMSAM.tokens, size=SIMSAM.size)
        mask = segment_features(features, [image], SIMSAM)[0].mask
        fine["per_image"][sample.id] = iou(mask, truth)
        for name, dtype in DTYPES.items():
            tokens = rough_tokens(features, image, backbone, dtype)
            other = segment_features(replace(features, tokens=tokens), [image], SIMSAM)[0].mask
            rough[name]["per_image"][sample.id] = iou(other, truth)
            alike[name].append(iou(mask, other))
    lines = []
    for name in DTYPES:
        recipe = replace(SIMSAM, name=f"simsam in {name}")
        agree = f"forward in {name}; IoU with the mask in float32 {100 * np.mean(alike[name]):.2f}"
        row = Row("precision", agree, recipe, SIMSAM)
        parts = splits(dataset, None, "precision")
        line = command("precision", sys.argv[1:], args)
        lines += table([row], {recipe: rough[name], SIMSAM: fine}, "cutouts", parts, line)
    write_table(folder / "precision_cutouts.csv", lines)


if __name__ == "__main__":
    main()
