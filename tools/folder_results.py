"""A folder of photos of mixed sizes: wall time beside the forward passes alone, and memory over the run.

    python tools/folder_results.py [--photos 1000]

The photos are crops of the scenes of `cutouts`, in many sizes, of a seed; no two are the same (`contents`
counts their hashes). The recipe is `simsam` without refinement. Writes folder.csv of the backbone: a row for
the forward passes, half of them run before the command and half after it, since a machine may slow down or
speed up meanwhile; one for the whole command, start and writing included; peak_mb are the largest
proportional set sizes of the command and all its processes in each quarter of its run.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from big_photos import memory
from chosen_backbone import add_backbone, chosen, command
from PIL import Image

from simsam.data import atomic_write, code_version, load_cutouts, load_image
from simsam.features import forward, plan, to_input
from simsam.measuring import weights_of
from simsam.pipeline import get_recipe
from simsam.scale import machine
from simsam.weights import Backbone

SEED = 0
EVERY = 2.0  # seconds between two looks at the memory: each stops the process for a moment
RECIPE = get_recipe("simsam", refine="none")


def make_photos(folder: Path, count: int) -> list[Path]:
    """Crops of the scenes of `cutouts`, resized to sides of 300 to 900 pixels, as JPEG."""
    random, scenes, paths = np.random.default_rng(SEED), load_cutouts(), []
    for k in range(count):
        image = Image.fromarray(scenes[k % len(scenes)].image)
        left, top, right, bottom = random.uniform([0, 0, 0.7, 0.7], [0.3, 0.3, 1, 1])
        box = (left * image.width, top * image.height, right * image.width, bottom * image.height)
        size = tuple(int(side) for side in random.integers(300, 900, 2))
        paths.append(folder / f"{k:04d}.jpg")
        image.resize(size, Image.Resampling.BICUBIC, box).save(paths[-1], quality=90)
    return paths


def forwards(paths: list[Path], backbone: Backbone) -> float:
    """Seconds of the forward passes alone, photo by photo."""
    total = 0.0
    for path in paths:
        image = load_image(path)
        x = to_input(image, plan(image.shape[:2], backbone.patch, RECIPE.size), backbone)[None]
        start = time.perf_counter()
        forward(x, backbone, RECIPE.tokens)
        total += time.perf_counter() - start
    return total


def run_command(folder: Path, output: Path, backbone: Backbone, count: int) -> tuple[float, list[float]]:
    """Seconds of `simsam segment FOLDER`, and its largest memory (MB) in each quarter of them."""
    call = [sys.executable, "-m", "simsam", "segment", str(folder), "-o", str(output), "--quiet"]
    start = time.perf_counter()
    process, sizes = subprocess.Popen([*call, "--set", "refine=none", "--backbone", backbone.name]), []
    while process.poll() is None:
        sizes.append(memory(process.pid))
        time.sleep(EVERY)
    seconds = time.perf_counter() - start
    assert process.returncode == 0
    assert len(list(output.glob("*_mask.png"))) == count
    return seconds, [max(part) for part in np.array_split(np.array(sizes), 4)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--photos", type=int, default=1000, metavar="N")
    add_backbone(parser)
    args = parser.parse_args()
    backbone, folder = chosen(args)
    with tempfile.TemporaryDirectory() as place:
        photos, output = Path(place) / "photos", Path(place) / "masks"
        photos.mkdir()
        paths = make_photos(photos, args.photos)
        contents = {hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
        forwards(paths[:5], backbone)  # warm
        before = forwards(paths[::2], backbone)
        whole = run_command(photos, output, backbone, args.photos)
        alone = before + forwards(paths[1::2], backbone)
        rows = {"forward": (alone, []), "command": whole}
    origin = {
        "photos": args.photos,
        "contents": len(contents),
        "cpu": machine(backbone.device)["cpu"],
        "threads": torch.get_num_threads(),
        **weights_of(backbone),
        "version": code_version(),
        "command": command("folder_results", sys.argv[1:], args),
    }
    with atomic_write(folder / "folder.csv") as path, path.open("w", newline="") as out:
        names = [f"peak_mb_{k}" for k in (1, 2, 3, 4)]
        writer = csv.DictWriter(
            out, ["stage", "seconds", "ratio_to_forward", *names, *origin], lineterminator="\n"
        )
        writer.writeheader()
        for stage, (seconds, peaks) in rows.items():
            told = dict(zip(names, [f"{peak:.0f}" for peak in peaks] or ["nan"] * 4, strict=True))
            ratio = {"seconds": f"{seconds:.2f}", "ratio_to_forward": f"{seconds / alone:.3f}"}
            writer.writerow({"stage": stage} | ratio | told | origin)


if __name__ == "__main__":
    main()
