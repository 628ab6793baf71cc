"""One picture in every format and layout that people have: what is read is that picture."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from simsam.data.images import header_shape, load_image

# smooth, so that a format that loses something loses little
ROWS, COLUMNS = np.mgrid[0:60, 0:90]
PICTURE = np.stack([2 * COLUMNS, 3 * ROWS, 128 + ROWS - COLUMNS], -1).astype(np.uint8)


def saved(kind: str, image: Image.Image | None = None, **options) -> bytes:
    out = io.BytesIO()
    (image or Image.fromarray(PICTURE)).save(out, kind, **options)
    return out.getvalue()


def pages(kind: str) -> bytes:
    others = [Image.fromarray(255 - PICTURE), Image.fromarray(PICTURE[::-1])]
    return saved(kind, save_all=True, append_images=others)


def tiff(planes: np.ndarray, bits: int, planar: int) -> bytes:
    """An uncompressed TIFF as Pillow does not write it: deep, or a plane after the other."""
    data = [plane.tobytes() for plane in planes] if planar == 2 else [planes.tobytes()]
    height, width = PICTURE.shape[:2]
    start = 8
    offsets = [start + sum(map(len, data[:i])) for i in range(len(data))]
    after = start + sum(map(len, data))
    arrays = {258: ("<3H", (bits,) * 3)}
    arrays |= {273: (f"<{len(data)}I", offsets), 279: (f"<{len(data)}I", [len(one) for one in data])}
    single = {256: width, 257: height, 259: 1, 262: 2, 277: 3, 278: height, 284: planar}
    extra, entries = b"", []
    for tag in sorted([*arrays, *single]):
        if tag in single:
            entries.append(struct.pack("<HHII", tag, 4, 1, single[tag]))
            continue
        form, values = arrays[tag]
        kind, packed = (3 if form.endswith("H") else 4), struct.pack(form, *values)
        if len(packed) > 4:
            value, extra = struct.pack("<I", after + len(extra)), extra + packed
        else:
            value = packed.ljust(4, b"\0")
        entries.append(struct.pack("<HHI", tag, kind, len(values)) + value)
    directory = after + len(extra)
    head = b"II*\0" + struct.pack("<I", directory)
    return head + b"".join(data) + extra + struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)


def lab() -> bytes:
    transform = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
    )
    return saved("TIFF", ImageCms.applyTransform(Image.fromarray(PICTURE), transform))


def palette() -> Image.Image:
    return Image.fromarray(PICTURE).quantize(256)


DEEP = PICTURE.astype("<u2") * 257

# what it is -> its bytes, and how far a value may be from the picture's
FORMATS: dict[str, tuple[bytes, int]] = {
    "PNG": (saved("PNG"), 0),
    "PNG, a palette": (saved("PNG", palette()), 24),
    "JPEG": (saved("JPEG", quality=95), 12),
    "JPEG, progressive": (saved("JPEG", quality=95, progressive=True), 12),
    "JPEG, CMYK": (saved("JPEG", Image.fromarray(PICTURE).convert("CMYK"), quality=95), 12),
    "WebP": (saved("WEBP", quality=95), 24),
    "WebP, lossless": (saved("WEBP", lossless=True), 0),
    "WebP, moving": (
        saved("WEBP", save_all=True, append_images=[palette().convert("RGB")], lossless=True),
        0,
    ),
    "AVIF": (saved("AVIF", quality=95), 24),
    "JPEG 2000": (saved("JPEG2000"), 0),
    "GIF": (saved("GIF"), 24),
    "GIF, moving": (pages("GIF"), 24),
    "BMP": (saved("BMP"), 0),
    "TGA": (saved("TGA"), 0),
    "PPM": (saved("PPM"), 0),
    "TIFF": (saved("TIFF"), 0),
    "TIFF, LZW": (saved("TIFF", compression="tiff_lzw"), 0),
    "TIFF, deflate": (saved("TIFF", compression="tiff_adobe_deflate"), 0),
    "TIFF, CMYK": (saved("TIFF", Image.fromarray(PICTURE).convert("CMYK")), 0),
    "TIFF, a palette": (saved("TIFF", palette()), 24),
    "TIFF, LAB": (lab(), 32),  # the edges of what sRGB can show
    "TIFF, many pages": (pages("TIFF"), 0),
    "TIFF, a plane after the other": (tiff(np.moveaxis(PICTURE, -1, 0), 8, 2), 0),
    "TIFF, 16 bits a colour": (tiff(DEEP, 16, 1), 0),
}


@pytest.mark.parametrize(("data", "close"), FORMATS.values(), ids=FORMATS)
def test_the_first_picture_of_every_format(tmp_path, data, close):
    path = tmp_path / "photo"
    path.write_bytes(data)
    for source in (path, data):
        np.testing.assert_allclose(load_image(source).astype(int), PICTURE, atol=close)
    assert header_shape(path) == PICTURE.shape[:2]


@pytest.mark.parametrize("orientation", [3, 6, 8])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_turned_camera_in_every_format_that_says_so(tmp_path, kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    turns = {3: 2, 6: -1, 8: 1}[orientation]  # what a viewer does
    data = saved(kind, exif=exif, **({"quality": 95} if kind == "JPEG" else {}))
    (tmp_path / "photo").write_bytes(data)
    expected = np.rot90(PICTURE, turns)
    np.testing.assert_allclose(load_image(data).astype(int), expected, atol=30)
    assert header_shape(tmp_path / "photo") == expected.shape[:2]
