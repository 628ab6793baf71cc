"""Images of every mode, dtype and kind of damage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from simsam.data.images import load_image

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)
RGB = np.array([[RED, GREEN, BLUE], [WHITE, BLACK, (10, 20, 30)]], np.uint8)  # (2, 3, 3)
GRAY = np.array([[0, 100, 200], [255, 1, 128]], np.uint8)
GRAY_RGB = np.repeat(GRAY[..., None], 3, axis=2)


def rgba() -> np.ndarray:
    """RGB, of which the second row is transparent, half transparent, opaque."""
    alpha = np.array([[255, 255, 255], [0, 128, 255]], np.uint8)
    return np.dstack([RGB, alpha])


ON_WHITE = RGB.copy()
ON_WHITE[1, 0], ON_WHITE[1, 1] = 255, round(255 * (1 - 128 / 255))


@pytest.mark.parametrize("kind", [str, "path", "pillow", "array"])
def test_rgb_comes_back_as_it_is(tmp_path, kind):
    file = tmp_path / "photo.png"
    Image.fromarray(RGB).save(file)
    source = {str: str(file), "path": file, "pillow": Image.open(file), "array": RGB}[kind]
    pixels = load_image(source)
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, RGB)
    pixels[:] = 7  # a fresh array: the caller may write to it
    np.testing.assert_array_equal(load_image(source), RGB)


IN_FILES = ["L", "1", "P", "CMYK", "RGBA", "LA", "I;16", "RGBX", "YCbCr"]


@pytest.mark.parametrize(
    ("mode", "file"),
    [(mode, False) for mode in (*IN_FILES, "I", "HSV")] + [(mode, True) for mode in IN_FILES],
)
def test_every_mode_of_pillow(tmp_path, mode, file):
    gray, expected, close = Image.fromarray(GRAY), GRAY_RGB, 0
    if mode == "1":
        image = gray.point(lambda value: 255 * (value > 99), mode="1")
        expected = np.where(GRAY_RGB > 99, 255, 0)
    elif mode == "RGBA":
        image, expected, close = Image.fromarray(rgba()), ON_WHITE, 1
    elif mode in ("I;16", "I"):
        image = Image.fromarray(GRAY.astype(np.uint16) * 257).convert(mode)
    elif mode in ("P", "CMYK", "RGBX", "HSV", "YCbCr"):
        image = Image.fromarray(RGB).convert(mode, palette=Image.Palette.ADAPTIVE)
        expected, close = RGB, 2
    else:
        image = gray.convert(mode)
    assert image.mode == mode
    if file:
        path = tmp_path / ("image.tif" if mode in ("CMYK", "RGBX", "YCbCr") else "image.png")
        image.save(path)
        image = path
    np.testing.assert_allclose(load_image(image).astype(int), expected, atol=close)


def test_transparency_shows_white(tmp_path):
    for mode in ("RGBA", "PA", "P"):
        image = Image.fromarray(rgba())
        if mode == "PA":
            image = image.convert("PA")
        if mode == "P":  # a palette with one transparent colour, as in GIF and PNG
            image = Image.fromarray(RGB).convert("P", palette=Image.Palette.ADAPTIVE)
            image.info["transparency"] = image.getpixel((0, 0))
        pixels = load_image(image)
        where = (0, 0) if mode == "P" else (1, 0)
        np.testing.assert_array_equal(pixels[where], WHITE, err_msg=mode)
    image = Image.fromarray(RGB)
    image.save(tmp_path / "keyed.png", transparency=RED)  # a colour key
    np.testing.assert_array_equal(load_image(tmp_path / "keyed.png")[0, 0], WHITE)
    np.testing.assert_array_equal(load_image(tmp_path / "keyed.png")[0, 1], GREEN)


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    deep = np.array([[0, 257, 32896, 65535]], np.uint16)
    expected = np.repeat(np.array([[0, 1, 128, 255]])[..., None], 3, axis=2)
    np.testing.assert_array_equal(load_image(deep), expected)
    np.testing.assert_array_equal(load_image(deep.astype(">u2")), expected)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    Image.fromarray(deep).save(tmp_path / "deep.tif")
    np.testing.assert_array_equal(load_image(tmp_path / "deep.png"), expected)
    np.testing.assert_array_equal(load_image(tmp_path / "deep.tif"), expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path, orientation):
    # What a viewer does for each value of tag 0x0112, on a picture whose corners all differ.
    stored = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
    shown = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.T,
        6: np.rot90(stored, -1),
        7: stored[::-1, ::-1].T,
        8: np.rot90(stored, 1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(load_image(tmp_path / "turned.png")[..., 0], shown)


@given(arrays(np.uint8, st.tuples(st.integers(1, 5), st.integers(1, 5), st.sampled_from([1, 3, 4]))))
def test_dtypes_agree(pixels):
    expected = load_image(pixels)
    assert expected.shape == (*pixels.shape[:2], 3)
    np.testing.assert_array_equal(load_image(pixels.astype(np.uint16) * 257), expected)
    for dtype in (np.float16, np.float32, np.float64):
        np.testing.assert_array_equal(load_image((pixels / 255).astype(dtype)), expected)
    if pixels.shape[2] == 1:
        np.testing.assert_array_equal(load_image(pixels[..., 0]), expected)
    if pixels.shape[2] == 4:
        assert np.abs(load_image(Image.fromarray(pixels)).astype(int) - expected).max() <= 1


def test_bool_is_black_and_white():
    np.testing.assert_array_equal(load_image(GRAY > 99), np.where(GRAY_RGB > 99, 255, 0))


def test_one_pixel():
    assert load_image(np.zeros((1, 1), np.uint8)).shape == (1, 1, 3)


FLOATS = np.full((4, 4, 3), 0.5)


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        (np.zeros((0, 5, 3), np.uint8), ["(0, 5, 3)", "no pixel"]),
        (np.where(np.eye(4), np.nan, 0), ["NaN"]),
        (np.full((4, 4), np.inf), ["infinite"]),
        (FLOATS * 300, ["150", "[0, 1]"]),
        (FLOATS - 1, ["-0.5", "[0, 1]"]),
        (np.zeros((4, 4, 3), np.int64), ["int64", "uint8"]),
        (np.zeros((4, 4), object), ["object"]),
        (np.zeros((4, 4), complex), ["complex128"]),
        (np.zeros((4, 4, 2), np.uint8), ["(4, 4, 2)", "(H, W, 3)"]),
        (np.zeros((3, 40, 50), np.uint8), ["(3, 40, 50)", "channels last"]),
        (np.zeros(7, np.uint8), ["(7,)"]),
        (np.zeros((2, 4, 4, 3), np.uint8), ["batch", "pass one"]),
        ([np.zeros((4, 4), np.uint8)], ["list", "one image at a time"]),
        (None, ["NoneType"]),
        (7, ["int"]),
        (Image.new("RGB", (0, 4)), ["no pixel"]),
        (Image.new("F", (2, 2), float("nan")), ["NaN"]),
        (Image.new("La", (2, 2)), ["mode La"]),
    ],
)
def test_bad_values_are_refused(source, parts, refused):
    with refused(*parts):
        load_image(source)


def damaged(folder, kind):
    """A file or folder that is no image."""
    path = folder / "photo.png"
    if kind == "directory":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("these are words\n" * 50)
    elif kind == "truncated JPEG":
        path = folder / "photo.jpg"
        noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(noise).save(path)
        path.write_bytes(path.read_bytes()[:2000])
    elif kind == "truncated PNG":
        noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(noise).save(path)
        path.write_bytes(path.read_bytes()[:2000])
    elif kind == "below a file":
        path.touch()
        path = path / "photo.png"
    elif kind == "name too long":
        path = folder / ("a" * 300 + ".png")
    return path


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("missing", "does not exist"),
        ("directory", "directory"),
        ("empty", "empty"),
        ("text", "not an image"),
        ("truncated JPEG", "truncated"),
        ("truncated PNG", "truncated"),
        ("below a file", "photo.png"),
        ("name too long", "aaa"),
    ],
)
def test_bad_files_are_refused_by_name(tmp_path, kind, part, refused):
    path = damaged(tmp_path, kind)
    with refused(str(path), part):
        load_image(path)


def test_decompression_bomb_is_refused(tmp_path, monkeypatch, refused):
    Image.fromarray(RGB).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2)
    with refused("bomb.png", "too many pixels"):
        load_image(tmp_path / "bomb.png")
