"""Compose the data set `cutouts`: photographic cutouts on object-free crops of photographs.

    python tools/make_cutouts.py

It reads `cutouts_objects.csv` (one row an object) and `cutouts_regions.csv` (where a photograph shows no
object) beside it, and the Debian packages tuxpaint-stamps-default and mate-backgrounds, and writes
`simsam/data/cutouts`. With the same versions of Pillow, NumPy and SciPy every run gives the same bytes.
"""

from __future__ import annotations

import argparse
import csv
import io
from pathlib import Path

import numpy as np
from compositing import arrange, clean_stamp, image_size, relight, shadow, tilted
from PIL import Image
from scipy import ndimage

from simsam.data import CLASSES, atomic_write
from simsam.errors import SimsamError

HERE = Path(__file__).resolve().parent
SEED = 20
MIRRORED = {"bird", "hoofed", "flower", "fruit"}  # letters and left-handed guitars would give a mirror away
SHARE = {1: (0.13, 0.28), 2: (0.085, 0.14)}  # of the image's area, by the number of objects
SMALLEST = 0.06  # share of the image that every object must fill
COLOURS = [0, 0, 0, 230, 80, 60, 70, 130, 220, 240, 200, 60, 90, 180, 90, 170, 100, 200, 240, 140, 190]


def read_rows(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def open_image(path: Path, mode: str, package: str) -> Image.Image:
    if not path.is_file():
        raise SimsamError(f"{path} is missing: install the Debian package {package}, or name its folder.")
    return Image.open(path).convert(mode)


def crop_background(
    region: dict[str, str], folder: Path, size: tuple[int, int], rng: np.random.Generator
) -> np.ndarray:
    """A crop of the region as (H, W, 3) floats, its horizon (if it has one) at 30 to 60 % of the height."""
    photo = open_image(folder / region["photo"], "RGB", "mate-backgrounds")
    left, top, right, bottom = (int(region[side]) for side in ("left", "top", "right", "bottom"))
    H, W = size
    largest = min((bottom - top) / H, (right - left) / W)
    for _ in range(1000):
        zoom = largest * rng.uniform(0.7, 1)
        y, x = rng.uniform(top, bottom - zoom * H), rng.uniform(left, right - zoom * W)
        if not region["horizon"] or 0.3 < (int(region["horizon"]) - y) / (zoom * H) < 0.6:
            break
    else:
        raise SimsamError(f"no crop of region {region['region']} has its horizon at the middle.")
    box = (x, y, x + zoom * W, y + zoom * H)
    crop = photo.resize((W, H), Image.Resampling.LANCZOS, box=box)
    background = np.asarray(crop, dtype=np.float64)
    return background[:, ::-1] if rng.random() < 0.5 else background


def compose(
    rows: list[dict[str, str]], region: dict[str, str], stamps: Path, photos: Path, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One image (H, W, 3) uint8 with its instance map and class map (H, W) uint8."""
    poses = [row["pose"] for row in rows]
    shares = [float(row["weight"]) * rng.uniform(*SHARE[len(rows)]) for row in rows]
    widest = {"lie": 30, "fly": 5, "stand": 0}
    stacks = [
        tilted(
            *clean_stamp(open_image(stamps / row["stamp"], "RGBA", "tuxpaint-stamps-default")),
            tilt=rng.uniform(-1, 1) * widest[row["pose"]],
            flip=bool(row["class"] in MIRRORED and rng.random() < 0.5),
        )
        for row in rows
    ]
    size = image_size(stacks, shares, rng)
    layers = arrange(stacks, poses, shares, size, rng)
    picture = crop_background(region, photos, size, rng)
    enlarged = max(layer.alpha.shape[0] / stack.shape[0] for layer, stack in zip(layers, stacks, strict=True))
    blur = float(region["blur"]) + 0.5 * max(0.0, enlarged - 0.7)  # a soft stamp wants a soft background
    picture = ndimage.gaussian_filter(picture, (blur, blur, 0))
    instances, classes = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
    for layer in layers:
        relight(layer, picture)
        if region["surface"] == "yes" and layer.pose != "fly":
            picture *= 1 - shadow(layer, size)[..., None]
    for number, (layer, row) in enumerate(zip(layers, rows, strict=True), start=1):
        alpha = layer.alpha[..., None]
        picture[layer.box] = (1 - alpha) * picture[layer.box] + alpha * layer.colour
        instances[layer.box][layer.alpha >= 0.5] = number
        classes[layer.box][layer.alpha >= 0.5] = CLASSES.index(row["class"])
    # One exposure, one lens and one sensor for all of the image.
    picture = ndimage.gaussian_filter(picture * rng.uniform(0.96, 1.04, size=3), (0.45, 0.45, 0))
    picture += rng.normal(0, 1.5, size)[..., None] + rng.normal(0, 0.8, picture.shape)
    return np.clip(picture.round(), 0, 255).astype(np.uint8), instances, classes


def save(path: Path, pixels: np.ndarray) -> None:
    """JPEG for an image, PNG with a palette for a map."""
    with atomic_write(path) as temporary:
        if path.suffix == ".jpg":
            Image.fromarray(pixels).save(temporary, format="JPEG", quality=88, optimize=True)
        else:
            indexed = Image.fromarray(pixels)
            indexed.putpalette(COLOURS)
            indexed.save(temporary, format="PNG", optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stamps", type=Path, default=Path("/usr/share/tuxpaint/stamps"))
    parser.add_argument("--photos", type=Path, default=Path("/usr/share/backgrounds/mate/nature"))
    parser.add_argument("--out", type=Path, default=HERE.parent / "simsam/data/cutouts")
    options = parser.parse_args()

    regions = {row["region"]: row for row in read_rows("cutouts_regions.csv")}
    scenes: dict[int, list[dict[str, str]]] = {}
    for row in read_rows("cutouts_objects.csv"):
        scenes.setdefault(int(row["scene"]), []).append(row)

    index = io.StringIO()
    table = csv.writer(index, lineterminator="\n")
    table.writerow(["id", "classes", "stamps", "photo"])
    for scene, rows in scenes.items():
        region = regions[rows[0]["region"]]
        rng = np.random.default_rng([SEED, scene])
        image, instances, classes = compose(rows, region, options.stamps, options.photos, rng)
        names = [row["class"] for row in rows]
        key = f"{scene:03d}_{'_'.join(names)}"
        shares = [(instances == number).mean() for number in range(1, len(rows) + 1)]
        print(f"{key}: {image.shape[0]} x {image.shape[1]}, share {', '.join(f'{s:.3f}' for s in shares)}")
        if min(shares) < SMALLEST:
            raise SimsamError(f"an object of {key} fills {min(shares):.3f} of it: raise its weight.")
        save(options.out / "images" / f"{key}.jpg", image)
        save(options.out / "instances" / f"{key}.png", instances)
        save(options.out / "classes" / f"{key}.png", classes)
        table.writerow([key, " ".join(names), " ".join(row["stamp"] for row in rows), region["photo"]])
    with atomic_write(options.out / "index.csv") as temporary:
        temporary.write_text(index.getvalue(), encoding="utf-8")


if __name__ == "__main__":
    main()
