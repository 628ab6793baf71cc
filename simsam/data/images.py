"""Photos of any kind become one kind: an array (H, W, 3) of uint8 in RGB."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from simsam.errors import SimsamError

# The suffixes that `list_images` takes for images; a file named one by one may have any suffix.
RASTER = (".avif", ".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
SUFFIXES = frozenset({*RASTER, ".pbm", ".pgm", ".pnm", ".ppm"})
WHITE = 255

ImageSource = str | Path | Image.Image | np.ndarray


def load_image(source: ImageSource) -> np.ndarray:
    """Read one image as RGB, (H, W, 3), uint8, a fresh array.

    source: a path, a PIL image of any mode, or an array: (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), of uint8,
    uint16 (0 to 65535), bool, or float in [0, 1].

    - The EXIF orientation of a file or PIL image is applied: the array shows what a viewer shows.
    - 16 bits are scaled to 8, not clipped. Of several frames the first is read.
    - Transparency is composited on white: the colour under a transparent pixel is whatever the editor left
      there, often black, and white is the paper that cutouts and logos are made for.

    Raises `SimsamError` that names the file or the array and says what was expected.
    """
    if isinstance(source, str | Path):
        return _from_file(Path(source))
    if isinstance(source, Image.Image):
        return _from_pillow(source, "image")
    if isinstance(source, np.ndarray):
        return _from_array(source, "image array")
    hint = "; pass a batch one image at a time" if isinstance(source, list | tuple) else ""
    raise SimsamError(
        f"image is a {type(source).__name__}, but a path, a PIL image or a NumPy array was expected{hint}."
    )


def header_shape(path: str | Path) -> tuple[int, int]:
    """(H, W) of an image file as `load_image` gives it, from its header alone, its EXIF rotation applied.

    Raises what Pillow raises: each damage in its own way.
    """
    with Image.open(path) as image:
        width, height = image.size
        on_its_side = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    return (width, height) if on_its_side else (height, width)


def list_images(paths: str | Path | Iterable[str | Path]) -> list[Path]:
    """The image files that `paths` name, in their order, each once.

    A folder stands for the images directly in it, sorted by name, without hidden files and without its
    subfolders: so results written below a folder are not taken for photos the next time. A file stays as it
    is, whatever its suffix and whether it exists or not: `load_image` says what is wrong with it.
    Raises `SimsamError` when a folder holds no image, or when there is no path at all.
    """
    paths = [Path(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    if not paths:
        raise SimsamError("no image was given; name at least one image file or a folder of images.")
    found: list[Path] = []
    for path in paths:
        found += _images_in(path) if _is_folder(path) else [path]
    return list(dict.fromkeys(found))


def _is_folder(path: Path) -> bool:
    """Whether a path is a folder; a path that cannot exist is none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _images_in(folder: Path) -> list[Path]:
    try:
        files = sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file())
    except OSError as error:
        raise SimsamError(f"cannot read the folder {folder}: {error.strerror}.") from error
    images = [path for path in files if path.suffix.lower() in SUFFIXES]
    if not images:
        raise SimsamError(
            f"the folder {folder} holds no image ({', '.join(sorted(SUFFIXES))}); give another."
        )
    return images


def _from_file(path: Path) -> np.ndarray:
    if _is_folder(path):
        raise SimsamError(f"{path} is a directory, but one image file was expected; name a file in it.")
    try:
        if path.stat().st_size == 0:
            raise SimsamError(f"{path} is an empty file; an image was expected.")
        with Image.open(path) as image:
            return _from_pillow(image, str(path))
    except FileNotFoundError:
        raise SimsamError(f"{path} does not exist; give the path of an image file.") from None
    except UnidentifiedImageError:
        raise SimsamError(f"{path} is not an image that Pillow reads; convert it to PNG or JPEG.") from None
    except Image.DecompressionBombError as error:
        raise SimsamError(f"{path} has too many pixels ({error}); make it smaller first.") from error
    except OSError as error:
        raise SimsamError(f"cannot read {path}: {error.strerror or error}.") from error


def _from_pillow(image: Image.Image, name: str) -> np.ndarray:
    """RGB array of a PIL image; `name` is what an error calls it."""
    if 0 in image.size:
        raise SimsamError(f"{name} is {image.width} x {image.height} and has no pixel; give another image.")
    try:
        image.load()
        image = ImageOps.exif_transpose(image)
    except Exception as error:  # each of Pillow's decoders fails in its own way on damaged data
        raise SimsamError(f"{name} is damaged or truncated ({error}); save or download it again.") from error
    if image.mode[0] in "IF":  # 16 or 32 bits a pixel: Pillow's own conversion would clip at 255
        deep = np.asarray(image)
        if image.mode == "I" and deep.size and deep.min() >= 0 and deep.max() <= 65535:
            deep = deep.astype(np.uint16)
        return _from_array(deep, name)
    try:
        transparent = image.has_transparency_data
        return _from_array(np.asarray(image.convert("RGBA" if transparent else "RGB")), name)
    except ValueError as error:
        raise SimsamError(
            f"{name} has the mode {image.mode}, which is none of Pillow's for RGB; save it as RGB."
        ) from error


def _from_array(array: np.ndarray, name: str) -> np.ndarray:
    """RGB array of an array of any supported shape and dtype; `name` is what an error calls it."""
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
    pixels = _to_uint8(array, name)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.shape[2] == 1:
        return np.repeat(pixels, 3, axis=2)
    if pixels.shape[2] == 4:
        alpha = pixels[..., 3:] / np.float32(255)
        return np.rint(pixels[..., :3] * alpha + WHITE * (1 - alpha)).astype(np.uint8)
    return pixels


def _to_uint8(array: np.ndarray, name: str) -> np.ndarray:
    """A uint8 copy with the full range of the dtype mapped to 0..255."""
    if array.dtype == np.uint8:
        return array.copy()
    if array.dtype == bool:
        return array.astype(np.uint8) * 255
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:
        return np.rint(array / np.float32(257)).astype(np.uint8)  # 65535 = 257 * 255
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise SimsamError(f"{name} holds NaN or infinite values, but floats in [0, 1] were expected.")
        low, high = array.min(), array.max()
        if low < 0 or high > 1:
            raise SimsamError(
                f"{name} holds floats from {low:g} to {high:g}, but [0, 1] was expected; divide by the "
                "maximum, or convert values of 0 to 255 with astype(np.uint8)."
            )
        return np.rint(array.astype(np.float32) * 255).astype(np.uint8)
    raise SimsamError(
        f"{name} has dtype {array.dtype}, but uint8, uint16, bool or float in [0, 1] was expected; convert "
        "values of 0 to 255 with astype(np.uint8)."
    )
