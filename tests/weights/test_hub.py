"""Published weights from the hub: the real client, talking to a small server here, and the pins."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import save

from simsam.weights import sources
from simsam.weights.backbones import (
    BACKBONES,
    build,
    describe_weights,
    load_backbone,
    repository,
    resolve_name,
)

TINY = "vit_tiny_patch16_224"  # timm's smallest
HUB_NAME = f"{TINY}.augreg_in21k"
PLACE = f"timm/{HUB_NAME}"


@pytest.fixture
def tiny_hub(hub, tiny_file):
    """The hub with one file."""
    hub.put(HUB_NAME, tiny_file.read_bytes())
    return hub


@pytest.fixture
def pinned(monkeypatch):
    """`pinned(timm_name, sha256)`: the hub's files are pinned so."""

    def pin(timm_name: str, sha256: str) -> None:
        monkeypatch.setattr(sources, "pins", lambda: {f"timm/{timm_name}": {"sha256": sha256}})

    return pin


def published(name: str) -> tuple[str, dict[str, torch.Tensor]]:
    """timm's name of a backbone, and random tensors in the shape of its published file."""
    timm_name = resolve_name(name)
    return timm_name, {key: value.contiguous() for key, value in build(timm_name).state_dict().items()}


@pytest.mark.parametrize(
    ("name", "patch", "prefix", "extra"),
    [
        ("dino_vits16", 16, 1, ()),
        ("dino_vits8", 8, 1, ()),
        ("dinov2_vits14_reg", 14, 5, ()),
        (HUB_NAME, 16, 1, ("head.weight", "head.bias")),  # a classifier, which is left out
    ],
)
def test_files_in_the_shape_of_published_ones(hub, cache, name, patch, prefix, extra):
    timm_name, state = published(name)
    sha256 = hub.put(timm_name, save(state | {key: torch.ones(3) for key in extra}))
    backbone = load_backbone(name, device="cpu")
    assert (backbone.name, backbone.patch, backbone.prefix, backbone.sha256) == (name, patch, prefix, sha256)
    assert torch.equal(backbone.model.pos_embed, state["pos_embed"])
    assert repository(timm_name) in backbone.source
    assert "unpinned" in backbone.source
    assert sources.recorded_names() == [name]
    assert "unpinned" in describe_weights(name)


def test_registers_in_a_file_of_a_model_without_are_refused(hub, cache, refused):
    _, state = published("dinov2_vits14_reg")
    hub.put(resolve_name("dino_vits16"), save(state))
    with refused("does not fit", "vit_small_patch16_224.dino"):
        load_backbone("dino_vits16", device="cpu")


def test_another_file_under_the_published_name_is_refused(hub, cache, refused):
    timm_name, state = published("dinov2_vits14")
    hub.put(timm_name, save(state))  # the right shape, other numbers; the pin is the real one
    expected = sources.pins()[f"timm/{timm_name}"]["sha256"]
    with refused("wrong checksum", f"expected SHA-256 {expected}", "published", "delete"):
        load_backbone("dinov2_vits14", device="cpu")
    assert sources.recorded_names() == []


def test_the_right_file_is_taken_after_a_wrong_one(tiny_hub, cache, pinned, tiny_file, tmp_path, refused):
    sha256 = hashlib.sha256(tiny_file.read_bytes()).hexdigest()
    pinned(HUB_NAME, sha256)
    tiny_hub.put(HUB_NAME, tiny_file.read_bytes()[:-1] + b"!")
    with refused("wrong checksum", f"expected SHA-256 {sha256}"):
        sources.hub_weights(HUB_NAME, PLACE)
    (wrong,) = (tmp_path / "hub").rglob("blobs/*")
    wrong.unlink()  # as the sentence says
    tiny_hub.put(HUB_NAME, tiny_file.read_bytes())
    assert "as pinned" in sources.hub_weights(HUB_NAME, PLACE).source


def test_a_pin_that_comes_later_is_told(tiny_hub, cache, pinned, tiny_file):
    assert "unpinned" in sources.hub_weights(HUB_NAME, PLACE).source
    pinned(HUB_NAME, hashlib.sha256(tiny_file.read_bytes()).hexdigest())
    assert "as pinned" in sources.hub_weights(HUB_NAME, PLACE).source
    assert "as pinned" in sources.read_record(HUB_NAME).source


def test_what_has_a_pin_says_so_beforehand(cache):
    assert "(unpinned)" in describe_weights("dino_vits16")
    assert "(pinned)" in describe_weights("dinov2_vits14")


def test_the_pins_are_hashes_of_backbones_that_there_are():
    places = {repository(timm_name) for timm_name in BACKBONES.values()}
    assert set(sources.pins()) <= places
    for pin in sources.pins().values():
        assert re.fullmatch("[0-9a-f]{64}", pin["sha256"])
        assert pin["bytes"] > 1e6


def test_by_the_clients_own_settings(server, cache, tmp_path):
    timm_name, state = published("dino_vits16")
    sha256 = server.put(timm_name, save(state))
    code = (
        "from simsam.weights import load_backbone; print(load_backbone('dino_vits16', device='cpu').sha256)"
    )
    where = {"HF_ENDPOINT": server.address, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | where, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == sha256, done.stderr


def test_hub_weights_are_fetched_once_and_remembered(tiny_hub, cache, tiny_file):
    backbone = load_backbone(HUB_NAME, device="cpu")
    assert backbone.sha256 == hashlib.sha256(tiny_file.read_bytes()).hexdigest()
    assert f"the hub, timm/{HUB_NAME}" in backbone.source
    expected = load_backbone(TINY, tiny_file, "cpu").model.norm.weight
    assert torch.equal(backbone.model.norm.weight, expected)
    assert len(tiny_hub.asked) == 1
    record = json.loads((cache / f"{HUB_NAME}.json").read_text())
    assert record["sha256"] == backbone.sha256
    assert sources.recorded_names() == [HUB_NAME]

    tiny_hub.shutdown()  # the second time needs no network
    assert sources.hub_weights(HUB_NAME, PLACE).sha256 == backbone.sha256
    assert len(tiny_hub.asked) == 1


def test_hub_file_that_changed_is_refused(tiny_hub, cache, tiny_file, tmp_path, refused):
    sources.hub_weights(HUB_NAME, PLACE)
    shutil.rmtree(tmp_path / "hub")
    assert not sources.read_record(HUB_NAME).path.is_file()
    tiny_hub.put(HUB_NAME, tiny_file.read_bytes()[:-1] + b"!")  # still a safetensors file, of other numbers
    with refused("wrong checksum", "model.safetensors", f"{HUB_NAME}.json"):
        sources.hub_weights(HUB_NAME, PLACE)


def test_hub_file_that_is_none(hub, cache, refused):
    hub.put(HUB_NAME, b"<html>please log in to this network</html>")
    with refused("model.safetensors", "damaged"):
        sources.hub_weights(HUB_NAME, PLACE)
    assert not cache.exists()


def test_hub_cache_that_moved_is_found_again(tiny_hub, cache, tmp_path, point_hub):
    sources.hub_weights(HUB_NAME, PLACE)
    (tmp_path / "hub").rename(tmp_path / "moved")
    point_hub(tiny_hub.address, "moved")
    sources.hub_weights(HUB_NAME, PLACE)
    assert str(sources.read_record(HUB_NAME).path).startswith(str(tmp_path / "moved"))


def test_hub_without_the_file(hub, cache, refused):
    with refused("dino_vits16", "timm/vit_small_patch16_224.dino", "404", "focus_vits14"):
        load_backbone("dino_vits16", device="cpu")


def test_hub_out_of_reach_is_told_at_once(cache, point_hub, refused):
    point_hub("http://127.0.0.1:9")
    with refused("dino_vits16", "refused", "focus_vits14", "other weights", "altered", ".safetensors"):
        load_backbone("dino_vits16", device="cpu")


def test_hub_switched_off(cache, point_hub, monkeypatch, refused):
    point_hub("http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with refused("HF_HUB_OFFLINE is set", "focus_vits14"):
        load_backbone("dino_vitb8", device="cpu")
