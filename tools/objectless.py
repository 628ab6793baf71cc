"""Pictures that show no object, of several kinds, in two parts: to choose on, and to report on.

All come from seeded code, scikit-image's own pictures and the backgrounds of `cutouts`. The parts share no
seed; of textures and pages one part takes the upper half and the other the lower one, of the backgrounds
each takes other photographs.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage
from skimage import data

from simsam.data import load_cutouts

PARTS = ("choose", "report")
COUNT = 20  # of each kind and part
SHAPE = (300, 400)  # height, width: that of a photo of ECSSD
SEED = 5
LEAST = 100  # pixels: a shorter side of a crop shows too little
APART = 12  # pixels around an object that may hold its shadow or its blur


@dataclass(frozen=True)
class Objectless:
    """A picture (H, W, 3) uint8 that shows no object."""

    kind: str
    id: str
    image: np.ndarray


def objectless(part: str) -> Iterator[Objectless]:
    """The pictures of a part, kind by kind; the same each time."""
    place = PARTS.index(part)
    for number, (kind, make) in enumerate(KINDS.items()):
        count = min(COUNT, len(backgrounds()[place])) if make is background else COUNT
        for i in range(count):
            rng = np.random.default_rng([SEED, place, number, i])
            yield Objectless(kind, f"{kind}_{part}_{i:02d}", make(rng, place, i))


def to_bytes(picture: np.ndarray) -> np.ndarray:
    """Values in [0, 1], (H, W) or (H, W, 3), as (H, W, 3) uint8."""
    colours = np.repeat(picture[..., None], 3, -1) if picture.ndim == 2 else picture
    return (255 * colours.clip(0, 1) + 0.5).astype(np.uint8)


def noise(rng: np.random.Generator, part: int, i: int) -> np.ndarray:
    """Spectra that fall as 1, 1/f and 1/f^2 (power of amplitude 0, 0.5, 1), grey and coloured."""
    channels = 3 if i % 2 else 1
    white = rng.standard_normal((channels, *SHAPE))
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(SHAPE[0]), np.fft.fftfreq(SHAPE[1]), indexing="ij"))
    f[0, 0] = 1 / max(SHAPE)
    field = np.fft.ifft2(np.fft.fft2(white) * f ** -(i // 2 % 4 * 0.5)).real
    field = (field - field.mean()) / field.std()
    return to_bytes(np.moveaxis(0.5 + 0.18 * field, 0, -1).squeeze())


def uniform(rng: np.random.Generator, part: int, i: int) -> np.ndarray:
    """One colour; every second with the grain of a sensor."""
    return to_bytes(rng.random(3) + (i % 2) * 0.01 * rng.standard_normal((*SHAPE, 3)))


def gradient(rng: np.random.Generator, part: int, i: int) -> np.ndarray:
    """From one colour to another along a direction, or around a point outside of the picture."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] / max(SHAPE)
    angle = rng.uniform(0, 2 * np.pi)
    if i % 2:
        along = np.hypot(y - 0.4 - 1.2 * np.sin(angle), x - 0.5 - 1.2 * np.cos(angle))
    else:
        along = y * np.sin(angle) + x * np.cos(angle)
    t = (along - along.min()) / np.ptp(along)
    one, other = rng.random((2, 3))
    return to_bytes(one + t[..., None] * (other - one))


def texture(rng: np.random.Generator, part: int, i: int) -> np.ndarray:
    """Crops of brick, grass and gravel, mirrored and tinted."""
    whole = (data.brick, data.grass, data.gravel)[i % 3]() / 255
    half = whole[:256] if part == 0 else whole[256:]
    tint = rng.uniform(0.7, 1.1, 3) if i // 3 % 2 else np.ones(3)
    return to_bytes(cropped(half, rng)[..., None] * tint)


def page(rng: np.random.Generator, part: int, i: int) -> np.ndarray:
    """Text: photographs of printed pages, cut, and pages set in a font of Pillow."""
    if i % 3:
        return written(rng)
    whole = (data.page, data.text)[i // 3 % 2]() / 255
    middle = whole.shape[1] // 2
    half = whole[:, :middle] if part == 0 else whole[:, middle:]
    return to_bytes(cropped(half, rng, mirror=False))


def written(rng: np.random.Generator) -> np.ndarray:
    """Lines of made-up words, dark on light or light on dark."""
    paper, ink = rng.uniform(0.75, 1, 3), rng.uniform(0, 0.35, 3)
    if rng.random() < 0.25:
        paper, ink = ink, paper
    sheet = Image.fromarray(to_bytes(np.ones((*SHAPE, 3)) * paper))
    size = int(rng.integers(11, 26))
    font = ImageFont.load_default(size)
    draw = ImageDraw.Draw(sheet)
    for top in range(int(rng.integers(0, size)) - size // 2, SHAPE[0], round(1.4 * size)):
        words = (
            "".join(rng.choice(list("aaeeeiioonnrrttsslldhucmpg"), rng.integers(2, 10))) for _ in range(40)
        )
        draw.text((-size / 3, top), " ".join(words), tuple(int(255 * c) for c in ink), font)
    return np.asarray(sheet)


def stars(rng: np.random.Generator, part: int, i: int) -> np.ndarray:
    """A night sky: points of many magnitudes, blurred, on a dark ground that brightens to one side."""
    count = int(rng.integers(60, 1500))
    sky = np.zeros((*SHAPE, 3))
    y, x = (rng.integers(0, side, count) for side in SHAPE)
    np.add.at(sky, (y, x), rng.pareto(1.5, count).clip(0, 40)[:, None] * rng.uniform(0.7, 1, (count, 3)))
    sky = ndimage.gaussian_filter(sky, (*[rng.uniform(0.6, 1.5)] * 2, 0))
    glow = np.linspace(0, rng.uniform(0, 0.15), SHAPE[0])[:, None, None] * rng.uniform(0.5, 1, 3)
    return to_bytes(sky + glow + rng.uniform(0, 0.06) + 0.008 * rng.standard_normal((*SHAPE, 1)))


def background(rng: np.random.Generator, part: int, i: int) -> np.ndarray:
    """What `cutouts` shows beside its objects: the largest rectangles that no object touches."""
    return backgrounds()[part][i]


def cropped(picture: np.ndarray, rng: np.random.Generator, mirror: bool = True) -> np.ndarray:
    """A crop of 60 to 100 % of the height, of a photo's proportions or the nearest that fit."""
    H, W = picture.shape[:2]
    h = int(rng.uniform(0.6, 1) * H)
    w = min(W, round(h * SHAPE[1] / SHAPE[0]))
    top, left = rng.integers(0, H - h + 1), rng.integers(0, W - w + 1)
    part = picture[top : top + h, left : left + w]
    return part[:, ::-1] if mirror and rng.random() < 0.5 else part


@functools.cache
def backgrounds() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The object-free rectangles of the cutouts, largest first, of every second photograph in each part."""
    text = (files("simsam") / "data" / "cutouts" / "index.csv").read_text(encoding="utf-8")
    photo = {row["id"]: row["photo"] for row in csv.DictReader(text.splitlines())}
    names = sorted(set(photo.values()))
    found = []
    for place in (0, 1):
        crops = []
        for cutout in load_cutouts():
            if names.index(photo[cutout.id]) % 2 == place:
                where = free_rectangle(cutout.mask)
                crops += [] if where is None else [cutout.image[where]]
        found.append(sorted(crops, key=lambda crop: -crop.shape[0] * crop.shape[1]))
    return tuple(found)


def free_rectangle(mask: np.ndarray) -> tuple[slice, slice] | None:
    """The largest rectangle of an image that keeps away from its mask (H, W) bool; None if that is small."""
    top, left, bottom, right = largest_free(ndimage.binary_dilation(mask, iterations=APART))
    return (slice(top, bottom), slice(left, right)) if min(bottom - top, right - left) >= LEAST else None


def largest_free(taken: np.ndarray) -> tuple[int, int, int, int]:
    """The rectangle (top, left, bottom, right) of most pixels in which `taken` (H, W) bool is False."""
    height = np.zeros(taken.shape[1] + 1, int)  # of the free column above each pixel; a sentinel at the end
    best = (0, 0, 0, 0)
    for bottom, row in enumerate(taken, 1):
        height[:-1] = np.where(row, 0, height[:-1] + 1)
        open_: list[tuple[int, int]] = []  # (left, height), heights rising
        for right, h in enumerate(height.tolist()):
            left = right
            while open_ and open_[-1][1] >= h:
                left, tall = open_.pop()
                if tall * (right - left) > (best[2] - best[0]) * (best[3] - best[1]):
                    best = (bottom - tall, left, bottom, right)
            open_.append((left, h))
    return best


KINDS: dict[str, Callable[[np.random.Generator, int, int], np.ndarray]] = {
    "noise": noise,
    "one colour": uniform,
    "gradients": gradient,
    "textures": texture,
    "text": page,
    "starry skies": stars,
    "backgrounds": background,
}
