"""More than 8 bits: by the range that is stated, or by the one that the values show, and then it is told."""

from __future__ import annotations

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from simsam.data.images import load_image
from simsam.errors import SimsamWarning, collect

GRAY = np.array([[0, 100, 200], [255, 1, 128]], np.uint8)
LEVELS = GRAY / 255  # what each of the pictures below shows


def read(source) -> tuple[np.ndarray, list[str]]:
    """One channel, and what was told."""
    with warnings.catch_warnings(action="error"), collect() as told:
        pixels = load_image(source)
    assert (pixels == pixels[..., :1]).all()
    return pixels[..., 0], told


def saved(values: np.ndarray, path):
    Image.fromarray(values).save(path)
    return path


def deep_png(values: np.ndarray) -> bytes:
    """A 16-bit PNG of colours (H, W, 3) uint16, which Pillow cannot write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def levels(bits: int) -> np.ndarray:
    return np.rint(LEVELS * (2**bits - 1)).astype(np.uint16)


KINDS = {
    "array": lambda values, _: values,
    "png": lambda values, home: saved(values, home / "a.png"),
    "tiff": lambda values, home: saved(values, home / "a.tif"),
    "int32 tiff": lambda values, home: saved(values.astype(np.int32), home / "a.tif"),
    "mode I": lambda values, _: Image.fromarray(values.astype(np.int32)),
    "float tiff": lambda values, home: saved(values.astype(np.float32), home / "a.tif"),
}


@pytest.mark.parametrize("bits", [8, 10, 12])
@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_few_bits_in_a_deep_type_are_seen_and_told(tmp_path, make, bits):
    values = levels(bits)
    pixels, told = read(make(values, tmp_path))
    np.testing.assert_allclose(pixels.astype(int), GRAY, atol=1)
    assert len(told) == 1
    assert f"of {bits} bits." in told[0]
    assert str(values.max()) in told[0]


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_the_full_range_needs_no_word(tmp_path, make):
    pixels, told = read(make(levels(16), tmp_path))
    np.testing.assert_array_equal(pixels, GRAY)
    assert not told


def test_floats_from_0_to_1_need_no_word(tmp_path):
    pixels, told = read(saved(LEVELS.astype(np.float32), tmp_path / "a.tif"))
    np.testing.assert_array_equal(pixels, GRAY)
    assert not told


@pytest.mark.parametrize("dark", [0, 1, 9])
def test_eight_bits_made_sixteen_stay_dark(dark):
    """v * 257 is what programs write; black is black at any depth."""
    pixels, told = read(np.array([[0, dark]], np.uint16) * 257)
    assert pixels.tolist() == [[0, dark]]
    assert not told


@pytest.mark.parametrize("high", [0x800, 0xFFF])
def test_twelve_bits_that_a_tiff_states(high):
    """No guess: its tag says so."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in {256: 2, 257: 1, 258: 12, 259: 1, 262: 1, 273: 0, 277: 1, 278: 1, 279: 3}.items():
        tags[tag] = value
    packed = bytes([0x80, 0x00 | high >> 8, high & 0xFF])  # 0x800 and `high`
    out = io.BytesIO()
    out.write(b"II*\0" + (8).to_bytes(4, "little"))
    tags.save(out)  # which adds to tag 273, where the pixels are, where it ends
    out.write(packed)
    pixels, told = read(out.getvalue())
    assert pixels.tolist() == [[128, 128 if high == 0x800 else 255]]
    assert not told


def test_negative_values_are_read_as_black_to_white(tmp_path):
    pixels, told = read(saved(np.array([[-50, -10, 50]], np.int32), tmp_path / "height.tif"))
    assert pixels.tolist() == [[0, 102, 255]]
    assert "from -50 to 50" in told[0]


def test_twelve_bits_in_a_colour_png():
    """Pillow drops the lower halves, and with them most of a picture of 12 bits: what is left is shown."""
    values = np.repeat(levels(12)[..., None], 3, axis=2)
    pixels, told = read(deep_png(values))
    np.testing.assert_allclose(pixels.astype(int), GRAY, atol=17)
    assert "12 bits" in told[0]
    pixels, told = read(deep_png(values * 16))
    np.testing.assert_allclose(pixels.astype(int), GRAY, atol=1)
    assert not told


def test_without_a_collector_it_is_one_warning():
    with pytest.warns(SimsamWarning, match="8 bits") as found:
        load_image(GRAY.astype(np.uint16))
    assert len(found) == 1
