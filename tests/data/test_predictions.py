"""Masks of other tools: which file is whose, and what each kind of file says."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from simsam.data.datasets import open_dataset
from simsam.data.predictions import find_masks, range_of, read_levels, read_values
from simsam.data.samples import Dataset, Sample

HALF = np.zeros((4, 6), np.uint8)
HALF[:, :3] = 255


def a_set(places, task="object"):
    """A data set of images that lie there; nobody reads them."""
    samples = tuple(Sample(path.stem, path, None, None) for path in places)
    return Dataset("folder", task, ("background", "object"), samples)


def put(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(HALF).save(folder / name)


def found_in(dataset, folder):
    return {name: path.relative_to(folder).as_posix() for name, path in find_masks(dataset, folder).items()}


@pytest.mark.parametrize(
    ("task", "names", "expected"),
    [
        ("object", ["a.png", "b.bmp"], {"a": "a.png", "b": "b.bmp"}),
        ("object", ["a_mask.png", "b_mask.png"], {"a": "a_mask.png", "b": "b_mask.png"}),
        ("object", ["a.jpg.png", "b.jpg.png"], {"a": "a.jpg.png", "b": "b.jpg.png"}),
        # photos beside their masks: the folder's way is one, a photo never stands in for a mask
        ("object", ["a.png", "a_mask.png", "b.png", "b_mask.png"], {"a": "a_mask.png", "b": "b_mask.png"}),
        ("object", ["a.jpg", "a_mask.png", "b.jpg"], {"a": "a.jpg", "b": "b.jpg"}),
        ("object", ["a.jpg", "a.png"], {"a": "a.png"}),
        ("object", ["a_mask.png", "a_overlay.png"], {"a": "a_mask.png"}),
        (
            "semantic",
            ["a_labels.png", "b_labels.png", "labels.png"],
            {"a": "a_labels.png", "b": "b_labels.png"},
        ),
        ("object", ["deep/er/a.png", "b.png"], {"a": "deep/er/a.png", "b": "b.png"}),
        ("object", ["c.png"], {}),
    ],
)
def test_a_mask_is_found_by_the_name_of_its_image(task, names, expected, tmp_path):
    dataset = a_set([tmp_path / "photos" / "a.jpg", tmp_path / "photos" / "b.jpg"], task)
    put(tmp_path / "masks", *names)
    assert found_in(dataset, tmp_path / "masks") == expected


def test_folders_below_are_like_those_of_the_images(tmp_path):
    one, two = tmp_path / "photos" / "one" / "x.jpg", tmp_path / "photos" / "two" / "x.jpg"
    dataset = Dataset("cub", "object", (), (Sample("1", one, None, None), Sample("2", two, None, None)))
    put(tmp_path / "masks", "one/x.png", "two/x.png")
    assert found_in(dataset, tmp_path / "masks") == {"1": "one/x.png", "2": "two/x.png"}


def test_photos_among_the_masks_are_no_masks(tmp_path):
    put(tmp_path, "a.png", "b.png", "masks/a.png")
    dataset = a_set([tmp_path / "a.png", tmp_path / "b.png"])
    assert found_in(dataset, tmp_path) == {"a": "masks/a.png"}


def test_what_cannot_be_told_apart_is_refused(tmp_path, refused):
    dataset = a_set([tmp_path / "photos" / "a.jpg"])
    with refused("no folder", "nowhere"):
        find_masks(dataset, tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with refused("holds an image"):
        find_masks(dataset, tmp_path / "empty")
    put(tmp_path / "masks", "one/a.png", "two/a.png")
    with refused("one/a.png", "two/a.png", "the mask of a"):
        find_masks(dataset, tmp_path / "masks")


def save(image, path, **options):
    image.save(path, **options)
    return path


def test_files_of_any_kind_say_the_same(tmp_path):
    gray, inside = Image.fromarray(HALF), HALF > 0
    color = np.full((4, 6, 3), 90, np.uint8)
    palette = Image.fromarray((inside * 3).astype(np.uint8), mode="P")
    palette.putpalette([0, 0, 0, 9, 9, 9, 9, 9, 9, 200, 0, 0])
    kinds = {
        "gray.png": gray,
        "one bit.png": gray.convert("1"),
        "rgb.png": gray.convert("RGB"),
        "opaque.png": gray.convert("RGBA"),
        "cutout.png": Image.fromarray(np.dstack([color, HALF])),  # only its transparency tells
        "palette.png": palette,
        "gray palette.png": gray.quantize(2),
        "16 bits.png": Image.fromarray(HALF.astype(np.uint16) * 257),
        "8 in 16 bits.tif": Image.fromarray(HALF.astype(np.uint16)),
        "floats.tif": Image.fromarray(inside.astype(np.float32)),
        "floats to 255.tif": Image.fromarray(HALF.astype(np.float32)),
        "a.webp": gray,
        "a.bmp": gray,
        "a.pgm": gray,
    }
    for name, image in kinds.items():
        levels = read_levels(save(image, tmp_path / name, **({"lossless": True} if "webp" in name else {})))
        assert levels.dtype == np.float32, name
        assert np.array_equal(levels, inside * 255.0), name
    jpeg = read_levels(save(gray.convert("RGB").resize((60, 40), 0), tmp_path / "a.jpg"))
    assert np.array_equal(jpeg > 127, np.kron(inside, np.ones((10, 10), bool)))


def test_soft_levels_are_kept(tmp_path):
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(read_levels(save(Image.fromarray(ramp), tmp_path / "a.png")), ramp)
    wide = Image.fromarray(ramp.astype(np.uint16) * 257)
    assert np.allclose(read_levels(save(wide, tmp_path / "b.png")), ramp, atol=1e-4)
    real = Image.fromarray(ramp.astype(np.float32) / 255)
    assert np.allclose(read_levels(save(real, tmp_path / "c.tif")), ramp, atol=1e-4)


def test_what_is_no_mask_is_refused(tmp_path, refused, cat):
    with refused("photo.png", "picture in colours"):
        read_levels(save(Image.fromarray(cat), tmp_path / "photo.png"))
    with refused("values from -1 to 1"):
        read_levels(save(Image.fromarray(np.array([[-1, 1]], np.float32)), tmp_path / "a.tif"))
    with refused("values from nan"):
        read_levels(save(Image.fromarray(np.array([[np.nan, 1]], np.float32)), tmp_path / "b.tif"))
    (tmp_path / "c.png").write_text("no image")
    with refused("c.png", "not an image"):
        read_levels(tmp_path / "c.png")


def test_the_range_is_that_of_all_masks_together(tmp_path, refused):
    files = {}
    for top in (0, 1, 7, 100, 255):
        files[top] = save(Image.fromarray(np.array([[0, top]], np.uint8)), tmp_path / f"{top}.png")
    (tmp_path / "bad.png").write_text("no image")
    assert range_of([files[0], files[1], tmp_path / "bad.png"]) == 1
    assert range_of([files[1], files[100], files[255]]) == 255
    assert range_of([files[0]]) == range_of([]) == 1
    with refused("hold values up to 7", "--task semantic"):
        range_of([files[1], files[7]])


def test_label_maps_of_any_kind(tmp_path, refused, cat):
    labels = np.array([[0, 1, 2], [2, 1, 255]], np.uint8)
    palette = Image.fromarray(labels, mode="P")
    palette.putpalette(np.random.default_rng(0).integers(0, 256, 768).tolist())
    wide = Image.fromarray(labels.astype(np.uint16))
    for name, image in {"a": Image.fromarray(labels), "b": palette, "c": wide}.items():
        assert np.array_equal(read_values(save(image, tmp_path / f"{name}.png")), labels)
    gray = read_values(save(Image.fromarray(labels).convert("RGB"), tmp_path / "d.png"))
    assert np.array_equal(gray, labels)
    colored = read_values(save(palette.convert("RGB"), tmp_path / "e.png"))
    assert len(np.unique(np.stack([colored.ravel(), labels.ravel()]), axis=1).T) == 4  # a number each
    with refused("photo.png", "values: expected at most 256"):
        read_values(save(Image.fromarray(cat), tmp_path / "photo.png"))


def test_masks_of_the_shipped_set_are_their_own(tmp_path):
    dataset = open_dataset("cutouts", limit=3)
    for sample in dataset:
        Image.fromarray(sample.truth).save(tmp_path / f"{sample.id}_mask.png")
    found = find_masks(dataset, tmp_path)
    assert [*found] == [sample.id for sample in dataset]
    for sample in dataset:
        assert np.array_equal(read_levels(found[sample.id]) > 127, sample.truth)
