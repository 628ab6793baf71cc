"""Which recipe fits a folder: by hand, on shipped photos, and on the benchmarks where they are there."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from simsam.data.datasets import open_dataset
from simsam.semantics import fitting
from simsam.semantics.fitting import fitting_recipe, slope_share, thumbnail


def share(images):
    return slope_share(np.stack([thumbnail(image) for image in images]))


def test_a_thumbnail_holds_means_of_blocks():
    image = np.random.default_rng(0).integers(0, 256, (80, 160, 3), dtype=np.uint8)
    means = image.reshape(8, 10, 8, 20, 3).mean((1, 3)) / 255
    assert np.allclose(thumbnail(image), means, atol=1.01 / 255)


def test_the_share_by_hand():
    slope = np.linspace(-1, 1, 8)[:, None, None] * np.ones((8, 8, 3))
    across = slope.transpose(1, 0, 2)
    arch = np.abs(slope)
    assert slope_share(np.stack([0.5 + slope] * 3)) == pytest.approx(1)
    assert slope_share(np.stack([slope + across] * 3)) == pytest.approx(0.5)
    assert slope_share(np.stack([across, across + 0.2, 3 * across])) == pytest.approx(0)
    assert slope_share(np.stack([arch, 2 * arch])) == pytest.approx(0)
    assert slope_share(np.stack([slope, -slope])) == pytest.approx(-1)  # an estimate without bias may be
    assert slope_share(np.ones((4, 8, 8, 3))) == 0


def test_the_share_is_without_bias():
    """Noise has none in common: over many sets of few photos the mean is 0, while single ones are not."""
    draw = np.random.default_rng(0)
    shares = [slope_share(draw.normal(size=(4, 8, 8, 3))) for _ in range(400)]
    assert abs(np.mean(shares)) < 4 * np.std(shares) / 20
    slope = np.linspace(-1, 1, 8)[:, None, None]
    mixed = [slope_share(slope + draw.normal(size=(6, 8, 8, 3))) for _ in range(400)]
    power = np.mean(slope**2)
    assert np.mean(mixed) == pytest.approx(power / (1 + power), abs=0.01)


def test_shipped_photos_have_subjects():
    assert fitting_recipe(open_dataset("cutouts")) == "objects"


def test_subjects_in_the_middle_of_one_ground_are_no_scene():
    """All laid out alike, as a shop's photos are, but above is like below."""
    images = []
    for sample in open_dataset("cutouts", limit=30):
        image, mask = sample.load_image(), sample.truth
        rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
        cut = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        thing = np.where(mask[cut][..., None], image[cut], 245).astype(np.uint8)
        side = int(1.3 * max(thing.shape))
        ground = np.full((side, side, 3), 245, np.uint8)
        top, left = ((side - length) // 2 for length in thing.shape[:2])
        ground[top : top + thing.shape[0], left : left + thing.shape[1]] = thing
        images.append(ground)
    assert fitting_recipe(images) == "objects"
    assert share(images) < 0.1
    x = np.stack([thumbnail(image) for image in images])
    x = x - x.mean((1, 2), keepdims=True)
    assert (x.mean(0) ** 2).sum() / (x**2).sum(
        (1, 2, 3)
    ).mean() > fitting.LIKENESS  # position alone would err


def test_few_photos_tell_nothing(tmp_path):
    slope = np.linspace(0, 255, 16)[:, None, None].repeat(16, 1).repeat(3, 2).astype(np.uint8)
    assert fitting_recipe([slope] * 10) == "scenes"
    assert fitting_recipe([slope] * 9) is None
    assert fitting_recipe([]) is None
    (tmp_path / "bad.png").write_text("no image")
    assert fitting_recipe([slope] * 9 + [tmp_path / "bad.png"]) is None
    assert fitting_recipe([slope] * 10 + [tmp_path / "bad.png"]) == "scenes"


def test_at_most_forty_photos_are_read(monkeypatch):
    read, real = [], fitting.thumbnail
    monkeypatch.setattr(fitting, "thumbnail", lambda image: read.append(1) or real(image))
    fitting_recipe(list(np.zeros((100, 16, 16, 3), np.uint8)))
    assert len(read) == 40


CHOSEN = [("camvid_0006R0", "camvid", "scenes"), ("voc2012_sample", "voc2012", "objects")]
ELSEWHERE = [("camvid_val", "camvid", "scenes"), ("ecssd_dev", "ecssd", "objects")]


@pytest.mark.parametrize(("folder", "name", "recipe"), [*CHOSEN, *ELSEWHERE])
def test_benchmarks_lie_on_their_sides(folder, name, recipe, shared_data):
    dataset = open_dataset(name, shared_data / folder, "object" if name == "ecssd" else "semantic")
    assert fitting_recipe(dataset) == recipe
    picked = np.unique(np.linspace(0, len(dataset) - 1, min(40, len(dataset))).round().astype(int))
    found = share([dataset[int(i)].load_image() for i in picked])
    assert found > 0.4 if recipe == "scenes" else found < 0.2


def test_photos_on_their_side_are_turned(tmp_path):
    """What counts is what a viewer shows."""
    slope = np.linspace(0, 255, 32)[:, None, None].repeat(24, 1).repeat(3, 2).astype(np.uint8)
    paths = []
    for n in range(10):
        exif = Image.Exif()
        exif[0x0112] = 6
        paths.append(tmp_path / f"{n}.jpg")
        Image.fromarray(np.rot90(slope)).save(paths[-1], exif=exif)
    assert fitting_recipe(paths) == "scenes"
