"""`simsam diagnose`, as a user types it."""

from __future__ import annotations

import argparse
import json

import numpy as np
import pytest
from PIL import Image

from simsam.cli import diagnose as command
from simsam.data import load_cutouts
from simsam.errors import SimsamError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two photos of other shapes, and their masks in a folder below."""
    home = tmp_path_factory.mktemp("photos")
    (home / "masks").mkdir()
    for name, cutout, turns in (("bird", load_cutouts()[0], 0), ("upright", load_cutouts()[2], 1)):
        Image.fromarray(np.rot90(cutout.image, turns)).save(home / f"{name}.jpg", quality=95)
        Image.fromarray(np.rot90(cutout.mask, turns)).save(home / "masks" / f"{name}.png")
    return home


def run(*arguments) -> int:
    """The exit code of `simsam diagnose`, on the CPU and with few tokens of an untrained network."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    options = ["--backbone", "vit_tiny_patch16_224", "--weights", "random", "--device", "cpu"]
    return command.run(parser.parse_args([*options, "--size", "112", *map(str, arguments)]))


def test_the_table_names_the_backbone_and_its_labels(folder, capsys):
    assert run(folder / "bird.jpg") == 0
    header, photo, names, first, *rest = capsys.readouterr().out.splitlines()
    assert "vit_tiny_patch16_224" in header
    assert "random numbers" in header
    assert "labels" in header
    assert "bird.jpg" in photo
    assert names.split() == ["tokens", "block", "share", "rank", "cosine"]
    assert first.split()[:2] == ["keys", "0"]
    assert len(rest) == 47 + 1


def test_masks_json_and_picture(folder, tmp_path, capsys):
    written, drawn = tmp_path / "out" / "rows.json", tmp_path / "out" / "maps.png"
    assert run(folder, "--masks", folder / "masks", "--json", written, "--png", drawn) == 0
    out = capsys.readouterr().out
    assert "correlation" in out
    assert "each row a photo" in out
    found = json.loads(written.read_text())
    assert [name.rpartition("/")[2] for name in found["photos"]] == ["bird.jpg", "upright.jpg"]
    assert {"version", "backbone", "source", "sha256", "labels", "size", "norm"} <= set(found)
    assert len(found["rows"]) == 48
    for row in found["rows"]:
        assert 0 < row["share"] <= 1 <= row["rank"]
        assert 0 <= row["correlation"] <= 1
    with Image.open(drawn) as picture:
        assert picture.mode == "RGB"
        assert picture.height == 2 * (command.HEIGHT + 4)


def test_shades_run_from_blue_to_yellow():
    shaded = command.shade(np.array([[-1.0, 0], [0.5, 1]]))
    assert shaded[0, 0].tolist() == [0, 34, 78]
    assert shaded[0, 1].tolist() == [124, 123, 120]
    assert shaded[1, 1].tolist() == [254, 232, 56]
    assert command.shade(np.ones((2, 2))).shape == (2, 2, 3)


def test_what_cannot_be_is_told_in_a_sentence(folder, tmp_path, refused):
    with refused("nowhere.jpg", "does not exist"):
        run(tmp_path / "nowhere.jpg")
    with refused("holds no mask bird.png"):
        run(folder / "bird.jpg", "--masks", tmp_path)
    with refused("is a folder"):
        run(folder / "bird.jpg", "--json", tmp_path)
    with refused("smaller than one patch"):
        run(folder / "bird.jpg", "--size", "3")
    Image.fromarray(np.zeros((5, 5), bool)).save(tmp_path / "bird.png")
    with pytest.raises(SimsamError, match="one size"):
        run(folder / "bird.jpg", "--masks", tmp_path)


def test_the_norm_of_the_default_weights_is_told(folder, backbone, capsys):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    assert command.run(parser.parse_args([str(folder / "bird.jpg"), "--device", "cpu"])) == 0
    assert "The last norm is not that of the published dinov2_vits14" in capsys.readouterr().out
