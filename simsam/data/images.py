"""Photos of any kind become one kind: an array (H, W, 3) of uint8 in RGB."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

import numpy as np
from PIL import Image, ImageOps

from simsam.data.decoding import decode, local_path
from simsam.data.depth import file_to_uint8, to_uint8, widen
from simsam.errors import SimsamError

if TYPE_CHECKING:
    from torch import Tensor

GROUNDS = (255, 0, 128)  # white, black, gray: what stands in for what is transparent
SUBFILE, IMAGE_WIDTH, BITS_PER_SAMPLE, SUB_IFDS = 254, 256, 258, 330  # tags of TIFF
ORIENTATION = 0x0112  # of EXIF
STRIPE = 2**20  # pixels that are converted at once

Layers: TypeAlias = "tuple[np.ndarray, np.ndarray | None]"
ImageSource: TypeAlias = "str | Path | bytes | BinaryIO | Image.Image | np.ndarray | Tensor"


def load_image(source: ImageSource) -> np.ndarray:
    """Read one image as RGB, (H, W, 3), uint8, a fresh array.

    source: a path (with `~`, if you like), the bytes of a file, a binary file object, a PIL image of any
    mode, or an array or torch tensor: (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), a tensor also with the
    channels first, of uint8, uint16, bool, or float in [0, 1].

    - The EXIF orientation of a file or PIL image is applied: the array shows what a viewer shows.
    - More than 8 bits are scaled, not clipped (`simsam.data.depth`): by the range that the type or the file
      states, or by the one that the values show. What is guessed is told, as a `SimsamWarning`.
    - Of several frames the first is read.
    - What is transparent gets the ground on which the rest is seen best: white, or else black or gray. The
      colour under a transparent pixel is whatever the editor left there.

    Raises `SimsamError` that names the file or the array and says what was expected.
    """
    return load_layers(source)[0]


def load_layers(source: ImageSource) -> Layers:
    """The image as `load_image` gives it, and its opacity (H, W) uint8; None where nothing is transparent."""
    if isinstance(source, str | Path):
        path = local_path(source)
        return decode(path, str(path), lambda image: _from_pillow(image, str(path)))
    if isinstance(source, bytes | bytearray | memoryview):
        return decode(bytes(source), "image", lambda image: _from_pillow(image, "image"))
    if isinstance(source, Image.Image):
        return _from_loaded(source)
    if isinstance(source, np.ndarray):
        if np.ma.is_masked(source):
            count = np.ma.count_masked(source)
            raise SimsamError(f"image array has {count} masked values; give them values with filled().")
        return _from_array(np.asarray(source), "image array")
    if _is_tensor(source):
        return _from_array(_array_of(source), "image tensor")
    if hasattr(source, "read"):
        return load_layers(_bytes_of(source))
    hint = "; pass a batch one image at a time" if isinstance(source, list | tuple) else ""
    raise SimsamError(
        f"image is a {type(source).__name__}, but a path, bytes, a file, a PIL image, an array or a tensor "
        f"was expected{hint}."
    )


def header_shape(path: str | Path) -> tuple[int, int]:
    """(H, W) of an image file as `load_image` gives it, from its header alone, its EXIF rotation applied.

    Raises `SimsamError` that names the file.
    """

    def shape(image: Image.Image) -> tuple[int, int]:
        width, height = image.size
        on_its_side = image.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8)
        if getattr(image, "tag_v2", {}).get(IMAGE_WIDTH, width) != width:  # Pillow has turned a TIFF already
            return height, width
        return (width, height) if on_its_side else (height, width)

    return decode(local_path(path), str(path), shape)


def _is_tensor(source: object) -> bool:
    """Whether it is one of torch's, which is not imported to find out."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(source, torch.Tensor)


def _array_of(tensor: Tensor) -> np.ndarray:
    """The tensor's values with the channels last; torch has them first."""
    try:
        values = tensor.detach().cpu()
        if values.is_floating_point():
            values = values.float()  # NumPy has no bfloat16
        array = values.resolve_conj().resolve_neg().numpy()
    except (RuntimeError, TypeError) as error:  # sparse, quantized, nested, without data
        why = " ".join(str(error).split()).rstrip(".")
        raise SimsamError(f"image tensor has no plain values ({why}); give a dense tensor.") from error
    return np.moveaxis(array, 0, -1) if array.ndim == 3 and array.shape[0] in (1, 3, 4) else array


def _bytes_of(file: BinaryIO) -> bytes:
    """All of a file object, from its start where it can go there."""
    try:
        if hasattr(file, "seekable") and file.seekable():
            file.seek(0)
        data = file.read()
    except Exception as error:  # closed, open for writing, or an object of somebody else's that only looks so
        why = " ".join(str(error).split()).rstrip(".")
        raise SimsamError(f"the image's file cannot be read ({why}); open it with mode 'rb'.") from error
    if not isinstance(data, bytes):
        kind = "text" if isinstance(data, str) else type(data).__name__
        raise SimsamError(f"the image's file gives {kind}, but bytes were expected; open it with mode 'rb'.")
    return data


def _from_loaded(image: Image.Image) -> Layers:
    """Layers of a PIL image of the caller's: what its decoder raises late becomes a sentence as well."""
    try:
        return _from_pillow(image, "image")
    except SimsamError:
        raise
    except Exception as error:
        raise SimsamError(f"image is damaged or truncated ({error}); save or download it again.") from error


def _from_pillow(image: Image.Image, name: str) -> Layers:
    """Layers of a PIL image; `name` is what an error calls it. Raises what its decoder raises."""
    if 0 in image.size:
        raise SimsamError(f"{name} is {image.width} x {image.height} and has no pixel; give another image.")
    stored = str(getattr(image, "tile", ""))  # how the file holds its pixels, before they are unpacked
    tags = getattr(image, "tag_v2", {})
    if tags.get(SUBFILE) == 1 and SUB_IFDS in tags:
        raise SimsamError(
            f"{name} shows Pillow a preview of {image.width} x {image.height} alone, as a camera's raw file "
            "does; convert it to PNG or JPEG."
        )
    bits = tags.get(BITS_PER_SAMPLE, (None,))[0]
    image.load()
    if image.getexif().get(ORIENTATION, 1) != 1:  # else Pillow would copy the image to turn it nowhere
        image = ImageOps.exif_transpose(image)
    if image.mode == "P" and image.palette is None:  # a damaged file: a copy has an empty one
        image = image.copy()
    if image.mode[0] in "IF":  # 16 or 32 bits a pixel: Pillow's own conversion would clip at 255
        return _from_array(file_to_uint8(np.asarray(image), name, bits), name)
    try:
        pixels = _pixels(image, "RGBA" if image.has_transparency_data else "RGB")
    except ValueError as error:
        raise SimsamError(
            f"{name} has the mode {image.mode}, which is none of Pillow's for RGB; save it as RGB."
        ) from error
    if image.mode == "RGB" and ";16" in stored:
        pixels = widen(pixels, name)
    return (pixels, None) if pixels.shape[2] == 3 else _from_array(pixels, name)


def _pixels(image: Image.Image, mode: str) -> np.ndarray:
    """The pixels (H, W, 3 or 4) uint8 of a PIL image in a mode, "RGB" or "RGBA".

    Stripe by stripe: Pillow converts into a second image, and hands its pixels over by two more copies.
    """
    out = np.empty((image.height, image.width, len(mode)), np.uint8)
    step = max(1, STRIPE // image.width)
    for top in range(0, image.height, step):
        stripe = image.crop((0, top, image.width, min(top + step, image.height)))
        out[top : top + step] = np.asarray(stripe.convert(mode))
    return out


def _from_array(array: np.ndarray, name: str) -> Layers:
    """Layers of an array of any supported shape and dtype; `name` is what an error calls it."""
    shape = tuple(array.shape)
    if array.ndim == 4:
        raise SimsamError(f"{name} has shape {shape}, a batch, but one image was expected; pass one.")
    if array.ndim not in (2, 3) or (array.ndim == 3 and shape[2] not in (1, 3, 4)):
        hint = "; move the channels last" if array.ndim == 3 and shape[0] in (1, 3, 4) else ""
        raise SimsamError(
            f"{name} has shape {shape}, but (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) was expected{hint}."
        )
    if array.size == 0:
        raise SimsamError(f"{name} has shape {shape} and so no pixel; at least one was expected.")
    pixels = to_uint8(array, name)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.shape[2] == 1:
        return np.repeat(pixels, 3, axis=2), None
    if pixels.shape[2] == 3:
        return pixels, None
    colors, opacity = pixels[..., :3], np.ascontiguousarray(pixels[..., 3])
    if (opacity == 255).all():
        return np.ascontiguousarray(colors), None
    alpha = opacity[..., None] / np.float32(255)
    image = np.rint(colors * alpha + _ground(colors, opacity) * (1 - alpha)).astype(np.uint8)
    return image, opacity


def _ground(colors: np.ndarray, opacity: np.ndarray) -> int:
    """The one of `GROUNDS` from which nine tenths of what is visible differ most in brightness."""
    seen = colors[opacity > 127].mean(-1)
    if not len(seen):
        return GROUNDS[0]
    return max(GROUNDS, key=lambda ground: np.quantile(np.abs(seen - ground), 0.1))
