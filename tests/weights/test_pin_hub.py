"""The tool that writes down the hashes of published weights, against a hub of our own."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from simsam.weights import sources
from simsam.weights.backbones import BACKBONES

DINO = "vit_small_patch16_224.dino"


@pytest.fixture
def tool():
    path = Path(__file__).parents[2] / "tools" / "pin_hub.py"
    spec = importlib.util.spec_from_file_location("pin_hub", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_all_published_names_are_pinned(tool):
    assert set(BACKBONES) - set(tool.published()) == {"focus_vits14", "untrained_vits14", "classical"}


def test_new_pins_stand_beside_the_old(tool, hub, tmp_path):
    sha256 = hub.put(DINO, b"some weights")
    assert tool.main(["dino_vits16", "--file", str(tmp_path / "hub.json")]) == 0
    written = json.loads((tmp_path / "hub.json").read_text())
    assert written == sources.pins() | {f"timm/{DINO}": {"sha256": sha256, "bytes": 12}}
    assert hub.asked == []  # the metadata was enough


def test_without_a_hash_in_the_metadata_the_file_is_fetched(tool, hub, tmp_path, monkeypatch):
    sha256 = hub.put(DINO, b"some weights")
    found = tool.get_hf_file_metadata

    def nameless(url):
        metadata = found(url)
        return type(metadata)(**{**vars(metadata), "etag": "of another kind"})

    monkeypatch.setattr(tool, "get_hf_file_metadata", nameless)
    assert tool.look_up(f"timm/{DINO}") == {"sha256": sha256, "bytes": 12}
    assert len(hub.asked) == 1


def test_a_pin_is_never_overwritten(tool, hub, tmp_path, capsys):
    hub.put("vit_small_patch14_dinov2.lvd142m", b"other weights")
    assert tool.main(["dinov2_vits14", "dino_vits16", "--file", str(tmp_path / "hub.json")]) == 1
    assert json.loads((tmp_path / "hub.json").read_text()) == sources.pins()
    said = capsys.readouterr().out
    assert "dinov2_vits14: timm/vit_small_patch14_dinov2.lvd142m now holds" in said
    assert "dino_vits16: timm/vit_small_patch16_224.dino did not answer" in said
