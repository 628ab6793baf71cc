"""Features once: of several kinds from one forward pass, and kept on disk from run to run."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from simsam.data import atomic_write
from simsam.features import Features, Kind, Size, extract_all, plan
from simsam.weights import Backbone

Extracted = tuple[dict[Kind, Features], float]
FORMAT = 1  # of the files; part of their names


def extract_kinds(
    images: list[np.ndarray], backbone: Backbone, kinds: Sequence[Kind], size: Size, cache: Path | None = None
) -> Extracted:
    """Features of each kind for a batch of images of one grid, and the seconds of the forward pass per image.

    One forward pass serves all kinds. With a folder `cache`, what is there is read (if it holds the whole
    batch) and what is not is written, float32: a cached feature gives the very masks of a fresh one. The
    seconds are then those of the pass that filled the cache.
    Raises `SimsamError` as `extract` does, and when the folder cannot be written.
    """
    store = None if cache is None else _Store(Path(cache), backbone, size)
    if store is not None and (kept := store.load(images, kinds)) is not None:
        return kept
    start = clock(backbone.device)
    found = extract_all(images, backbone, kinds, size)
    seconds = (clock(backbone.device) - start) / len(images)
    if store is not None:
        store.save(images, found, seconds)
    return found, seconds


def clock(device: torch.device) -> float:
    """Seconds now, after all that the device still has to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


class _Store:
    """A folder of features, a safetensors file for each image and kind, named by all that they depend on."""

    def __init__(self, folder: Path, backbone: Backbone, size: Size):
        self.folder, self.backbone, self.size = folder, backbone, size

    def path(self, image: np.ndarray, kind: Kind) -> Path:
        b = self.backbone
        # mixed precision makes the features of a GPU other ones
        key = (FORMAT, b.name, b.sha256 or b.source, b.device.type, kind, self.size, image.shape)
        name = hashlib.sha256(repr(key).encode() + np.ascontiguousarray(image).tobytes()).hexdigest()
        return self.folder / name[:2] / f"{name}.safetensors"

    def save(self, images: list[np.ndarray], found: dict[Kind, Features], seconds: float) -> None:
        for kind, features in found.items():
            for image, one in zip(images, features, strict=True):
                parts = {"tokens": one.tokens, "cls": one.cls, "attention": one.attention}
                parts = {name: part.cpu().contiguous() for name, part in parts.items() if part is not None}
                with atomic_write(self.path(image, kind)) as temporary:
                    save_file(parts, temporary, metadata={"seconds": repr(seconds)})

    def load(self, images: list[np.ndarray], kinds: Sequence[Kind]) -> Extracted | None:
        """The features of the whole batch and their seconds, or None if any is missing or damaged."""
        b, times, found = self.backbone, [], {}
        geometry = [plan(image.shape[:2], b.patch, self.size) for image in images]
        for kind in kinds:
            parts: list[dict[str, Tensor]] = []
            for image in images:
                try:
                    with safe_open(self.path(image, kind), framework="pt", device=str(b.device)) as file:
                        parts.append({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
                        times.append(float(file.metadata()["seconds"]))
                except (OSError, SafetensorError):
                    return None
            stacked = {name: torch.stack([part[name] for part in parts]) for name in parts[0]}
            found[kind] = Features(
                stacked["tokens"],
                stacked["cls"],
                stacked.get("attention"),
                geometry[0].grid,
                b.patch,
                geometry,
                *kind,
                b.name,
            )
        return found, sum(times) / len(times)
