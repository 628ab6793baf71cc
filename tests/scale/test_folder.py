"""Many photos at once: batches of one grid, names that stay with their photos, errors that stop nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from simsam.data.files import write_png
from simsam.data.overlay import PALETTE, overlay_labels, overlay_mask
from simsam.data.samples import Sample
from simsam.errors import SimsamError
from simsam.features import plan
from simsam.pipeline.recipes import get_recipe
from simsam.pipeline.stages import segment
from simsam.scale import batches, distributed
from simsam.scale.batches import read_batches
from simsam.scale.folder import run_folder
from simsam.scale.naming import output_names

SIZES = [(60, 90), (90, 60), (60, 90), (200, 100), (61, 90), (90, 60), (60, 90)]


def save(path, shape=(60, 90), seed=0, orientation=None):
    pixels = np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    Image.fromarray(pixels).save(path, exif=exif)
    return path


@pytest.fixture
def photos(tmp_path):
    return [save(tmp_path / f"{i}.png", shape, i) for i, shape in enumerate(SIZES)]


@pytest.fixture
def bad(tmp_path):
    """Files that cannot be segmented, and what must be said of each."""
    (tmp_path / "words.png").write_text("no image")
    (tmp_path / "empty.jpg").touch()
    save(tmp_path / "dot.png", (1, 1))
    names = {
        "missing.png": "does not exist",
        "words.png": "not an image",
        "empty.jpg": "empty",
        "dot.png": "1 x 1",
    }
    return {tmp_path / name: words for name, words in names.items()}


# --- batches ---


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_each_photo_comes_once_in_a_batch_of_one_grid(photos, batch_size, workers):
    seen = []
    areas = []
    for items in read_batches(photos, 14, 140, batch_size, workers=workers):
        assert 1 <= len(items) <= batch_size
        grids = {plan(item.image.shape[:2], 14, 140).grid for item in items}
        assert len(grids) == 1
        h, w = grids.pop()
        areas.append(h * w)
        for item in items:
            expected = np.random.default_rng(item.index).integers(
                0, 256, (*SIZES[item.index], 3), dtype=np.uint8
            )
            np.testing.assert_array_equal(item.image, expected)
            seen.append(item.index)
    assert sorted(seen) == list(range(len(photos)))
    assert areas == sorted(areas, reverse=True)  # the largest first


def test_bad_photos_come_alone_with_their_error(photos, bad):
    sources = [photos[0], *bad, photos[2]]
    items = list(read_batches(sources, 14, 140, 9))
    errors = {sources[batch[0].index]: batch[0].error for batch in items if batch[0].error}
    assert errors.keys() == bad.keys()
    for path, words in bad.items():
        assert words in errors[path]
        assert str(path) in errors[path]
    assert [len(batch) for batch in items if not batch[0].error] == [2]


@pytest.mark.slow
@pytest.mark.parametrize(("batch", "at"), [(1, 0), (3, 2)])
def test_a_photo_that_kills_its_reader_stops_nothing(photos, batch, at):
    """As the system does where memory runs out, or a decoder that crashes."""
    sources = [*photos[:5]]
    sources[at] = Sample("end", photos[at], lambda: os.kill(os.getpid(), signal.SIGKILL), lambda: None)
    items = [item for found in read_batches(sources, 14, 140, batch, workers=1) for item in found]
    assert sorted(item.index for item in items) == [0, 1, 2, 3, 4]
    assert [item.index for item in items if item.error] == [at]
    error = next(item.error for item in items if item.error)
    assert error.startswith(f"{photos[at]} brought the process down that read it")


def test_whatever_one_photo_raises_stops_nothing(photos):
    bad = Sample("bad", photos[0], lambda: 1 / 0, lambda: None)
    items = [item for batch in read_batches([bad, *photos[1:3]], 14, 140, workers=0) for item in batch]
    assert [item.error is None for item in sorted(items, key=lambda item: item.index)] == [False, True, True]
    error = next(item.error for item in items if item.error)
    assert error == f"{photos[0]} cannot be read (ZeroDivisionError: division by zero)."


def test_a_header_that_does_not_keep_its_promise(photos, monkeypatch):
    monkeypatch.setattr(batches, "header_shape", lambda _: (60, 90))
    found = list(read_batches(photos, 14, 140, 9, workers=0))
    assert sorted(i.index for batch in found for i in batch) == list(range(7))
    assert len(found) == len(set(SIZES)) - 1  # (60, 90) and (61, 90) share a grid
    for batch in found:
        assert len({plan(item.image.shape[:2], 14, 140).grid for item in batch}) == 1


def test_damaged_exif_stops_nothing(tmp_path):
    path = tmp_path / "photo.jpg"
    image = Image.fromarray(np.zeros((60, 90, 3), np.uint8))
    image.save(path, exif=b"Exif\x00\x00these are no tags at all")
    good = save(tmp_path / "good.png")
    items = [item for batch in read_batches([path, good], 14, 140) for item in batch]
    assert sorted(item.index for item in items) == [0, 1]
    assert next(item for item in items if item.index == 1).image is not None


# --- folders ---


def test_names_as_long_as_a_name_can_be(tmp_path):
    path = tmp_path / f"{'x' * 251}.png"
    write_png(path, np.eye(3, dtype=bool))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("batch_size", [1, 3])
def test_masks_stay_with_their_photos(backbone, photos, bad, batch_size, tmp_path):
    recipe = get_recipe("dsm", size=84)
    paths = [*photos[:3], *bad, *photos[3:]]
    made = {}

    def write(path, name, result):
        assert path.stem == name
        made[path] = result

    failed = run_folder(
        paths, output_names(paths), recipe, backbone, write, batch_size=batch_size, progress=False
    )
    assert list(failed) == list(bad)  # in the order given
    assert made.keys() == set(photos)
    for path, shape in zip(photos, SIZES):
        assert made[path].mask.shape == shape
        alone = segment(path, recipe, backbone)
        np.testing.assert_allclose(made[path].score, alone.score, atol=1e-4)
        np.testing.assert_array_equal(made[path].image, alone.image)


def test_what_cannot_be_written_or_segmented_is_named(backbone, photos, tmp_path):
    def write(path, name, result):
        if path == photos[1]:
            raise SimsamError("the disk is full.")

    failed = run_folder(
        photos[:3], ["a", "b", "c"], get_recipe("dsm", size=84), backbone, write, progress=False
    )
    assert failed == {photos[1]: "the disk is full."}
    recipe = get_recipe("dsm", size=84, block=99)
    failed = run_folder(photos[:3], ["a", "b", "c"], recipe, backbone, write, progress=False)
    assert list(failed) == photos[:3]
    assert all(str(path) in why and "block=99" in why for path, why in failed.items())


def test_one_photo_at_fault_does_not_spoil_its_batch(photos):
    same = [photos[0], photos[2], photos[6]]

    def work(items):
        if any(item.index == 1 for item in items):
            raise SimsamError("this one cannot be done.")
        return [len(items)] * len(items)

    (items,) = read_batches(same, 14, 140, 3)
    found = batches.each(work, items)
    assert [str(result) for result in found] == ["1", "this one cannot be done.", "1"]
    assert batches.each(work, items[2:]) == [1]


# --- overlays ---


def test_the_overlay_keeps_the_object_and_fades_the_rest():
    image = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    mask = np.zeros((200, 300), bool)
    mask[60:140, 100:200] = True
    out = overlay_mask(image, mask, color=(1, 2, 3))
    assert out.dtype == np.uint8
    np.testing.assert_array_equal(out[70:130, 110:190], image[70:130, 110:190])
    outside = out[:50, :90].astype(int)
    assert (outside.max(-1) == outside.min(-1)).all()  # gray
    assert (out == (1, 2, 3)).all(-1)[59:61, 110:190].all()  # the outline, on both sides of the edge
    assert not (out == (1, 2, 3)).all(-1)[:50].any()
    for same in (np.zeros_like(mask), np.ones_like(mask)):
        assert not (overlay_mask(image, same, color=(1, 2, 3)) == (1, 2, 3)).all(-1).any()


def test_labels_have_their_colours():
    image = np.full((2, 10, 3), 100, np.uint8)
    labels = np.arange(20).reshape(2, 10)
    out = overlay_labels(image, labels, strength=1.0)
    np.testing.assert_array_equal(out[0, :8], PALETTE)
    np.testing.assert_array_equal(out[0, 8], PALETTE[1])  # round again, without the background's black
    np.testing.assert_array_equal(overlay_labels(image, labels, strength=0.0), image)


# --- several processes ---


def test_one_process_has_everything():
    with distributed.process_group():
        assert (distributed.rank(), distributed.world()) == (0, 1)
        assert distributed.share([3, 1, 2]) == [3, 1, 2]
        assert distributed.gather({"a": 1}) == [{"a": 1}]


def test_a_group_of_one(tmp_path):
    """The same through a real process group."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/group", rank=0, world_size=1)
    try:
        test_one_process_has_everything()
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_share_the_photos(photos, bad, tmp_path):
    out = tmp_path / "out"
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = ["-m", "simsam", "segment", *map(str, photos), str(tmp_path / "dot.png"), "-o", str(out)]
    done = subprocess.run(
        [*launcher, *command, "--set", "size=84", "--device", "cpu", "--quiet"],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        timeout=900,
        check=False,
    )
    assert sorted(p.name for p in out.glob("*.png")) == [f"{i}_mask.png" for i in range(len(photos))], (
        done.stderr
    )
    rows = [json.loads(line) for line in (out / "simsam.jsonl").read_text().splitlines()]
    assert [row["name"] for row in rows] == sorted(["dot", *(path.stem for path in photos)])
    assert "1 x 1" in next(row["error"] for row in rows if row["name"] == "dot")
    assert done.stderr.count("dot.png is 1 x 1") == 1  # said once, by the first process
    assert done.returncode != 0
    for path, shape in zip(photos, SIZES):
        assert Image.open(out / f"{path.stem}_mask.png").size == shape[::-1]


def test_png_files_hold_black_and_white(tmp_path):
    write_png(tmp_path / "deep" / "mask.png", np.eye(3, dtype=bool))
    assert np.asarray(Image.open(tmp_path / "deep" / "mask.png")).tolist() == (255 * np.eye(3)).tolist()
