"""The shipped data set: its files agree with each other and with its data card."""

from __future__ import annotations

import csv
import re
import runpy
from collections import Counter
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simsam.data import cutouts
from simsam.data.cutouts import CLASSES, load_cutouts
from simsam.errors import SimsamError

FOLDER = files("simsam") / "data" / "cutouts"
CUTOUTS = load_cutouts()
TOOLS = Path(__file__).parents[2] / "tools"
PACKAGES = (Path("/usr/share/tuxpaint/stamps"), Path("/usr/share/backgrounds/mate/nature"))


@pytest.fixture(params=CUTOUTS, ids=lambda cutout: cutout.id)
def cutout(request):
    return request.param


def index():
    return list(csv.DictReader((FOLDER / "index.csv").read_text(encoding="utf-8").splitlines()))


def test_maps_agree(cutout):
    """object == class > 0 == instance > 0, and each instance has the one class that the index names."""
    H, W, channels = cutout.image.shape
    assert channels == 3
    assert cutout.image.dtype == np.uint8
    for name, dtype in {"mask": bool, "instances": np.uint8, "class_map": np.uint8}.items():
        assert getattr(cutout, name).shape == (H, W)
        assert getattr(cutout, name).dtype == dtype
    assert np.array_equal(cutout.mask, cutout.class_map > 0)
    assert np.array_equal(cutout.mask, cutout.instances > 0)
    assert np.unique(cutout.instances).tolist() == list(range(len(cutout.classes) + 1))
    for number, name in enumerate(cutout.classes, start=1):
        assert set(cutout.class_map[cutout.instances == number]) == {CLASSES.index(name)}


def test_geometry(cutout):
    """Sizes in range; every object at least 6 % of the image and clear of its border."""
    H, W = cutout.mask.shape
    assert 320 <= max(H, W) <= 480
    for number in range(1, len(cutout.classes) + 1):
        assert (cutout.instances == number).mean() >= 0.06
    border = np.concatenate([cutout.mask[[0, -1]].ravel(), cutout.mask[:, [0, -1]].ravel()])
    assert not border.any()


def test_ids_name_the_classes(cutout):
    assert re.fullmatch(r"\d{3}_[a-z_]+", cutout.id)
    assert cutout.id.split("_")[1:] == list(cutout.classes)
    assert len(set(cutout.classes)) == len(cutout.classes) <= 2


def test_counts_sizes_and_classes():
    assert len(CUTOUTS) == 60
    assert sum(len(cutout.classes) == 2 for cutout in CUTOUTS) == 12
    per_class = Counter(name for cutout in CUTOUTS for name in cutout.classes)
    assert set(per_class) == set(CLASSES[1:])
    assert min(per_class.values()) >= 8
    assert max(per_class.values()) - min(per_class.values()) <= 3  # balanced


def test_no_object_is_used_twice():
    stamps = [stamp for row in index() for stamp in row["stamps"].split()]
    assert len(stamps) == len(set(stamps)) == sum(len(cutout.classes) for cutout in CUTOUTS)


def test_files_are_those_of_the_index_and_small():
    with as_file(FOLDER) as folder:
        ids = {row["id"] for row in index()}
        for kind, suffix in {"images": ".jpg", "instances": ".png", "classes": ".png"}.items():
            assert {path.name for path in (folder / kind).iterdir()} == {name + suffix for name in ids}
        assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 4_000_000


def test_maps_are_palette_images():
    for kind in ("instances", "classes"):
        with (FOLDER / kind / f"{CUTOUTS[0].id}.png").open("rb") as file:
            assert Image.open(file).mode == "P"


def test_card_tells_the_truth():
    """The numbers of the data card are those of the data, and each photograph has its copyright line."""
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    pairs = sum(len(cutout.classes) == 2 for cutout in CUTOUTS)
    assert f"{len(CUTOUTS)} **synthetic** images" in card
    assert f"{len(CUTOUTS) - pairs} images hold one object, {pairs} hold two" in card
    per_class = Counter(name for cutout in CUTOUTS for name in cutout.classes)
    for value, name in enumerate(CLASSES[1:], start=1):
        assert f"| {value} | {name} | {per_class[name]} |" in card
    table = card[card.index("| photograph |") :]
    photos = {row["photo"] for row in index()}
    assert set(re.findall(r"\w+\.jpg", table)) == photos
    assert len(photos) == 10  # "there are ten photographs"
    assert "any later version" in card
    assert "GNU GENERAL PUBLIC LICENSE" in (FOLDER / "LICENSE").read_text(encoding="utf-8")


def test_lists_of_the_tools_match_the_index():
    with (TOOLS / "cutouts_objects.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["stamp"] for row in rows] == [stamp for row in index() for stamp in row["stamps"].split()]
    assert [row["class"] for row in rows] == [name for row in index() for name in row["classes"].split()]


def test_pixels_are_read_lazily_and_once():
    cutout = load_cutouts()[0]
    assert "image" not in vars(cutout)
    assert cutout.image is cutout.image


def test_missing_data_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(cutouts, "files", lambda package: tmp_path)
    with pytest.raises(SimsamError, match="reinstall simsam"):
        load_cutouts()


@pytest.mark.skipif(not all(map(Path.is_dir, PACKAGES)), reason="the two Debian packages are not installed")
def test_script_makes_the_same_again(monkeypatch, tmp_path):
    """One image and its maps, composed anew: the same masks, and the same pixels up to the JPEG codec."""
    monkeypatch.syspath_prepend(str(TOOLS))
    tool = runpy.run_path(str(TOOLS / "make_cutouts.py"))
    scene = len(CUTOUTS)
    rows = [row for row in tool["read_rows"]("cutouts_objects.csv") if int(row["scene"]) == scene]
    region = {row["region"]: row for row in tool["read_rows"]("cutouts_regions.csv")}[rows[0]["region"]]
    rng = np.random.default_rng([tool["SEED"], scene])
    image, instances, classes = tool["compose"](rows, region, *PACKAGES, rng)
    shipped = CUTOUTS[scene - 1]
    assert np.array_equal(instances, shipped.instances)
    assert np.array_equal(classes, shipped.class_map)
    assert np.abs(image.astype(float) - shipped.image).mean() < 3


def test_script_says_which_package_is_missing(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(TOOLS))
    tool = runpy.run_path(str(TOOLS / "make_cutouts.py"))
    with pytest.raises(SimsamError, match="install the Debian package mate-backgrounds"):
        tool["open_image"](tmp_path / "Dune.jpg", "RGB", "mate-backgrounds")
