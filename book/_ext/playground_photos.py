"""The playground's prepared photos: picture, truth and tokens of each, as a script that a page can load.

From `file://` a page may load scripts and nothing else, so a photo is a script that hands over an object:
tokens as whole numbers of 8 bits with one scale a channel, in base64; the truth as runs. The page's
`features.js` decodes them.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from simsam.data import load_cutouts
from simsam.errors import SimsamError

if TYPE_CHECKING:
    from simsam.features import Features
    from simsam.weights import Backbone

SIZE = 392  # long side in pixels as the network sees it: 28 patches of 14
SHOWN = 480  # long side in pixels, at most, of the picture and the mask


@dataclass(frozen=True)
class Photo:
    """What is known of a photo before it is prepared. `read`: image (H, W, 3) uint8, truth (H, W) bool or
    None."""

    name: str
    title: str
    alt: str
    read: Callable[[], tuple[np.ndarray, np.ndarray | None]]


def _scikit(name: str) -> Callable[[], tuple[np.ndarray, None]]:
    def read() -> tuple[np.ndarray, None]:
        from skimage import data

        return getattr(data, name)(), None

    return read


def _cutout(name: str) -> Callable[[], tuple[np.ndarray, np.ndarray]]:
    def read() -> tuple[np.ndarray, np.ndarray]:
        found = next(cutout for cutout in load_cutouts() if cutout.id == name)
        return found.image, found.mask

    return read


PHOTOS = (
    Photo("cat", "A cat", "The face of a tabby cat, close, looking at the camera.", _scikit("cat")),
    Photo(
        "coffee",
        "A cup of coffee",
        "A cup of espresso on a saucer with a spoon, on a wooden table.",
        _scikit("coffee"),
    ),
    Photo(
        "astronaut",
        "An astronaut",
        "A smiling astronaut in an orange suit before a flag and a model of a space shuttle.",
        _scikit("astronaut"),
    ),
    Photo(
        "pelican",
        "A pelican (composed)",
        "A white pelican with black wing tips flies before a grey sky.",
        _cutout("003_bird"),
    ),
    Photo(
        "zebra",
        "A zebra (composed)",
        "A zebra stands in high dry grass under a blue sky.",
        _cutout("010_hoofed"),
    ),
    Photo(
        "lark",
        "A lark and a flower (composed)",
        "A brown lark stands beside a large pink flower, before a plain green background.",
        _cutout("053_bird_flower"),
    ),
)


def prepared(photo: Photo, backbone: Backbone) -> dict[str, object]:
    """All that the page gets of a photo: what `addPhoto` of engine.js takes, the arrays as text.

    No keys where the backbone has none (features by hand)."""
    image, truth = _shown(*photo.read())
    output, keys = _read(image, backbone)
    attention = output.attention
    return {
        "title": photo.title,
        "alt": photo.alt,
        "picture": _data_url(image),
        "grid": list(output.grid),
        "shape": list(image.shape[:2]),
        "truth": None if truth is None else runs(truth),
        "attention": None if attention is None else _base64(attention.cpu().numpy().astype("<f4")),
        "output": quantized(output.tokens.cpu().numpy()),
        "keys": None if keys is None else quantized(keys.tokens.cpu().numpy()),
    }


def _read(image: np.ndarray, backbone: Backbone) -> tuple[Features, Features | None]:
    """The output tokens and the keys of the last block, by one forward pass."""
    from simsam.features import extract_all  # late: a build that finds all photos made needs no torch

    output, keys = ("output", -1), ("keys", -1)
    try:
        found = extract_all([image], backbone, [output, keys], SIZE)
    except SimsamError:
        found = extract_all([image], backbone, [output], SIZE)
    return found[output][0], found[keys][0] if keys in found else None


def _shown(image: np.ndarray, truth: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """A photo and its truth, reduced to `SHOWN` pixels where they are larger."""
    H, W = image.shape[:2]
    scale = SHOWN / max(H, W)
    if scale >= 1:
        return image, truth
    size = round(W * scale), round(H * scale)
    small = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
    if truth is not None:
        truth = np.asarray(Image.fromarray(truth).resize(size, Image.Resampling.NEAREST))
    return small, truth


def _data_url(image: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=80, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def quantized(tokens: np.ndarray) -> dict[str, str]:
    """Tokens (n, d) as int8 and one scale a channel, in base64."""
    scales = np.maximum(np.abs(tokens).max(0) / 127, np.finfo(np.float32).tiny).astype("<f4")
    return {"scales": _base64(scales), "values": _base64(np.rint(tokens / scales).astype(np.int8))}


def runs(mask: np.ndarray) -> list[int]:
    """The lengths of the runs of a mask (H, W), row by row: False and True by turns, the first False."""
    flat = np.concatenate([[False], mask.ravel().astype(bool)])
    ends = np.flatnonzero(flat[1:] != flat[:-1])
    return np.diff([0, *ends, mask.size]).tolist()


def _base64(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def scripts(name: str, photo: dict[str, object]) -> Iterator[tuple[str, str]]:
    """(file name, text) of a photo's two scripts: the keys come apart, since only few pages ask for them."""
    keys = {"keys": photo["keys"]}
    rest = {key: value for key, value in photo.items() if key != "keys"}
    for file, part in ((f"{name}.js", rest), (f"{name}.keys.js", keys)):
        yield file, f"SIMSAM_PLAYGROUND.photo({json.dumps(name)}, {json.dumps(part)});\n"
