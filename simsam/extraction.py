"""Chapter 8. Features once: of several kinds from one forward pass, and kept on disk from run to run."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from simsam.backbones import Backbone
from simsam.features import Features, extract, plan
from simsam.files import atomic_write

Kind = tuple[str, int]  # tokens and block, as `extract` takes them
Size = int | tuple[int, int] | None
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
    once = replace(backbone, model=_RunOnce(backbone.model, {block for _, block in kinds}))
    found: dict[Kind, Features] = {}
    for kind in kinds:
        found[kind] = extract(images, once, *kind, size)
        if len(found) == 1:
            seconds = (clock(backbone.device) - start) / len(images)
    if store is not None:
        store.save(images, found, seconds)
    return found, seconds


def clock(device: torch.device) -> float:
    """Seconds now, after all that the device still has to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


class _Recorded(nn.Module):
    """In the place of a layer that has run already: gives its output, so that hooks on it see it."""

    output: Tensor

    def forward(self) -> Tensor:
        return self.output

    def record(self, layer: nn.Module, inputs: tuple, output: Tensor) -> None:
        self.output = output


class _RunOnce:
    """In the place of a model: runs it at the first call; `simsam.features.forward` then reads any block."""

    def __init__(self, model: nn.Module, blocks: set[int]):
        self.model, self.final = model, None
        self.blocks = [_Recorded() for _ in model.blocks]
        self.wanted = [i for i in range(len(model.blocks)) if {i, i - len(model.blocks)} & blocks]
        for mine, real in zip(self.blocks, model.blocks, strict=True):
            mine.attn = SimpleNamespace(qkv=_Recorded(), num_heads=real.attn.num_heads)

    def __getattr__(self, name: str) -> object:
        return getattr(self.model, name)

    def forward_features(self, x: Tensor) -> Tensor:
        if self.final is None:
            self.final = self._run(x)
        for i in self.wanted:
            self.blocks[i].attn.qkv()
            self.blocks[i]()
        return self.final

    def _run(self, x: Tensor) -> Tensor:
        pairs = [(self.blocks[i], self.model.blocks[i]) for i in self.wanted]
        pairs += [(mine.attn.qkv, real.attn.qkv) for mine, real in pairs]
        hooks = [real.register_forward_hook(mine.record) for mine, real in pairs]
        try:
            return self.model.forward_features(x)
        finally:
            for hook in hooks:
                hook.remove()


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
