"""The pictures of a result, and images with transparency."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from simsam.data import load_cutouts
from simsam.measuring import iou
from simsam.pipeline import outputs
from simsam.pipeline.stages import segment


@pytest.fixture(scope="module")
def result(backbone):
    return segment(load_cutouts()[0].image, backbone=backbone, size=224)


@pytest.fixture(scope="module")
def several(backbone):
    return segment(load_cutouts()[54].image, "maskcut", backbone, size=224, tau=0.7, tokens="output")


def test_each_picture_is_written_as_it_is(tmp_path, result):
    for kind, picture in zip(outputs.PICTURES, result.pictures(outputs.PICTURES)):
        result.save(tmp_path / f"{kind}.png", kind)
        with Image.open(tmp_path / f"{kind}.png") as image:
            expected = picture.astype(np.uint8) * 255 if picture.dtype == bool else picture
            np.testing.assert_array_equal(np.asarray(image), expected, err_msg=kind)
        assert picture.shape[:2] == result.mask.shape


def test_the_score_says_the_mask_and_its_own_order(tmp_path, result):
    score = outputs.score16(result.score)
    assert score.dtype == np.uint16
    np.testing.assert_array_equal(score > 32768, result.mask)
    back = (score.astype(float) - 32768) / 32767 * np.abs(result.score).max()
    np.testing.assert_allclose(back, result.score, atol=2 * np.abs(result.score).max() / 32767)


def test_a_cutout_keeps_the_inside_and_drops_the_ground(result):
    picture, share = result.cutout(), result.alpha()
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture[..., 3], np.rint(share * 255))
    inside = share == 1
    assert inside.mean() > 0.02
    np.testing.assert_array_equal(picture[inside][:, :3], result.image[inside])
    assert not picture[picture[..., 3] == 0].any()
    assert ((share > 0) & (share < 1)).any()


def test_instances_are_the_masks_the_first_on_top(several):
    labels = outputs.instances(several.masks)
    assert len(several.masks) > 1
    expected = np.zeros(labels.shape, int)
    for y, x in np.ndindex(labels.shape):
        hit = [k for k, mask in enumerate(several.masks, 1) if mask[y, x]]
        expected[y, x] = hit[0] if hit else 0
    np.testing.assert_array_equal(labels, expected)


@pytest.mark.parametrize(
    ("path", "kind", "words"),
    [
        ("x.png", "masks", ["unknown picture 'masks'", "did you mean 'mask'"]),
        ("x.jpg", "mask", ["x.jpg", "PNG"]),
        ("file/x.png", "mask", ["file", "cannot write"]),
    ],
)
def test_what_cannot_be_saved(tmp_path, result, refused, path, kind, words):
    (tmp_path / "file").touch()
    with refused(*words):
        result.save(tmp_path / path, kind)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_picture_twice_or_none(refused):
    with refused("mask,mask", "once"):
        outputs.check_pictures(["mask", "mask"])
    with refused("none", "once"):
        outputs.check_pictures([])


# --- transparency ---


def logo(color: int, size: int = 224) -> tuple[np.ndarray, np.ndarray]:
    """A star in one gray on nothing (under which the file says the same gray): RGBA, and its mask."""
    star = Image.new("L", (size, size))
    turn = np.linspace(0, 2 * np.pi, 11)[:-1] - np.pi / 2
    radius = np.where(np.arange(10) % 2, 0.18, 0.42) * size
    points = np.stack([np.cos(turn), np.sin(turn)], 1) * radius[:, None] + size / 2
    ImageDraw.Draw(star).polygon([tuple(p) for p in points], fill=255)
    mask = np.asarray(star)
    return np.dstack([np.full((size, size, 3), color, np.uint8), mask]), mask > 0


@pytest.mark.parametrize("color", [255, 0, 230, 40])
def test_a_logo_on_nothing_is_found(backbone, color):
    pixels, truth = logo(color)
    result = segment(pixels, backbone=backbone)
    assert iou(result.mask, truth) > 0.9
    assert not result.mask[pixels[..., 3] == 0].any()
    assert (result.alpha() <= pixels[..., 3] / 255 + 1e-6).all()


def test_what_is_transparent_is_no_object(backbone):
    """Whatever the features say: half of a photo that is all object."""
    image = load_cutouts()[0].image
    whole = segment(image, backbone=backbone, size=224, refine="none")
    rows = np.flatnonzero(whole.mask.any(1))
    opacity = np.full(image.shape[:2], 255, np.uint8)
    opacity[: rows.mean().astype(int)] = 127
    half = segment(np.dstack([image, opacity]), backbone=backbone, size=224, refine="none")
    assert half.mask.any()
    assert not half.mask[opacity < 128].any()
    assert (half.score[opacity < 128] <= 0).all()


def test_a_batch_keeps_each_opacity(backbone):
    pixels, _ = logo(255)
    opaque = pixels[..., :3] // 2
    opaque[60:160, 60:160] = 250
    one, two = segment([pixels, opaque], backbone=backbone)
    assert two.opacity is None
    np.testing.assert_array_equal(one.opacity, pixels[..., 3])
    np.testing.assert_array_equal(one.mask, segment(pixels, backbone=backbone).mask)
