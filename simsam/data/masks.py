"""Ground truth from image files: object masks and label maps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image
from scipy import ndimage

from simsam.data.decoding import decode
from simsam.data.images import header_shape
from simsam.errors import SimsamError

VOID = 255  # the label of pixels without a class, which count nowhere
Reader = Callable[..., np.ndarray]  # (mask path, image path, settings) -> truth


def check_mask(what: str, mask: np.ndarray) -> None:
    """Raise `SimsamError` unless a mask is (H, W) bool and holds a pixel."""
    if not isinstance(mask, np.ndarray) or mask.dtype != bool or mask.ndim != 2 or mask.size == 0:
        came = f"{mask.dtype} of shape {mask.shape}" if isinstance(mask, np.ndarray) else type(mask).__name__
        raise SimsamError(f"the {what} is {came}: expected a bool array (H, W); threshold it first.")


def box_of(
    mask: np.ndarray, largest: bool = False, neighbours: Literal[4, 8] = 4
) -> tuple[int, int, int, int] | None:
    """The tight box (top, left, bottom, right) of a mask (H, W) bool, or None if the mask is empty.

    With `largest`, the box of the largest connected component (the first in reading order if two tie):
    pixels touch by their sides (4 `neighbours`: LOST's and TokenCut's protocol, and that of every CorLoc
    here) or by their corners as well (8: DSM's).
    """
    check_mask("mask", mask)
    if not mask.any():
        return None
    if largest:
        parts, count = ndimage.label(mask, ndimage.generate_binary_structure(2, neighbours // 4))
        mask = parts == 1 + np.argmax(np.bincount(parts.ravel(), minlength=count + 1)[1:])
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def read_mask(path: Path, image_path: Path) -> np.ndarray:
    """Object mask (H, W) bool of a black-and-white file.

    Gray levels above 127 are object (where annotators were averaged, more than half of them agree); a file of
    0 and 1 only, or with a palette, is object wherever it is not 0.
    """
    pixels, mode = _read(path, image_path, gray=True)
    top = pixels.max()
    if mode in ("1", "P") or top <= 1:
        return pixels > 0
    if top < 128:
        raise SimsamError(f"the mask {path} holds values up to {top}: expected 0 and 255, or 0 and 1.")
    return pixels > 127


def read_labels(path: Path, image_path: Path, classes: int, void: int = VOID) -> np.ndarray:
    """Label map (H, W) uint8, 0..classes-1 or 255, of a gray or palette file, whose `void` becomes 255."""
    labels, _ = _read(path, image_path, gray=False)
    labels = np.where(labels == void, VOID, labels).astype(np.uint8)
    known = labels[labels != VOID]
    if known.size and known.max() >= classes:
        raise SimsamError(
            f"the label map {path} holds {known.max()}: expected 0 to {classes - 1}, or {void} for void."
        )
    return labels


def read_foreground(path: Path, image_path: Path, classes: int) -> np.ndarray:
    """Object mask (H, W) bool of a label map: any class but background (0); void, for which there is
    `read_void`, is not object."""
    labels = read_labels(path, image_path, classes)
    return (labels > 0) & (labels != VOID)


def read_void(path: Path, image_path: Path, classes: int) -> np.ndarray:
    """Where a label map is void, (H, W) bool."""
    return read_labels(path, image_path, classes) == VOID


def largest_label(paths: list[Path]) -> int:
    """The largest label but 255 in any of the label maps (0 if there is none); reads them all.

    A file that is none counts for nothing, unless all are: who reads it later is told what is wrong with it.
    """
    found, why = [], None
    for path in paths:
        try:
            pixels, _ = _read(path, None, gray=False)
            found.append(int(pixels[pixels != VOID].max(initial=0)))
        except SimsamError as error:
            why = why or error
    if why is not None and not found:
        raise why
    return max(found, default=0)


def _read(path: Path, image_path: Path | None, gray: bool) -> tuple[np.ndarray, str]:
    """The file's numbers (H, W) uint8 (palette files: indices) and its mode; colours count only if `gray`."""

    def read(file: Image.Image) -> tuple[np.ndarray, str]:
        colored = gray and file.mode in ("LA", "RGB", "RGBA")
        return np.asarray(file.convert("L") if colored else file), file.mode

    pixels, mode = decode(path, f"the mask {path}", read)
    if mode != "1" and (pixels.ndim != 2 or pixels.dtype != np.uint8):
        kind = "a black-and-white image" if gray else "a gray or palette image of labels"
        raise SimsamError(f"the mask {path} has mode {mode}: expected {kind} with 8 bits a pixel.")
    if image_path is not None and pixels.shape != (shape := header_shape(image_path)):
        raise SimsamError(
            f"the mask {path} is {pixels.shape} but its image {shape} (height, width): expected one size; "
            "check that they belong together."
        )
    return pixels.astype(np.uint8), mode
