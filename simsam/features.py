"""Chapter 1. From an image to patch tokens on a grid, and back to the pixels each token saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from simsam.data import load_image
from simsam.errors import SimsamError, tell
from simsam.weights import Backbone, tap

Kind = tuple[str, int]  # tokens and block, as `extract` takes them
Size = int | tuple[int, int] | None
# The graph is dense: 16 384 tokens already make an affinity of 1 GiB.
MAX_TOKENS = 16_384
# A long photo: what its shorter side is to have, and what that may cost.
ACROSS = 12  # tokens, and no more than a side of 2.5 : 1 has
LONGEST = 2.5
TIMES = 4  # as many tokens as a square photo, in all, and never more than half of MAX_TOKENS
STRIPE = 2**20  # pixels of a photo that are reduced at once
MANY = 4  # times larger than the network's input: such a photo is reduced in two steps


@dataclass(frozen=True)
class Geometry:
    """Where a grid of tokens lies in the pixels of its image.

    `image` is (H, W); `region` is (top, left, height, width), the part of the image that the grid
    covers: all of it after a resize, all but a margin of less than a patch after a crop; `grid` is (h, w).
    """

    image: tuple[int, int]
    region: tuple[int, int, int, int]
    grid: tuple[int, int]

    def token_box(self, i: int, j: int) -> tuple[float, float, float, float]:
        """Pixels (top, left, bottom, right) that token (i, j) saw, as real numbers in image coordinates."""
        top, left, height, width = self.region
        h, w = self.grid
        return (
            top + i * height / h,
            left + j * width / w,
            top + (i + 1) * height / h,
            left + (j + 1) * width / w,
        )

    def covered(self, image: np.ndarray) -> np.ndarray:
        """The part of an image (H, W, ...) that the grid covers."""
        top, left, height, width = self.region
        return image[top : top + height, left : left + width]

    def upsample(self, field: Tensor, mode: str = "bilinear") -> Tensor:
        """A field on the grid, (h, w) or (C, h, w), as a field on the pixels, (H, W) or (C, H, W).

        `mode` is "bilinear" or "nearest". Token centres keep their place; a cropped margin repeats its
        nearest pixel.
        """
        (H, W), (top, left, height, width) = self.image, self.region
        x = field.reshape(1, -1, *self.grid).float()
        align = {"align_corners": False} if mode == "bilinear" else {}
        x = F.interpolate(x, (height, width), mode=mode if mode == "bilinear" else "nearest-exact", **align)
        margin = (left, W - left - width, top, H - top - height)
        if any(margin):
            x = F.pad(x, margin, mode="replicate")
        return x.reshape(*field.shape[:-2], H, W)

    def sample(self, field: Tensor, rows: np.ndarray, columns: np.ndarray, mode: str = "bilinear") -> Tensor:
        """`upsample` of a field (h, w), on some rows and columns alone: (len(rows), len(columns))."""
        (top, left, height, width), (h, w) = self.region, self.grid
        y = (torch.from_numpy(rows - top).double().clamp(0, height - 1) + 0.5) / height
        x = (torch.from_numpy(columns - left).double().clamp(0, width - 1) + 0.5) / width
        if mode == "nearest":
            return field.float()[(y * h).long().to(field.device)][:, (x * w).long().to(field.device)]
        at = torch.stack(torch.meshgrid(2 * x - 1, 2 * y - 1, indexing="xy"), -1).to(field.device).float()
        return F.grid_sample(field[None, None].float(), at[None], "bilinear", "border", False)[0, 0]


@dataclass(frozen=True)
class Features:
    """Patch tokens of one image (or of B images, with a leading B in every array).

    tokens (n, d) float32, n = h * w in row-major order; cls (d,) the image's embedding after the final
    norm (the class token, or the mean of the tokens where a backbone has none); attention (n,) the class
    token's attention to each patch in the chosen block, mean over heads, or None where there is no class
    token; grid (h, w); geometry, one per image in a batch.
    """

    tokens: Tensor
    cls: Tensor
    attention: Tensor | None
    grid: tuple[int, int]
    patch: int
    geometry: Geometry | list[Geometry]
    kind: str
    block: int
    backbone: str

    @property
    def is_batch(self) -> bool:
        return self.tokens.ndim == 3

    def __len__(self) -> int:
        return len(self.tokens) if self.is_batch else 1

    def __getitem__(self, b: int | slice) -> Features:
        """The features of image `b` of a batch, or of a slice of it."""
        if not self.is_batch:
            raise TypeError("these are the features of one image, not of a batch")
        return replace(
            self,
            tokens=self.tokens[b],
            cls=self.cls[b],
            attention=None if self.attention is None else self.attention[b],
            geometry=self.geometry[b],
        )

    def map(self, values: Tensor) -> Tensor:
        """One value a token, (..., n), laid out on the grid, (..., h, w)."""
        return values.reshape(*values.shape[:-1], *self.grid)


def plan(image: tuple[int, int], patch: int, size: Size, name: str = "image") -> Geometry:
    """The grid of an (H, W) image: which pixels it covers and how many tokens it has.

    `size` is None (native resolution, cropped at the bottom and the right to a multiple of the patch: what
    the released code does), an int (the long side; both sides rounded to whole patches) or (height, width).
    For an int, a photo longer than about 2.5 : 1, whose shorter side would have fewer than a dozen tokens, is
    seen at a larger scale: see `long_side`.
    Raises `SimsamError` for an image smaller than one patch or a grid of more than `MAX_TOKENS`.
    """
    H, W = image
    if min(H, W) < patch:
        raise SimsamError(
            f"{name} is {H} x {W} pixels (height x width), smaller than one patch of {patch} x {patch}: "
            "give an image with both sides at least one patch long."
        )
    if size is None:
        h, w = H // patch, W // patch
        region = (0, 0, h * patch, w * patch)
    else:
        if isinstance(size, int):
            scale = long_side(image, patch, size) / max(H, W)
            height, width = H * scale, W * scale
        else:
            height, width = size
        if min(size if isinstance(size, tuple) else (size,)) < patch:
            raise SimsamError(
                f"size={size} is smaller than one patch of {patch}: give at least {patch} pixels."
            )
        h, w = max(1, round(height / patch)), max(1, round(width / patch))
        region = (0, 0, H, W)
    if h * w > MAX_TOKENS:
        raise SimsamError(
            f"{name} would have {h} x {w} = {h * w} tokens, more than the {MAX_TOKENS} that a dense graph "
            "can hold: give a smaller size."
        )
    return Geometry((H, W), region, (h, w))


def long_side(image: tuple[int, int], patch: int, size: int) -> float:
    """The pixels that the longer side of an (H, W) photo has for the network: `size`, or more for a panorama.

    As many as it takes for the shorter side to have `ACROSS` tokens, or those that it would have in a photo
    of `LONGEST` : 1 if they are fewer; but no more pixels than the photo has, and no more than `TIMES` the
    tokens of a square photo.
    """
    H, W = image
    short = min(ACROSS * patch, size / LONGEST)
    tokens = min(TIMES * (size / patch) ** 2, MAX_TOKENS / 2)
    scale = min(short / min(H, W), 1.0, patch * (tokens / (H * W)) ** 0.5)
    return max(size, scale * max(H, W))


def tell_if_thin(geometry: Geometry, patch: int, size: Size, name: str = "image") -> None:
    """Say (`simsam.errors.tell`) with how few tokens a long photo was seen, where its shorter side has fewer
    than it is to have (`long_side`)."""
    (H, W), (h, w) = geometry.image, geometry.grid
    if isinstance(size, int) and max(H, W) > LONGEST * min(H, W):
        wanted = min(ACROSS, int(size / LONGEST / patch))
        if min(h, w) < wanted:
            tell(
                f"{name} is {H} x {W} pixels (height x width) and was seen as {h} x {w} tokens, too few "
                f"across for fine parts ({wanted} are usual): cut it into shorter pieces, or give a "
                "larger size."
            )


def to_input(image: np.ndarray, geometry: Geometry, backbone: Backbone) -> Tensor:
    """The network's input (3, h * patch, w * patch) float32, standardised, of an (H, W, 3) uint8 image.

    A large photo is reduced stripe by stripe, first across and then down, as one resize would do it: memory
    does not grow with its pixels. One that is many times too large is first reduced by a whole number, each
    pixel the mean of a square, to twice what is needed or more.
    """
    seen = geometry.covered(image)
    height, width = (side * backbone.patch for side in geometry.grid)
    if (times := min(seen.shape[0] // height, seen.shape[1] // width)) >= MANY:
        seen = np.asarray(Image.fromarray(np.ascontiguousarray(seen)).reduce(times // 2))
    how = {"mode": "bicubic", "antialias": True, "align_corners": False}
    step, stripes = max(1, STRIPE // seen.shape[1]), []
    for top in range(0, len(seen), step):
        x = torch.from_numpy(np.array(seen[top : top + step])).to(backbone.device)
        x = x.permute(2, 0, 1)[None].float().div_(255)
        stripes.append(x if x.shape[3] == width else F.interpolate(x, (x.shape[2], width), **how))
    x = torch.cat(stripes, 2)
    if seen.shape[:2] != (height, width):
        x = F.interpolate(x, (height, width), **how).clamp(0, 1)
    mean, std = (x.new_tensor(v).view(3, 1, 1) for v in (backbone.mean, backbone.std))
    return (x[0] - mean) / std


def extract(
    image: object, backbone: Backbone, tokens: str = "keys", block: int = -1, size: Size = 480
) -> Features:
    """Patch tokens of one image, or of a list of images that share one grid.

    `image` is a path, a PIL image or an array of any mode (`simsam.data.load_image`), or a list of those.
    `tokens` is "keys", "queries" or "values" (the products of the attention layer of `block`, heads
    concatenated; SimSAM and DSM use the keys of the last layer) or "output" (the block's output after the
    final norm). `block` counts from 0, or from the end when negative. `size`: see `plan`.

    Raises `SimsamError` for an unknown `tokens` or `block`, for an image that cannot be read or is smaller
    than one patch, and for a batch whose images do not share one grid.
    """
    batch = isinstance(image, list | tuple)
    found = extract_all(image if batch else [image], backbone, [(tokens, block)], size)[tokens, block]
    return found if batch else found[0]


def extract_all(
    images: Sequence[object], backbone: Backbone, kinds: Sequence[Kind], size: Size = 480
) -> dict[Kind, Features]:
    """`extract` of several kinds of token, (tokens, block), from one forward pass over a batch of images."""
    loaded = [image if _is_loaded(image) else load_image(image) for image in images]
    if not loaded:
        raise SimsamError("an empty list of images came in: give at least one image.")
    plans = [plan(i.shape[:2], backbone.patch, size, source_name(s)) for i, s in zip(loaded, images)]
    grid = plans[0].grid
    if any(p.grid != grid for p in plans):
        raise SimsamError(
            f"the images of a batch have different grids {sorted({p.grid for p in plans})}: give images of "
            "one shape, or size=(height, width) to bring them to one."
        )
    x = torch.stack([to_input(i, p, backbone) for i, p in zip(loaded, plans)])
    tapped = tap(x, backbone, [block for _, block in kinds])
    return {
        (tokens, block): Features(
            *tapped.read(tokens, block), grid, backbone.patch, plans, tokens, block, backbone.name
        )
        for tokens, block in kinds
    }


def _is_loaded(source: object) -> bool:
    """Whether it is what `load_image` gives, which is not copied again."""
    return (
        isinstance(source, np.ndarray)
        and source.dtype == np.uint8
        and source.ndim == 3
        and source.shape[2] == 3
        and source.size > 0
    )


def source_name(source: object) -> str:
    """What an error calls an image: its path, or just "image"."""
    return str(source) if isinstance(source, str) or hasattr(source, "__fspath__") else "image"


def forward(
    x: Tensor, backbone: Backbone, tokens: str = "output", block: int = -1
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Tokens (B, n, d), class embedding (B, d) and class attention (B, n) of inputs (B, 3, height, width)."""
    return tap(x, backbone, [block]).read(tokens, block)
