"""What the tests of the playground share: Python's run of the very bytes that the page has, and arrays that
come from the page."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from simsam import RECIPES
from simsam.features import Features, Geometry
from simsam.pipeline import Result, segment_features

# runs in the page, and sends every typed array as its bytes in base64
RUN = """async ([name, settings, options]) => {
    const started = performance.now();
    const result = await engine.run(name, settings, options);
    const bytes = (array) => {
        const all = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
        let text = "";
        for (let i = 0; i < all.length; i += 8192) text += String.fromCharCode(...all.subarray(i, i + 8192));
        return { type: array.constructor.name, bytes: btoa(text) };
    };
    const packed = (value) => ArrayBuffer.isView(value) ? bytes(value) : value;
    const votes = (value) => value && value.map(({ labels }) => bytes(labels));
    const pack = ([key, value]) => [key, key === "votes" ? votes(value) : packed(value)];
    return { wall: performance.now() - started, ...Object.fromEntries(Object.entries(result).map(pack)) };
}"""
TYPES = {"Float32Array": np.float32, "Uint8Array": np.uint8}


def unpacked(value: object) -> object:
    """Typed arrays of the page as arrays, whatever holds them."""
    if isinstance(value, dict) and "bytes" in value:
        return np.frombuffer(base64.b64decode(value["bytes"]), TYPES[value["type"]])
    if isinstance(value, dict):
        return {key: unpacked(one) for key, one in value.items()}
    return [unpacked(one) for one in value] if isinstance(value, list) else value


def in_page(page, name: str, settings: dict[str, object], **options: object) -> dict[str, object]:
    """`engine.run` in the page."""
    return unpacked(page.evaluate(RUN, [name, settings, options]))


def read_photo(site: Path, name: str) -> dict[str, object]:
    """A photo's two scripts as the objects that they hand over."""
    found = {}
    for file in (f"{name}.js", f"{name}.keys.js"):
        text = (site / "_static" / "playground" / "photos" / file).read_text(encoding="utf-8")
        found |= json.loads(text.split(", ", 1)[1].removesuffix(");\n"))
    return found


def features_of(photo: dict, kind: str) -> Features:
    """The photo's tokens, a batch of one, decoded in Python from the bytes that the page decodes."""
    scales = np.frombuffer(base64.b64decode(photo[kind]["scales"]), "<f4")
    values = np.frombuffer(base64.b64decode(photo[kind]["values"]), np.int8).reshape(-1, len(scales))
    attention = np.frombuffer(base64.b64decode(photo["attention"]), "<f4").copy()
    tokens = torch.from_numpy(values.astype(np.float32) * scales)[None]
    (H, W), grid = photo["shape"], tuple(photo["grid"])
    where = Geometry((H, W), (0, 0, H, W), grid)
    return Features(
        tokens, tokens.mean(1), torch.from_numpy(attention)[None], grid, 14, [where], kind, -1, "focus_vits14"
    )


def in_python(photo: dict, preset: str, **changes: object) -> Result:
    """The package's run of a recipe on the photo's bytes, without what the playground does not have."""
    recipe = replace(RECIPES[preset], refine="none", min_part=0.0, **changes)
    blank = np.zeros((*photo["shape"], 3), np.uint8)
    return segment_features(features_of(photo, recipe.tokens), [blank], recipe)[0]


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """|cos| of two vectors."""
    return float(abs(a @ b) / np.linalg.norm(a) / np.linalg.norm(b))


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """IoU of two masks."""
    a, b = a.astype(bool), b.astype(bool)
    return (a & b).sum() / max((a | b).sum(), 1)
