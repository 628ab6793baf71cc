"""HEIC, as phones write it: read with the extra, whatever way it comes, and damaged ones are called so."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest

from simsam.data import decoding
from simsam.data.images import header_shape, load_image
from simsam.data.listing import list_images, skipped

pytest.importorskip("pi_heif", reason="HEIC needs the extra: pip install 'simsam[heic]'")

ROWS, COLUMNS = np.mgrid[:48, :72]
PICTURE = np.stack([3 * COLUMNS, 5 * ROWS, 128 + ROWS - COLUMNS], -1).astype(np.uint8)
# that picture, made with pillow-heif (quality 60); the second says that the camera was turned (EXIF 6)
PLAIN = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA"
    "ACJpbG9jAAAAAERAAAEAAQAAAAABoQABAAAAAAAAALcAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRt"
    "AAAAAAABAAAA/WlwcnAAAADdaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMA"
    "AAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCSBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwYkAAAATY29scm5j"
    "bHgAAQANAAaAAAAAFGlzcGUAAAAAAAAASAAAAEAAAAAoY2xhcAAAAEgAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAAEHBp"
    "eGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAAAL9tZGF0AAAAsygBrwnR7UA+DpueThB0sMYtPsF+gGwBfGVYotTA"
    "6LPd8F4z3IexdZyRdt0GCD2n4fuKyG1g2SHQRf1R672gBZ/SOojbzARNNNSYB5m0R6CQc0MAQZrhkrU6ZOgj9zYeVRLwkDXphpMZ"
    "sk9SYVUaBjLbm3Ww5hfiYGj6TVlbyBhmSk7t3v6kAOm2vxsp6E6+C+78ssuv2Z2qv72Kg5XYrcYpN71Fq9QQtubpWSpy+8j3T2/w"
)
TURNED = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAchtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA"
    "ADRpbG9jAAAAAERAAAIAAQAAAAAB7AABAAAAAAAAALcAAgAAAAACowABAAAAAAAAACQAAAA4aWluZgAAAAAAAgAAABVpbmZlAgAA"
    "AAABAABodmMxAAAAABVpbmZlAgAAAQACAABFeGlmAAAAAA5waXRtAAAAAAABAAABB2lwcnAAAADmaXBjbwAAAHZodmNDAQNwAAAA"
    "kAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCSBBZbq"
    "5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwYkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAASAAAAEAAAAAoY2xh"
    "cAAAAEgAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAAEHBpeGkAAAAAAwgICAAAAAlpcm90AwAAABlpcG1hAAAAAAAAAAEA"
    "AQaBAgMFhIYAAAAaaXJlZgAAAAAAAAAOY2RzYwACAAEAAQAAAONtZGF0AAAAsygBrwnR7UA+DpueThB0sMYtPsF+gGwBfGVYotTA"
    "6LPd8F4z3IexdZyRdt0GCD2n4fuKyG1g2SHQRf1R672gBZ/SOojbzARNNNSYB5m0R6CQc0MAQZrhkrU6ZOgj9zYeVRLwkDXphpMZ"
    "sk9SYVUaBjLbm3Ww5hfiYGj6TVlbyBhmSk7t3v6kAOm2vxsp6E6+C+78ssuv2Z2qv72Kg5XYrcYpN71Fq9QQtubpWSpy+8j3T2/w"
    "AAAABkV4aWYAAE1NACoAAAAIAAEBEgADAAAAAQAGAAAAAAAA"
)


@pytest.mark.parametrize(("data", "turns"), [(PLAIN, 0), (TURNED, -1)], ids=["plain", "turned"])
def test_it_is_read_as_a_viewer_shows_it(tmp_path, data, turns):
    path, expected = tmp_path / "photo.heic", np.rot90(PICTURE, turns)
    path.write_bytes(data)
    for source in (path, data, io.BytesIO(data)):
        np.testing.assert_allclose(load_image(source).astype(int), expected, atol=12)
    assert header_shape(path) == expected.shape[:2]


def test_it_is_a_photo_of_a_folder(tmp_path):
    for name in ("a.heic", "b.HEIC", "c.heif"):
        (tmp_path / name).write_bytes(PLAIN)
    assert decoding.reads_heic()
    assert list_images(tmp_path) == [tmp_path / name for name in ("a.heic", "b.HEIC", "c.heif")]
    assert not skipped(tmp_path)


@pytest.mark.parametrize("length", [30, 300, 595])
def test_a_damaged_one_is_called_damaged(tmp_path, length, refused):
    path = Path(tmp_path, "photo.heic")
    path.write_bytes(PLAIN[:length])
    with refused("photo.heic is damaged or truncated"):
        load_image(path)
