"""Photos of 12, 24 and 88 megapixels: seconds of each stage, and the memory of `simsam segment PHOTO -o DIR`.

    python tools/big_photos.py

The photos are one of scikit-image's, enlarged, with noise of a seed, as JPEG. Writes big_photos.csv of the
backbone, for each photo: `decode`, `forward` and `write`, what any mask needs; `mask`, all from the file of
the photo to that of the mask, which holds those three; and `command`, the whole command in a process of its
own, with the largest sum of the proportional set sizes of it and all it started. Seconds are the least of
three.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from chosen_backbone import add_backbone, chosen, command
from PIL import Image
from skimage import data

from simsam.data import atomic_write, code_version, load_image, write_png
from simsam.features import forward, plan, to_input
from simsam.measuring import weights_of
from simsam.pipeline import get_recipe, segment
from simsam.scale import machine
from simsam.weights import Backbone

MEGAPIXELS, SEED, REPEATS = (12, 24, 88), 0, 3
NOISE = 6  # its deviation, in grey levels: large photos are never smooth
ASPECT = 4, 3  # width to height
EVERY = 0.05  # seconds between two looks at the memory


def make_photo(path: Path, megapixels: int) -> Path:
    """The astronaut, cut to the shape of a camera's photo and enlarged, with noise row by row."""
    random = np.random.default_rng(SEED)
    source = data.astronaut()
    height = source.shape[1] * ASPECT[1] // ASPECT[0]
    H = round((megapixels * 1e6 * ASPECT[1] / ASPECT[0]) ** 0.5)
    W = int(megapixels * 1e6 / H)
    pixels = np.array(Image.fromarray(source[:height]).resize((W, H), Image.Resampling.BICUBIC))
    for row in pixels:
        row[:] = np.clip(row + random.normal(0, NOISE, row.shape), 0, 255)
    Image.fromarray(pixels).save(path, quality=92)
    return path


def tree(root: int) -> list[int]:
    """The ids of a process and of all that descend from it."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:  # ended meanwhile
            continue
    found = [root]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found


def memory(root: int) -> float:
    """Proportional set size of a process and its descendants, in MB: shared pages are counted once."""
    total = 0
    for process in tree(root):
        try:
            text = Path(f"/proc/{process}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return total / 1024


def run_command(photo: Path, output: Path, backbone: Backbone) -> tuple[float, float]:
    """Seconds of `simsam segment PHOTO -o DIR`, and the largest memory (MB) that was seen."""
    call = [sys.executable, "-m", "simsam", "segment", str(photo), "-o", str(output), "--quiet"]
    start, peak = time.perf_counter(), 0.0
    process = subprocess.Popen([*call, "--backbone", backbone.name])
    while process.poll() is None:
        peak = max(peak, memory(process.pid))
        time.sleep(EVERY)
    seconds = time.perf_counter() - start
    assert process.returncode == 0
    assert len(list(output.glob("*_mask.png"))) == 1
    return seconds, peak


def timed(work: Callable[[], object], into: list[float]) -> object:
    start = time.perf_counter()
    made = work()
    into.append(time.perf_counter() - start)
    return made


def stages(photo: Path, target: Path, backbone: Backbone) -> dict[str, float]:
    """Seconds of the stages in this process, which has everything loaded."""
    recipe = get_recipe("simsam")
    seconds: dict[str, list[float]] = {name: [] for name in ("decode", "forward", "write", "mask")}
    for _ in range(REPEATS):
        image = timed(lambda: load_image(photo), seconds["decode"])
        x = to_input(image, plan(image.shape[:2], backbone.patch, recipe.size), backbone)[None]
        timed(lambda x=x: forward(x, backbone, recipe.tokens), seconds["forward"])
        del image
        result = timed(
            lambda: (made := segment(photo, recipe, backbone), write_png(target, made.mask))[0],
            seconds["mask"],
        )
        timed(lambda mask=result.mask: write_png(target, mask), seconds["write"])
        del result
    return {name: min(times) for name, times in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add_backbone(parser)
    args = parser.parse_args()
    backbone, folder = chosen(args)
    origin = {
        "cpu": machine(backbone.device)["cpu"],
        "threads": torch.get_num_threads(),
        **weights_of(backbone),
        "version": code_version(),
        "command": command("big_photos", sys.argv[1:], args),
    }
    rows = []
    with tempfile.TemporaryDirectory() as place:
        segment(data.astronaut(), backbone=backbone)  # warm
        for megapixels in MEGAPIXELS:
            photo = make_photo(Path(place) / f"{megapixels}.jpg", megapixels)
            whole, peak = run_command(photo, Path(place) / str(megapixels), backbone)
            seconds = stages(photo, Path(place) / "mask.png", backbone)
            needed = seconds["decode"] + seconds["forward"] + seconds["write"]
            seconds["command"] = whole
            for stage, taken in seconds.items():
                rows.append(
                    {"megapixels": megapixels, "stage": stage, "seconds": f"{taken:.2f}"}
                    | {"ratio_to_needed": f"{taken / needed:.3f}"}
                    | {"peak_mb": f"{peak:.0f}" if stage == "command" else "nan"}
                    | origin
                )
                print(*list(rows[-1].values())[:5], flush=True)
    with atomic_write(folder / "big_photos.csv") as path, path.open("w", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
