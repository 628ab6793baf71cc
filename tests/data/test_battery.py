"""A battery of bad input, a line a kind: what comes in, and what its one sentence must say."""

from __future__ import annotations

import io
import os
import signal
import socket
import struct
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from simsam.data import decoding
from simsam.data.images import header_shape, load_image

PIXELS = np.random.default_rng(0).integers(0, 256, (64, 80, 3), dtype=np.uint8)
GRAY = np.zeros((40, 50), np.uint8)
POSIX = pytest.mark.skipif(os.name != "posix", reason="devices, pipes and links of POSIX")


def encoded(kind: str, pixels: np.ndarray = PIXELS, **options) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()


# --- paths: what makes the bad place in a folder, and gives its path ----------------------------------------


def link(name: str, to: str):
    def make(folder: Path) -> Path:
        (folder / name).symlink_to(folder / to)
        return folder / name

    return make


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.jpg")
    return folder / "pipe.jpg"


def listener(folder: Path) -> str:
    here = Path.cwd()
    os.chdir(folder)  # the path of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind("talk.png")
    finally:
        os.chdir(here)
    return str(folder / "talk.png")


def below_a_file(folder: Path) -> Path:
    (folder / "file").touch()
    return folder / "file" / "photo.png"


PATHS = {
    "missing": (lambda folder: folder / "photo.png", ["photo.png does not exist"]),
    "no name": (lambda _: "", ["an empty name"]),
    "spaces": (lambda folder: folder / "  ", ["does not exist"]),
    "folder": (lambda folder: folder, ["is a directory", "name a file in it"]),
    "NUL in the name": (lambda _: "a\0b.png", [r"a\x00b.png holds a NUL"]),
    "name too long": (lambda folder: folder / ("x" * 300), ["xxx", "cannot read"]),
    "path too long": (lambda folder: folder / ("x/" * 5000), ["x/x", "cannot read"]),
    "newline in the name": (lambda folder: folder / "a\nb.png", [r"a\nb.png does not exist"]),
    "escape in the name": (lambda folder: folder / "a\x1b[31m.png", [r"a\x1b[31m.png does not exist"]),
    "bytes that are no text": (lambda folder: folder / "a\udcff.png", [r"a\udcff.png does not exist"]),
    "http": (lambda _: "http://a.org//b/c.png", ["http://a.org//b/c.png is an address", "download"]),
    "https": (lambda _: "https://a.org/c.png", ["https://a.org/c.png is an address", "download"]),
    "a bucket": (lambda _: "s3://a/c.png", ["s3://a/c.png is an address", "download"]),
    "a file's address": (lambda _: "file:///c.png", ["file:///c.png is an address"]),
    "below a file": (below_a_file, ["photo.png", "cannot read"]),
    "a home of nobody": (
        lambda _: "~nobody-of-that-name/x.png",
        ["~nobody-of-that-name/x.png does not exist"],
    ),
}
SPECIAL = {
    "broken link": (link("photo.png", "nowhere"), ["photo.png does not exist"]),
    "link in a loop": (link("loop.png", "loop.png"), ["cannot read", "loop.png"]),
    "link to a folder": (link("photo.png", "."), ["photo.png is a directory"]),
    "pipe without a writer": (pipe, ["pipe.jpg is a pipe, a socket or a device"]),
    "socket": (listener, ["talk.png is a pipe, a socket or a device"]),
    "device without content": (lambda _: "/dev/null", ["/dev/null is a pipe, a socket or a device"]),
    "device without end": (lambda _: "/dev/zero", ["/dev/zero is a pipe, a socket or a device"]),
}


@pytest.fixture
def in_time():
    """A minute for what must not wait: on a machine of any speed nothing here takes a second of work."""
    if os.name != "posix" or threading.current_thread() is not threading.main_thread():
        yield
        return

    class WaitedError(BaseException):  # which nobody takes for a fault of the file
        pass

    def stop(*_):
        raise WaitedError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    ("make", "words"),
    [pytest.param(*case, id=name) for name, case in PATHS.items()]
    + [pytest.param(*case, id=name, marks=POSIX) for name, case in SPECIAL.items()],
)
@pytest.mark.parametrize("read", [load_image, header_shape])
def test_paths(tmp_path, make, words, read, refused, in_time):
    with refused(*words):
        read(make(tmp_path))


def test_no_permission(tmp_path, refused, monkeypatch):
    """As who may not read it is told, be he who runs the tests root or not."""
    path = tmp_path / "photo.png"
    path.write_bytes(encoded("PNG"))
    path.chmod(0)
    if os.access(path, os.R_OK):  # root
        monkeypatch.setattr(
            Image, "open", lambda _: (_ for _ in ()).throw(PermissionError(13, "Permission denied"))
        )
    with refused("cannot read", "photo.png", "ermission"):
        load_image(path)


# --- files: their bytes -------------------------------------------------------------------------------------


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int, height: int, bits: int = 8, color: int = 2, interlace: int = 0, pixels: bytes | None = b""
) -> bytes:
    """A PNG file that says what it likes of itself."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, interlace))
    data = b"" if pixels is None else chunk(b"IDAT", zlib.compress(pixels))
    return b"\x89PNG\r\n\x1a\n" + header + data + chunk(b"IEND", b"")


def with_bytes(good: bytes, at: int, new: bytes) -> bytes:
    return good[:at] + new + good[at + len(new) :]


def tiff(entries: dict[int, int]) -> bytes:
    """A little TIFF whose tags hold one number each."""
    rows = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(entries.items()))
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + rows + bytes(4) + bytes(3 * 20 * 20)


RAW = {256: 20, 257: 20, 258: 8, 259: 1, 262: 1, 277: 1, 278: 20, 279: 400}
PREVIEW = RAW | {254: 1, 273: 14 + 12 * 10, 330: 8}
JPEG = encoded("JPEG")
NOT_ONE = "is not an image that Pillow reads"
DAMAGED = "is damaged or truncated"
LARGE = "too many pixels"

FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is an empty file"),
    "one byte": (b"\x89", NOT_ONE),
    "text": (b"these are words, not pixels\n" * 20, NOT_ONE),
    "HTML": (b"<!DOCTYPE html><html><body>404 Not Found</body></html>", NOT_ONE),
    "JSON": (b'{"error": "no such photo"}', NOT_ONE),
    "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', NOT_ONE),
    "PDF": (b"%PDF-1.7\n1 0 obj\n<< >>\nendobj\n", NOT_ONE),
    "zip": (b"PK\x03\x04" + bytes(60), NOT_ONE),
    "gzip": (b"\x1f\x8b\x08" + bytes(60), NOT_ONE),
    "NumPy's": (b"\x93NUMPY\x01\0" + bytes(120), NOT_ONE),
    "pointer to a large file": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 3\n",
        NOT_ONE,
    ),
    "zeros": (bytes(4000), NOT_ONE),
    # film
    "MP4": (b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + bytes(60), NOT_ONE),
    "QuickTime": (b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + bytes(60), NOT_ONE),
    "AVI": (b"RIFF\0\1\0\0AVI LIST" + bytes(60), NOT_ONE),
    "Matroska": (b"\x1aE\xdf\xa3" + bytes(60), NOT_ONE),
    # cameras
    "CR2": (b"II*\0\x10\0\0\0CR\2\0" + bytes(60), NOT_ONE),
    "CR3": (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(60), NOT_ONE),
    "RAF": (b"FUJIFILMCCD-RAW 0201FF" + bytes(90), NOT_ONE),
    "ORF": (b"IIRO\x08\0\0\0" + bytes(60), NOT_ONE),
    "RW2": (b"IIU\0\x18\0\0\0" + bytes(60), NOT_ONE),
    "NEF or DNG with a preview": (tiff(PREVIEW), "a preview of 20 x 20 alone"),
    "JPEG XL": (b"\xff\x0a" + bytes(60), NOT_ONE),
    "EXR": (b"v/1\1" + bytes(60), NOT_ONE),
    "PSD of nothing": (
        b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 100, 100, 8, 3) + bytes(20),
        DAMAGED,
    ),
    # PNG
    "PNG, only its signature": (b"\x89PNG\r\n\x1a\n", NOT_ONE),
    "PNG, length of IHDR": (with_bytes(encoded("PNG"), 11, b"\x0c"), DAMAGED),
    "PNG, wrong checksum": (with_bytes(encoded("PNG"), 29, b"\0\0\0\0"), NOT_ONE),
    "PNG of 0 x 9": (png(9, 0), NOT_ONE),
    "PNG of 9 x 0": (png(0, 9), NOT_ONE),
    "PNG without pixels": (png(9, 9, pixels=None), DAMAGED),
    "PNG with too few pixels": (png(9, 9, pixels=bytes(50)), DAMAGED),
    "PNG of 3 bits": (png(9, 9, bits=3, pixels=bytes(300)), NOT_ONE),
    "PNG of no colour there is": (png(9, 9, color=5, pixels=bytes(300)), NOT_ONE),
    "PNG of 50000 x 50000": (png(50_000, 50_000), LARGE),
    "PNG as large as a number can be": (png(2**31 - 1, 2**31 - 1), LARGE),
    # the others' sizes
    "JPEG of 65535 x 65535": (with_bytes(JPEG, JPEG.index(b"\xff\xc0") + 5, b"\xff" * 4), LARGE),
    "JPEG of 0 x 0": (with_bytes(JPEG, JPEG.index(b"\xff\xc0") + 5, b"\0" * 4), ""),
    "JPEG without pixels": (b"\xff\xd8\xff\xd9", NOT_ONE),
    "BMP of 60000 x 60000": (with_bytes(encoded("BMP"), 18, struct.pack("<ii", 60_000, 60_000)), LARGE),
    "BMP of -5 x 9": (with_bytes(encoded("BMP"), 18, struct.pack("<ii", -5, 9)), LARGE),
    "GIF of 0 x 0": (b"GIF89a" + bytes(7) + b";", NOT_ONE),
    "GIF without a frame": (b"GIF89a\x0a\0\x0a\0\0\0\0;", NOT_ONE),
    "TIFF without a tag": (b"II*\0\x08\0\0\0\0\0\0\0\0\0", NOT_ONE),
    "TIFF that refers to itself": (b"II*\0\x08\0\0\0\0\0\x08\0\0\0", NOT_ONE),
    "TIFF of 0 x 20": (tiff(RAW | {256: 0, 273: 8}), ""),
    "PPM of 999999 x 999999": (b"P6\n999999 999999\n255\n", LARGE),
    "PPM of words": (b"P3\na b c\n", DAMAGED),
    "PFM of NaN": (b"Pf\n20 20\n-1.0\n" + np.full(400, np.nan, "<f4").tobytes(), "NaN"),
    "FITS of nothing": (b"SIMPLE  =                    T" + b" " * 3000, DAMAGED),
}
for how, rubbish in {"tiff_lzw": b"\xff" * 400, "tiff_adobe_deflate": bytes(400)}.items():
    FILES[f"TIFF, {how}, rubbish in it"] = (with_bytes(encoded("TIFF", compression=how), 100, rubbish), "")
for kind in ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "AVIF", "BMP", "JPEG2000", "TGA"):
    for part in (1, 12, 50, 95):
        whole = encoded(kind)
        FILES[f"{kind}, {part} % of it"] = (whole[: len(whole) * part // 100], "")


@pytest.mark.filterwarnings("ignore::UserWarning:PIL", "ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(("data", "words"), FILES.values(), ids=FILES)
def test_files(tmp_path, data, words, refused, in_time, capfd):
    path = tmp_path / "photo.jpg"  # whatever it is, that is what it is called
    path.write_bytes(data)
    for source, name in ((path, str(path)), (data, "image"), (io.BytesIO(data), "image")):
        with refused(f"{name} ", words):
            load_image(source)
    assert not capfd.readouterr().err  # libtiff, say, has words of its own


GOOD: dict[str, bytes] = {
    "a palette that is not there": png(64, 64, color=3, pixels=(b"\0" + b"\5" * 64) * 64),
    "a profile of rubbish": encoded("JPEG", icc_profile=b"rubbish" * 9),
    "EXIF of rubbish": encoded("JPEG", exif=b"Exif\0\0rubbish"),
    "bytes after its end": encoded("PNG") + b"and more",
    "one column": encoded("PNG", PIXELS[:, :1]),
    "one row": encoded("PNG", PIXELS[:1]),
}


@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD)
def test_odd_files_that_are_read(tmp_path, data):
    (tmp_path / "photo.bin").write_bytes(data)
    assert load_image(tmp_path / "photo.bin").shape == (*header_shape(tmp_path / "photo.bin"), 3)


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"hevc"])
def test_heic_without_the_extra(tmp_path, brand, refused, monkeypatch):
    monkeypatch.setattr(decoding, "reads_heic", lambda: False)
    (tmp_path / "photo.jpg").write_bytes(b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mif1heic" + bytes(60))
    with refused("photo.jpg is HEIC", "simsam[heic]"):
        load_image(tmp_path / "photo.jpg")


# --- values -------------------------------------------------------------------------------------------------

RGB = np.zeros((40, 50, 3))
MASKED = np.ma.masked_array(GRAY, mask=np.eye(40, 50, dtype=bool))
NESTED = torch.nested.nested_tensor([torch.zeros(3, 4), torch.zeros(5, 4)])

VALUES: dict[str, tuple[object, list[str]]] = {
    "a number": (np.array(5, np.uint8), ["()", "(H, W, 3)"]),
    "one axis": (np.zeros(7, np.uint8), ["(7,)"]),
    "a batch": (np.zeros((2, 8, 8, 3), np.uint8), ["(2, 8, 8, 3)", "a batch"]),
    "five axes": (np.zeros((1, 2, 8, 8, 3), np.uint8), ["(1, 2, 8, 8, 3)"]),
    "two channels": (np.zeros((8, 8, 2), np.uint8), ["(8, 8, 2)"]),
    "five channels": (np.zeros((8, 8, 5), np.uint8), ["(8, 8, 5)"]),
    "channels first": (np.zeros((3, 40, 50), np.uint8), ["(3, 40, 50)", "move the channels last"]),
    "no pixel": (np.zeros((0, 0, 3), np.uint8), ["(0, 0, 3)", "no pixel"]),
    "no column": (np.zeros((5, 0), np.uint8), ["(5, 0)", "no pixel"]),
    "NaN": (np.full((8, 8), np.nan), ["NaN"]),
    "infinity": (np.full((8, 8, 3), -np.inf), ["infinite"]),
    "negative": (RGB - 1, ["-1", "[0, 1]"]),
    "beyond 1": (RGB + 255, ["255", "[0, 1]"]),
    "half, beyond 1": (RGB.astype(np.float16) + 2, ["2", "[0, 1]"]),
    "complex": (RGB * 1j, ["complex128"]),
    "objects": (RGB.astype(object), ["object"]),
    "strings": (np.array([["a", "b"]]), ["<U1"]),
    "records": (np.zeros((8, 8), [("r", "u1"), ("g", "u1")]), ["dtype"]),
    "dates": (np.zeros((8, 8), "M8[s]"), ["datetime64"]),
    "int8": (RGB.astype(np.int8), ["int8", "uint8"]),
    "int16": (RGB.astype(np.int16), ["int16", "uint8"]),
    "int64": (RGB.astype(np.int64), ["int64", "uint8"]),
    "uint32": (RGB.astype(np.uint32), ["uint32", "uint8"]),
    "masked": (MASKED, ["40 masked values", "filled()"]),
    "a batch of tensors": (torch.zeros(2, 3, 8, 8), ["(2, 3, 8, 8)", "a batch"]),
    "tensor of one axis": (torch.zeros(5), ["(5,)"]),
    "tensor of five channels": (torch.zeros(5, 8, 8), ["(5, 8, 8)"]),
    "tensor beyond 1": (torch.zeros(3, 40, 50) + 2, ["2", "[0, 1]"]),
    "tensor with NaN": (torch.full((3, 40, 50), torch.nan), ["NaN"]),
    "tensor of int64": (torch.zeros(3, 40, 50, dtype=torch.int64), ["int64"]),
    "complex tensor": (torch.zeros(40, 50, dtype=torch.complex64), ["complex64"]),
    "sparse tensor": (torch.zeros(40, 50).to_sparse(), ["image tensor", "dense"]),
    "tensor without data": (torch.zeros(3, 40, 50, device="meta"), ["image tensor", "dense"]),
    "nested tensor": (NESTED, ["image tensor", "dense"]),
    "nothing": (None, ["NoneType"]),
    "a whole number": (7, ["int"]),
    "a truth": (True, ["bool"]),
    "a class": (Image.Image, ["type"]),
    "a dictionary": ({}, ["dict"]),
    "a generator": ((one for one in ()), ["generator"]),
    "a list": ([GRAY], ["list", "one image at a time"]),
    "PIL image of 0 x 5": (Image.new("RGB", (0, 5)), ["no pixel"]),
    "PIL image of infinity": (Image.new("F", (30, 30), np.inf), ["infinite"]),
    "PIL image of no colours": (Image.new("La", (30, 30)), ["mode La"]),
    "PIL image that is truncated": (Image.open(io.BytesIO(JPEG[:900])), [DAMAGED]),
    "no bytes": (b"", ["empty"]),
    "bytes of a path": (b"/tmp/photo.png", [NOT_ONE]),
    "bytearray of words": (bytearray(b"words"), [NOT_ONE]),
}


@pytest.mark.parametrize(("value", "words"), VALUES.values(), ids=VALUES)
def test_values(value, words, refused):
    with refused(*words):
        load_image(value)


GOOD_VALUES = {
    "every other pixel": PIXELS[::2, ::2],
    "upside down": PIXELS[::-1],
    "columns first": np.asfortranarray(PIXELS),
    "read only": np.broadcast_to(PIXELS[:1], PIXELS.shape),
    "a matrix": np.asmatrix(GRAY),
    "masked nowhere": np.ma.masked_array(GRAY, mask=False),
    "big-endian": PIXELS[..., 0].astype(">u2") * 257,
    "conjugate": torch.zeros(40, 50, 2).view(-1).view(torch.complex64).view(40, 50).conj().imag,
    "one pixel": GRAY[:1, :1],
    "bool": GRAY > 0,
}


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize("value", GOOD_VALUES.values(), ids=GOOD_VALUES)
def test_odd_values_that_are_read(value):
    pixels = load_image(value)
    plain = value.resolve_neg().numpy() if isinstance(value, torch.Tensor) else np.array(value)
    np.testing.assert_array_equal(pixels, load_image(plain.astype(plain.dtype.newbyteorder("="))))
    assert type(pixels) is np.ndarray
    assert pixels.dtype == np.uint8
    assert pixels.shape == (*value.shape[:2], 3)
    assert pixels.flags.writeable


# --- file objects -------------------------------------------------------------------------------------------


class Odd:
    """A file object of somebody else's."""

    def __init__(self, gives: object):
        self.gives = gives

    def read(self) -> object:
        if isinstance(self.gives, Exception):
            raise self.gives
        return self.gives


def closed(folder: Path) -> object:
    file = (folder / "photo.png").open("rb")
    file.close()
    return file


OBJECTS = {
    "closed": (closed, ["closed", "'rb'"]),
    "open as text": (lambda folder: (folder / "photo.png").open(encoding="latin-1"), ["text", "'rb'"]),
    "open as UTF-8": (lambda folder: (folder / "photo.png").open(encoding="utf-8"), ["'rb'"]),
    "open for writing": (lambda folder: (folder / "new.png").open("wb"), ["'rb'"]),
    "open for adding": (lambda folder: (folder / "new.png").open("ab"), ["'rb'"]),
    "of words": (lambda _: io.StringIO("words"), ["text", "'rb'"]),
    "of nothing": (lambda _: io.BytesIO(), ["empty"]),
    "that raises": (lambda _: Odd(RuntimeError("the line\nis dead")), ["the line is dead"]),
    "that gives text": (lambda _: Odd("words"), ["text"]),
    "that gives nothing": (lambda _: Odd(None), ["NoneType"]),
}


@pytest.mark.parametrize(("make", "words"), OBJECTS.values(), ids=OBJECTS)
def test_file_objects(tmp_path, make, words, refused):
    (tmp_path / "photo.png").write_bytes(encoded("PNG"))
    file = make(tmp_path)
    with refused(*words):
        load_image(file)
    if hasattr(file, "close"):
        file.close()
