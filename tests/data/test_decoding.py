"""Whatever a decoder raises is that file's sentence, and a good file is read whatever comes with it."""

from __future__ import annotations

import io
import struct
import sys

import numpy as np
import pytest
import torch
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from simsam.data import decoding
from simsam.data.images import header_shape, load_image
from simsam.errors import SimsamError

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def encoded(kind: str, **options) -> bytes:
    out = io.BytesIO()
    Image.fromarray(PIXELS).save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no"),
        RuntimeError("two\nlines"),
        SyntaxError("no PNG."),
        Image.DecompressionBombError("exceeds limit"),
        struct.error("unpack"),
        EOFError(),
        MemoryError(),
        IndexError("list"),
        KeyError("a tag"),
        OverflowError("large"),
        ZeroDivisionError("division"),
        RecursionError("deep"),
        UnidentifiedImageError("cannot identify"),
        OSError("broken data stream"),
        PermissionError(13, "Permission denied"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_is_raised_is_one_sentence_with_the_name(tmp_path, error, refused):
    path = tmp_path / "photo.png"
    path.write_bytes(encoded("PNG"))

    def fail(image):
        raise error

    for source in (path, path.read_bytes()):
        with refused("photo.png"):
            decoding.decode(source, "photo.png", fail)


def test_a_damaged_header(tmp_path, refused):
    data = bytearray(encoded("PNG"))
    data[11] = 12  # the length of IHDR, which Pillow answers with a ValueError
    (tmp_path / "bad.png").write_bytes(data)
    for read in (load_image, header_shape):
        with refused("bad.png", "damaged"):
            read(tmp_path / "bad.png")


@pytest.mark.parametrize("after", [False, True], ids=["before the pixels", "after the pixels"])
@pytest.mark.parametrize("how", ["zTXt", "iTXt"])
def test_a_long_note_is_no_reason_to_refuse_a_photo(tmp_path, how, after):
    note = PngImagePlugin.PngInfo()
    add = note.add_text if how == "zTXt" else note.add_itxt
    add("note", "a" * 2_000_000, zip=True)
    data = encoded("PNG", pnginfo=note)
    if after:  # the note behind IDAT
        plain, start = encoded("PNG"), data.index(how.encode()) - 4
        (length,) = struct.unpack_from(">I", data, start)
        end = plain.index(b"IEND") - 4
        data = plain[:end] + data[start : start + 12 + length] + plain[end:]
    path = tmp_path / "big.png"
    path.write_bytes(data)
    with pytest.raises(ValueError, match="too large"):  # Pillow alone
        Image.open(path).load()
    np.testing.assert_array_equal(load_image(path), PIXELS)
    np.testing.assert_array_equal(load_image(data), PIXELS)
    assert header_shape(path) == (20, 30)


KINDS = ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "JPEG2000", "PPM", "TGA"]


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("kind", KINDS)
def test_a_hundred_corruptions_of_each_kind(kind):
    """Read, or refused in one sentence: nothing else is raised."""
    data, rng = encoded(kind), np.random.default_rng(7)
    for _ in range(100):
        bad = bytearray(data)
        for at in rng.integers(0, len(bad), rng.integers(1, 6)):
            bad[at] = rng.integers(0, 256)
        bad = bad[: rng.integers(1, len(bad) + 1)] if rng.random() < 0.3 else bad
        why = "image is read."
        try:
            load_image(bytes(bad))
        except SimsamError as error:
            why = str(error)
        assert why.startswith("image ")
        assert why.endswith(".")
        assert "\n" not in why


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 40


def test_heic_is_named_with_what_reads_it(tmp_path, refused, monkeypatch):
    monkeypatch.setattr(decoding, "reads_heic", lambda: False)
    (tmp_path / "photo.heic").write_bytes(HEIC)
    with refused("photo.heic is HEIC", "simsam[heic]", "JPEG"):
        load_image(tmp_path / "photo.heic")


SOURCES = {
    "bytes": lambda data: data,
    "bytearray": bytearray,
    "memoryview": memoryview,
    "BytesIO": io.BytesIO,
    "channels first": lambda _: torch.from_numpy(PIXELS).permute(2, 0, 1),
    "channels last": lambda _: torch.from_numpy(PIXELS),
    "float tensor": lambda _: torch.from_numpy(PIXELS).permute(2, 0, 1) / 255,
    "float64 tensor that learns": lambda _: (torch.from_numpy(PIXELS).double() / 255).requires_grad_(),
}


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_sources_of_every_kind(make):
    np.testing.assert_array_equal(load_image(make(encoded("PNG"))), PIXELS)


def test_a_file_object_is_read_from_its_start_and_stays_open(tmp_path):
    (tmp_path / "photo.png").write_bytes(encoded("PNG"))
    with (tmp_path / "photo.png").open("rb") as file:
        file.read(10)
        for _ in range(2):
            np.testing.assert_array_equal(load_image(file), PIXELS)


def test_a_stream_that_cannot_go_back():
    class Stream:  # as urllib's answers are
        def __init__(self):
            self.data = io.BytesIO(encoded("PNG"))

        def read(self, count=-1):
            return self.data.read(count)

    np.testing.assert_array_equal(load_image(Stream()), PIXELS)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (b"", ["empty"]),
        (b"words", ["not an image"]),
        (io.StringIO("words"), ["text", "'rb'"]),
        (torch.zeros(2, 3, 8, 8), ["(2, 3, 8, 8)", "batch"]),
        (torch.zeros(8, 8, 3) + 7, ["7", "[0, 1]"]),
        (torch.zeros(5, 8, 8), ["(5, 8, 8)"]),
        (sys, ["module"]),
        ("https://example.org/photo.jpg", ["https://example.org/photo.jpg is an address"]),
        ("bad\0name.png", ["bad"]),
    ],
    ids=["no bytes", "words", "text file", "batch", "bright", "channels", "module", "address", "null"],
)
def test_sources_that_are_none(source, words, refused):
    with refused(*words):
        load_image(source)


def test_closed_files_are_refused(refused):
    file = io.BytesIO(encoded("PNG"))
    file.close()
    with refused("cannot be read", "'rb'"):
        load_image(file)
