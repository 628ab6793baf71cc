"""A hundred photos of mixed sizes: wall time beside the forward passes alone, and memory over the run.

    python tools/folder_results.py

The photos are made of the scenes of `cutouts` with a seed. The recipe is `simsam` without refinement. Writes
folder.csv of the backbone: a row for the forward passes, one for the run in a process that has everything
loaded, one for the whole command, start included; peak_mb are the process's largest sizes in each quarter of
the command's run.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import torch
from chosen_backbone import add_backbone, chosen, command
from PIL import Image

from simsam.data import atomic_write, code_version, load_cutouts, load_image, write_png
from simsam.features import forward, plan, to_input
from simsam.measuring import weights_of
from simsam.pipeline import get_recipe
from simsam.scale import machine, run_folder
from simsam.weights import Backbone

PHOTOS, SEED = 100, 0
RECIPE = get_recipe("simsam", refine="none")


def make_photos(folder: Path) -> list[Path]:
    """Scenes of `cutouts`, cropped and resized to sides of 300 to 900 pixels, as JPEG."""
    random, scenes, paths = np.random.default_rng(SEED), load_cutouts(), []
    for k in range(PHOTOS):
        image = Image.fromarray(scenes[k % len(scenes)].image)
        width, height = (int(side) for side in random.integers(300, 900, 2))
        paths.append(folder / f"{k:03d}.jpg")
        image.resize((width, height)).save(paths[-1], quality=90)
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


def run(paths: list[Path], backbone: Backbone, output: Path) -> float:
    """Seconds of the folder run in this process, masks written."""
    start = time.perf_counter()
    failed = run_folder(
        paths,
        [p.stem for p in paths],
        RECIPE,
        backbone,
        lambda _, name, result: write_png(output / f"{name}_mask.png", result.mask),
        progress=False,
    )
    assert not failed
    return time.perf_counter() - start


def run_command(folder: Path, output: Path, backbone: Backbone) -> tuple[float, list[float]]:
    """Seconds of `simsam segment FOLDER`, and the process's largest size (MB) in each quarter of them."""
    call = [sys.executable, "-m", "simsam", "segment", str(folder), "-o", str(output), "--quiet"]
    start = time.perf_counter()
    process, sizes = subprocess.Popen([*call, "--set", "refine=none", "--backbone", backbone.name]), []

    def watch() -> None:
        status = Path(f"/proc/{process.pid}/statm")
        while process.poll() is None:
            sizes.append(int(status.read_text().split()[1]) * 4096 / 2**20)
            time.sleep(0.1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    seconds = time.perf_counter() - start
    watcher.join()
    assert code == 0
    assert len(list(output.glob("*_mask.png"))) == PHOTOS
    return seconds, [max(part) for part in np.array_split(np.array(sizes), 4)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add_backbone(parser)
    args = parser.parse_args()
    backbone, folder = chosen(args)
    with tempfile.TemporaryDirectory() as place:
        photos, output = Path(place) / "photos", Path(place) / "masks"
        photos.mkdir()
        paths = make_photos(photos)
        forwards(paths[:5], backbone)  # warm
        alone = forwards(paths, backbone)
        rows = {"forward": (alone, []), "run": (run(paths, backbone, output / "a"), [])}
        rows["command"] = run_command(photos, output / "b", backbone)
    origin = {
        "photos": PHOTOS,
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
