"""Which files are photos: by suffix in a folder, by name whatever they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from simsam.data.decoding import local_path, reads_heic
from simsam.data.listing import RECORD, image_folders, list_images, skipped
from simsam.errors import SimsamError


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_list_images_expands_folders(tmp_path):
    for name in ("b.JPG", "a.png", "notes.txt", ".hidden.png", "below/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    a, b = tmp_path / "a.png", tmp_path / "b.JPG"
    assert list_images(tmp_path) == [a, b]
    assert list_images([str(b), tmp_path]) == [b, a]
    assert list_images(["anything.xyz"])[0].name == "anything.xyz"
    assert list_images([tmp_path / "below"]) == [tmp_path / "below" / "c.png"]


def test_list_images_without_images(tmp_path, refused):
    with refused(str(tmp_path), "no image"):
        list_images([tmp_path])
    with refused("no image was given"):
        list_images([])
    assert issubclass(SimsamError, ValueError)


def test_an_address_keeps_its_slashes(refused):
    with refused("https://example.org/a/photo.jpg is an address", "download"):
        list_images("https://example.org/a/photo.jpg")


def test_a_tilde_is_the_home_unless_a_file_has_that_name(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert local_path("~/photo.png") == tmp_path / "photo.png"
    assert local_path("~nobody-of-that-name/photo.png") == Path("~nobody-of-that-name/photo.png")
    touch(tmp_path, "~photo.png")
    assert local_path("~photo.png") == Path("~photo.png")


@pytest.mark.parametrize("suffix", ["jfif", "JFIF", "jpe", "tga", "webp", "jp2", "ppm"])
def test_suffixes_of_images(tmp_path, suffix):
    touch(tmp_path, f"a.{suffix}")
    assert [path.name for path in list_images(tmp_path)] == [f"a.{suffix}"]
    assert not skipped(tmp_path)


def test_what_is_skipped_is_counted_by_suffix(tmp_path):
    names = ["a.png", "b.txt", "c.TXT", "README", ".hidden", "below/d.png", "clip.mp4"]
    found = skipped(touch(tmp_path, *names))
    assert found == {".txt": 2, "no suffix": 1, "folder": 1, ".mp4": 1}


def test_heic_is_an_image_where_it_can_be_read(tmp_path):
    touch(tmp_path, "a.heic", "b.png")
    assert skipped(tmp_path) == ({} if reads_heic() else {".heic": 1})


def test_folders_with_images_but_for_results(tmp_path, refused):
    names = [
        "a.png",
        "x/b.jpg",
        "x/y/c.tga",
        "x/notes/d.txt",
        ".git/e.png",
        f"old/{RECORD}",
        "old/a_mask.png",
    ]
    touch(tmp_path, *names, "out/a_mask.png", "out/below/a.png")
    found = image_folders(tmp_path, [tmp_path / "out"])
    assert found == [tmp_path, tmp_path / "x", tmp_path / "x" / "y"]
    with refused("notes", "below it"):
        image_folders(tmp_path / "x" / "notes")
