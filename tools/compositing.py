"""Objects with alpha: cleaned, tilted, scaled, placed, lit. Used by `make_cutouts.py`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

from simsam.errors import SimsamError

ASPECTS = np.array([2 / 3, 3 / 4, 1, 4 / 3, 3 / 2])  # width over height
LONG_SIDE = (320, 480)
MAX_ENLARGE = 1.4  # a stamp that is enlarged more looks soft beside its background
MARGIN = 0.03


@dataclass
class Layer:
    """An object at its final size: colour (h, w, 3) in [0, 255], alpha (h, w) in [0, 1], and its place."""

    colour: np.ndarray
    alpha: np.ndarray
    pose: str
    row: int = 0
    column: int = 0

    @property
    def box(self) -> tuple[slice, slice]:
        h, w = self.alpha.shape
        return slice(self.row, self.row + h), slice(self.column, self.column + w)

    def canvas(self, size: tuple[int, int]) -> np.ndarray:
        """The alpha on an empty image of `size` (H, W)."""
        full = np.zeros(size)
        full[self.box] = self.alpha
        return full


def tight(alpha: np.ndarray) -> tuple[slice, slice]:
    """The box that holds all of the object."""
    rows, columns = np.nonzero(alpha > 0.02)
    return slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)


def clean_stamp(stamp: Image.Image) -> tuple[np.ndarray, np.ndarray]:
    """The colour (h, w, 3) and alpha (h, w) of an RGBA stamp, cropped to its object.

    Stamps carry a rim of their first background: the edge moves inwards a little, and the rim takes the
    colours of the nearest pixels well inside. Specks apart from the object are dropped.
    """
    rgba = np.asarray(stamp, dtype=np.float64)
    rgba = np.pad(rgba, ((3, 3), (3, 3), (0, 0)))
    colour, alpha = rgba[..., :3], rgba[..., 3] / 255
    labels, count = ndimage.label(alpha > 0.3)
    sizes = ndimage.sum_labels(alpha > 0.3, labels, np.arange(1, count + 1))
    keep = np.concatenate([[True], sizes > 0.005 * sizes.sum()])  # label 0 holds the soft edge
    alpha = np.where(keep[labels], alpha, 0)
    core = ndimage.binary_erosion(alpha > 0.9)
    distance, nearest = ndimage.distance_transform_edt(~core, return_indices=True)
    rim = (distance > 0) & (distance < 4)
    colour = np.where(rim[..., None], colour[tuple(nearest)], colour)
    alpha = np.clip((ndimage.gaussian_filter(alpha, 1.0) - 0.38) / 0.4, 0, 1)
    return colour[tight(alpha)], alpha[tight(alpha)]


def tilted(colour: np.ndarray, alpha: np.ndarray, tilt: float, flip: bool) -> np.ndarray:
    """Colour times alpha, and alpha, as (h, w, 4): premultiplied, so that what is outside never leaks in."""
    stack = np.dstack([colour * alpha[..., None], alpha])
    if flip:
        stack = stack[:, ::-1]
    if tilt:
        stack = ndimage.rotate(stack, tilt, order=1)
    return stack[tight(stack[..., 3])]


def scaled(stack: np.ndarray, scale: float, pose: str) -> Layer:
    h, w = stack.shape[:2]
    size = max(1, round(w * scale)), max(1, round(h * scale))
    bands = [
        Image.fromarray(np.ascontiguousarray(band, dtype=np.float32)) for band in np.moveaxis(stack, 2, 0)
    ]
    *colour, alpha = (np.asarray(band.resize(size, Image.Resampling.BICUBIC)) for band in bands)
    colour = np.stack(colour, axis=-1) / np.maximum(alpha, 1e-3)[..., None]
    return Layer(np.clip(colour, 0, 255), np.clip(alpha, 0, 1), pose)


def image_size(stacks: list[np.ndarray], shares: list[float], rng: np.random.Generator) -> tuple[int, int]:
    """(H, W): wide for two objects, else near the object's own aspect; small where a stamp is small."""
    if len(stacks) > 1:
        aspect = rng.choice(ASPECTS[3:])
    else:
        h, w = stacks[0].shape[:2]
        aspect = ASPECTS[np.abs(np.log(ASPECTS) - 0.8 * np.log(w / h)).argmin()]
    side = LONG_SIDE[1]
    for stack, share in zip(stacks, shares, strict=True):
        largest = MAX_ENLARGE**2 * stack[..., 3].sum() / share  # the image area at which it is enlarged most
        side = min(side, np.sqrt(largest / min(aspect, 1 / aspect)))
    side = max(side, LONG_SIDE[0])
    return int(side * min(1, 1 / aspect)) // 2 * 2, int(side * min(1, aspect)) // 2 * 2


def place(layer: Layer, size: tuple[int, int], rng: np.random.Generator) -> bool:
    """Draw a place; False where the object does not fit."""
    (H, W), (h, w) = size, layer.alpha.shape
    low, high = np.array([MARGIN * H, MARGIN * W]), np.array([H - h - MARGIN * H, W - w - MARGIN * W])
    if layer.pose == "stand":
        low[0] = high[0] = H * rng.uniform(0.88, 0.96) - h
    if layer.pose == "fly":
        high[0] = min(high[0], 0.55 * H - h / 2)
    if (low < 0).any() or (high < low).any():
        return False
    layer.row, layer.column = (int(value) for value in rng.uniform(low, high))
    return True


def arrange(
    stacks: list[np.ndarray],
    poses: list[str],
    shares: list[float],
    size: tuple[int, int],
    rng: np.random.Generator,
) -> list[Layer]:
    """Scale and place the objects so that all are whole and none touches another."""
    scales = [
        np.sqrt(share * size[0] * size[1] / s[..., 3].sum()) for s, share in zip(stacks, shares, strict=True)
    ]
    for attempt in range(400):
        shrink = 0.97 ** (attempt // 10)
        layers = [scaled(s, z * shrink, pose) for s, z, pose in zip(stacks, scales, poses, strict=True)]
        if all(place(layer, size, rng) for layer in layers):
            covered = sum(ndimage.grey_dilation(layer.canvas(size), 9) > 0.02 for layer in layers)
            if covered.max() == 1:
                return layers
    raise SimsamError(f"no room for {len(stacks)} objects in an image of {size[0]} x {size[1]} pixels.")


def shadow(layer: Layer, size: tuple[int, int]) -> np.ndarray:
    """(H, W) in [0, 1]: a soft shadow at the feet of what stands, close beside what lies."""
    H, W = size
    full = layer.canvas(size)
    if layer.pose == "lie":
        return 0.4 * ndimage.gaussian_filter(np.roll(full, (4, 3), axis=(0, 1)), 5)
    h, w = layer.alpha.shape
    feet = layer.alpha * np.linspace(0, 1, h)[:, None]  # what is near the ground darkens it most
    flat = Image.fromarray(feet.astype(np.float32)).resize((w, max(4, h // 9)))
    squashed = np.zeros((H + h, W))
    start = layer.row + h - flat.height * 2 // 3
    squashed[start : start + flat.height, layer.box[1]] = np.asarray(flat)
    return 0.6 * ndimage.gaussian_filter(squashed, (0.012 * h + 1, 0.025 * h + 1.5))[:H]


def relight(layer: Layer, background: np.ndarray) -> None:
    """Move the object's brightness, and a little of its tint, towards the background's."""
    around = background.mean(axis=(0, 1))
    weight = layer.alpha[..., None]
    own = (layer.colour * weight).sum(axis=(0, 1)) / weight.sum()
    gain = np.clip((around.mean() / own.mean()) ** 0.2, 0.8, 1.2)
    tint = (np.maximum(around, 8) / around.mean().clip(8)) ** 0.1
    layer.colour = np.clip(layer.colour * gain * tint, 0, 255)
