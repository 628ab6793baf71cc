"""Values of any depth become 8 bits: by the range their type states, or else by the one they show, told."""

from __future__ import annotations

import numpy as np

from simsam.errors import SimsamError, tell

BITS = (8, 10, 12, 16, 24, 32)  # depths that cameras, scanners and microscopes have
SEEN = 12  # of so many bits and fewer, 16 would show next to nothing


def to_uint8(array: np.ndarray, name: str) -> np.ndarray:
    """A uint8 copy of an array of uint8, uint16, bool or float in [0, 1]; `name` is what a sentence calls it.

    uint16 means 0 to 65535, unless 12 bits or fewer hold all its values: then it is read as 8, 10 or 12 bits,
    and `tell` says so. Raises `SimsamError` for other types, for NaN, and for floats beyond [0, 1].
    """
    if array.dtype == np.uint8:
        return array.copy()
    if array.dtype == bool:
        return array.astype(np.uint8) * 255
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:
        return _scale(array, 0, 2 ** _bits_of(array, name, 16) - 1)
    if array.dtype.kind == "f":
        _check_finite(array, name)
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


def file_to_uint8(values: np.ndarray, name: str, bits: int | None = None) -> np.ndarray:
    """A uint8 copy of the gray values (H, W) of a file: integers or floats of 16 or 32 bits.

    bits: how many the file says it has. Where it says 16 or 32, fewer may be meant: the range is that of the
    smallest usual depth that holds all values, or [0, 1] for floats, or from the least to the greatest where
    some are negative; what is guessed is said by `tell`. Raises `SimsamError` for NaN.
    """
    if bits is not None and bits < 16:
        return _scale(values, 0, 2**bits - 1)
    if values.dtype.kind == "f":
        _check_finite(values, name)
        if values.min() >= 0 and values.max() <= 1:
            return _scale(values, 0, 1)
    if values.dtype.kind == "u":
        return to_uint8(values, name)
    low, high = values.min(), values.max()
    if low < 0 or high >= 2**32:
        tell(f"{name} holds values from {low:g} to {high:g}, which were read as black to white.")
        return _scale(values, low, high)
    return _scale(values, 0, 2 ** _bits_of(values, name, 8 * values.dtype.itemsize) - 1)


def widen(pixels: np.ndarray, name: str) -> np.ndarray:
    """Colours (H, W, 3) uint8 that are the upper halves of 16 bits, made as bright as 12 bits are meant to
    be where they hold nothing brighter. (Pillow drops the lower halves: of fewer bits nothing is left.)"""
    high = int(pixels.max(initial=0))
    if not 0 < high < 16:
        return pixels
    tell(f"{name} has 16 bits a colour, all of them below 4096, and was read as one of 12 bits.")
    return pixels * np.uint8(17)


def _bits_of(values: np.ndarray, name: str, stated: int) -> int:
    """How many bits the values are meant to have; told where that is fewer than stated."""
    high = int(values.max())
    bits = next((bits for bits in BITS if high < 2**bits), stated)
    if stated <= 16 and (bits > SEEN or not (values % 257).any()):  # 257 * v: 8 bits made 16, however dark
        return stated
    if high and bits <= SEEN:  # black is black at any depth; 16 bits in 32 are what Pillow makes of 16
        tell(f"{name} holds values up to {high} in {stated} bits and was read as one of {bits} bits.")
    return bits


def _scale(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """`low` to 0, `high` to 255; float32 for 16 bits, which it holds exactly."""
    real = np.float32 if values.dtype.itemsize <= 2 else np.float64
    span = real(high) - real(low) or real(1)
    return np.rint((values.astype(real) - real(low)) * (real(255) / span)).astype(np.uint8)


def _check_finite(array: np.ndarray, name: str) -> None:
    if not np.isfinite(array).all():
        raise SimsamError(f"{name} holds NaN or infinite values, but floats in [0, 1] were expected.")
