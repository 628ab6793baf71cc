"""Masks of other tools, measured: numbers by sets of pixels, void, missing ones, and the command line."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simsam.cli import main
from simsam.data.datasets import open_dataset
from simsam.data.samples import Dataset
from simsam.measuring import metrics
from simsam.measuring.comparisons import compare
from simsam.measuring.others import evaluate_masks
from simsam.measuring.run import evaluate
from simsam.pipeline.recipes import get_recipe
from simsam.pipeline.stages import segment
from simsam.weights import load_backbone

SHAPE = (20, 30)
SMALL = get_recipe("spectral", size=112)


def write(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def root(tmp_path):
    """Six photos of noise, and masks that are random rectangles."""
    draw = np.random.default_rng(0)
    for n in range(6):
        write(tmp_path / "set" / "images" / f"{n}.png", draw.integers(0, 256, (*SHAPE, 3), dtype=np.uint8))
        mask = np.zeros(SHAPE, np.uint8)
        mask[2 + n : 12 + n, 3 : 10 + 3 * n] = 255
        write(tmp_path / "set" / "masks" / f"{n}.png", mask)
    return tmp_path / "set"


@pytest.fixture
def theirs(tmp_path):
    """What a tool made of them: other rectangles."""
    for n in range(6):
        mask = np.zeros(SHAPE, np.uint8)
        mask[n : 8 + n, 1 : 12 + 2 * n] = 255
        write(tmp_path / "theirs" / f"{n}.png", mask)
    return tmp_path / "theirs"


def command(root, masks, *more):
    return ["evaluate", "folder", "--root", str(root), "--masks", str(masks), *more]


def pixels(mask):
    return {(i, j) for i, j in np.argwhere(mask).tolist()}


# --- objects ----------------------------------------------------------------------------------------------


def test_the_numbers_are_those_of_sets_of_pixels(root, theirs):
    dataset = open_dataset("folder", root)
    found = evaluate_masks(dataset, theirs)
    ious, accuracies = {}, []
    for sample in dataset:
        a, b = pixels(np.asarray(Image.open(theirs / f"{sample.id}.png"))), pixels(sample.truth)
        ious[sample.id] = len(a & b) / len(a | b)
        accuracies.append(1 - len(a ^ b) / (SHAPE[0] * SHAPE[1]))
    assert found["per_image"] == pytest.approx(ious)
    assert found["miou"] == pytest.approx(np.mean([*ious.values()]))
    assert found["accuracy"] == pytest.approx(np.mean(accuracies))
    low, high = found["miou_interval"]
    assert min(ious.values()) <= low < found["miou"] < high <= max(ious.values())
    assert found["masks"] == "theirs"
    assert (found["weights"], found["labels"], found["missing"]) == ("unknown", "unknown", [])
    assert not {"recipe", "backbone", "seconds_per_image"} & found.keys()
    assert json.loads(json.dumps(found)) == found


def test_our_own_masks_get_what_our_own_run_gets(tmp_path, backbone):
    """Masks that `segment` wrote score as the run that made them, but for max-F: the scores are not kept."""
    dataset, recipe = open_dataset("cutouts", limit=3), get_recipe("simsam", size=112)
    ours = evaluate(dataset, recipe, backbone)
    for sample in dataset:
        write(
            tmp_path / "masks" / f"{sample.id}_mask.png", segment(sample.load_image(), recipe, backbone).mask
        )
    theirs = evaluate_masks(dataset, tmp_path / "masks")
    for key in ("per_image", "miou", "miou_interval", "accuracy", "corloc", "truths", "images", "dataset"):
        assert theirs[key] == ours[key], key
    difference = compare(ours, theirs)
    assert (difference["difference"], difference["interval"]) == (0, [0, 0])
    assert difference["same_truth"] is True
    assert difference["same_weights"] is None


def test_the_truth_itself_is_perfect(root):
    found = evaluate_masks(open_dataset("folder", root), root / "masks")
    for key in ("miou", "accuracy", "max_f", "corloc"):
        assert found[key] == 1


def test_soft_masks_are_cut_at_half_and_told(root, theirs, capsys):
    draw = np.random.default_rng(1)
    for n in range(4):
        write(theirs / f"{n}.png", draw.integers(0, 256, SHAPE, dtype=np.uint8))
    write(theirs / "1.png", np.ones(SHAPE, np.uint8))  # of all together: it hardly found anything
    dataset = open_dataset("folder", root)
    found = evaluate_masks(dataset, theirs)
    assert found["soft"] == 4
    curves = []
    for sample in dataset:
        levels = np.asarray(Image.open(theirs / f"{sample.id}.png")) / 255
        assert found["per_image"][sample.id] == metrics.iou(levels >= 0.5, sample.truth)
        curves.append(metrics.f_curve(levels, sample.truth))
    assert found["max_f"] == pytest.approx(metrics.max_f(curves))
    assert found["per_image"]["1"] == 0
    assert main(command(root, theirs)) == 0
    assert "4 masks hold gray values and were cut at half" in capsys.readouterr().out


def test_zeros_and_ones_are_masks(root, theirs):
    dataset = open_dataset("folder", root)
    expected = evaluate_masks(dataset, theirs)
    for path in theirs.iterdir():
        write(path, np.asarray(Image.open(path)) // 255)
    assert evaluate_masks(dataset, theirs) == expected


def test_a_missing_mask_is_refused_or_counts_as_empty(root, theirs, refused):
    dataset = open_dataset("folder", root)
    whole = evaluate_masks(dataset, theirs)
    for n in (1, 2, 3, 5):
        (theirs / f"{n}.png").unlink()
    with refused("4 of 6 masks are missing", str(theirs), "(1, 2, 3, ...)", "--missing zero"):
        evaluate_masks(dataset, theirs)
    found = evaluate_masks(dataset, theirs, missing="zero")
    assert found["per_image"] == {k: 0 if k in "1235" else v for k, v in whole["per_image"].items()}
    assert found["images"] == 6
    assert found["missing"] == ["1", "2", "3", "5"]
    write(theirs / "x.png", np.zeros(SHAPE, np.uint8))
    for n in (0, 4):
        (theirs / f"{n}.png").unlink()
    with refused("6 of 6 masks are missing", "named as their images"):
        evaluate_masks(dataset, theirs, missing="zero")
    with refused("unknown way with missing masks 'leave-out'"):
        evaluate_masks(dataset, theirs, missing="leave-out")
    with refused("unknown kind of labels 'mask'", "did you mean 'masks'"):
        evaluate_masks(dataset, theirs, labels="mask")


def test_a_mask_that_does_not_fit_is_refused(root, theirs, refused):
    dataset = open_dataset("folder", root)
    bad = write(theirs / "2.png", np.zeros((10, 15), np.uint8))
    with refused(f"the mask {bad} is (10, 15) but its truth (20, 30)"):
        evaluate_masks(dataset, theirs, missing="zero")
    (theirs / "4.png").write_text("no mask")
    with refused("2 masks cannot be measured; the first: the mask", "2.png"):
        evaluate_masks(dataset, theirs)


def test_a_truth_that_cannot_be_read_is_left_out_and_told(root, theirs, capsys):
    (root / "masks" / "3.png").write_text("no mask")
    assert main(command(root, theirs)) == 2
    assert "simsam: 3 was left out: the mask" in capsys.readouterr().err
    for path in (root / "masks").iterdir():
        path.write_text("no mask")
    assert main(command(root, theirs)) == 2
    assert "none of 6 images could be measured; the first, 0: " in capsys.readouterr().err


def test_a_set_that_is_cut_takes_masks_of_the_photo_or_of_the_cut(root, theirs, tmp_path, refused):
    dataset = open_dataset("folder", root, crop=True)
    found = evaluate_masks(dataset, theirs)
    for path in theirs.iterdir():
        write(tmp_path / "cut" / path.name, np.asarray(Image.open(path))[:, 5:25])
    cut = evaluate_masks(dataset, tmp_path / "cut")
    assert cut["per_image"] == found["per_image"]
    assert cut["per_image"] != evaluate_masks(open_dataset("folder", root), theirs)["per_image"]
    write(theirs / "0.png", np.zeros((20, 31), np.uint8))
    with refused("is (20, 31) but its truth (20, 20)"):
        evaluate_masks(dataset, theirs)


# --- void -------------------------------------------------------------------------------------------------


@pytest.fixture
def voc(tmp_path):
    """Two images in VOC's layout: background, a class, and a margin of void."""
    home = tmp_path / "VOC2012"
    draw = np.random.default_rng(2)
    for n in range(2):
        write(home / "JPEGImages" / f"{n}.jpg", draw.integers(0, 256, (*SHAPE, 3), dtype=np.uint8))
        labels = np.zeros(SHAPE, np.uint8)
        labels[5:15, 5:15] = 255
        labels[7:13, 7:13] = 3 + n
        write(home / "SegmentationClass" / f"{n}.png", labels)
    listing = home / "ImageSets" / "Segmentation" / "val.txt"
    listing.parent.mkdir(parents=True)
    listing.write_text("0\n1\n")
    return tmp_path


@pytest.fixture
def camvid(tmp_path):
    """Two images in CamVid's layout, where 11 is void."""
    draw = np.random.default_rng(3)
    for n in range(2):
        write(tmp_path / "val" / f"{n}.png", draw.integers(0, 256, (*SHAPE, 3), dtype=np.uint8))
        labels = np.zeros(SHAPE, np.uint8)
        labels[10:] = 3
        labels[:, 5:9] = 11
        write(tmp_path / "valannot" / f"{n}.png", labels)
    return tmp_path


def test_void_counts_nowhere_in_objects(voc, tmp_path):
    dataset = open_dataset("voc2012", voc)
    for name, margin in (("tight", 0), ("wide", 255)):
        for sample in dataset:
            write(
                tmp_path / name / f"{sample.id}.png",
                np.where(sample.void, margin, sample.truth * 255).astype("u1"),
            )
    for name in ("tight", "wide"):
        found = evaluate_masks(dataset, tmp_path / name)
        assert (found["miou"], found["accuracy"], found["max_f"]) == (1, 1, 1)
    half = np.zeros(SHAPE, np.uint8)
    half[7:10, 7:13] = 255  # half of the object
    half[5:7] = 255  # 10 of its pixels are void, 20 of them background, in each of two rows
    for n in "01":
        write(tmp_path / "half" / f"{n}.png", half)
    found = evaluate_masks(dataset, tmp_path / "half")
    assert found["miou"] == pytest.approx(18 / (36 + 40))
    assert found["accuracy"] == pytest.approx(1 - (18 + 40) / (600 - 64))


def test_void_counts_nowhere_in_a_run_either(voc, tmp_path):
    """Our own run gets on VOC what its masks get when they are measured as a tool's."""
    dataset, backbone = open_dataset("voc2012", voc), load_backbone("classical", device="cpu")
    ours = evaluate(dataset, SMALL, backbone)
    for sample in dataset:
        mask = segment(sample.load_image(), SMALL, backbone).mask
        write(tmp_path / "masks" / f"{sample.id}.png", mask)
    theirs = evaluate_masks(dataset, tmp_path / "masks")
    for key in ("per_image", "accuracy", "truths"):
        assert ours[key] == theirs[key], key
    blind = Dataset("voc2012", "object", dataset.classes, tuple(replace(s, read_void=None) for s in dataset))
    assert evaluate(blind, SMALL, backbone)["accuracy"] != ours["accuracy"]


@pytest.mark.parametrize("name", ["voc2012", "camvid"])
def test_void_counts_nowhere_in_label_maps(name, voc, camvid, tmp_path):
    dataset = open_dataset(name, voc if name == "voc2012" else camvid, "semantic")
    draw = np.random.default_rng(4)
    for sample in dataset:
        void = sample.truth == 255
        assert 0 < void.sum() < void.size
        for way in ("a", "b"):
            anything = draw.integers(0, 3, SHAPE)
            write(
                tmp_path / way / f"{sample.id}.png", np.where(void, anything, sample.truth).astype(np.uint8)
            )
    for way in ("a", "b"):
        found = evaluate_masks(dataset, tmp_path / way)
        assert (found["miou"], found["accuracy"]) == (1, 1)
        total = np.sum([*found["confusions"].values()], axis=0)
        assert total.sum() == sum((sample.truth != 255).sum() for sample in dataset)


# --- label maps -------------------------------------------------------------------------------------------


def test_label_maps_are_matched_with_the_classes(tmp_path):
    """Whatever numbers or colours a tool gives its labels, and with a label too many."""
    dataset = open_dataset("cutouts", task="semantic", limit=8)
    names = np.array([40, 7, 0, 200, 3, 99, 5, 250], np.uint8)  # of the classes in turn, and one more
    colors = np.random.default_rng(0).integers(0, 256, (256, 3), dtype=np.uint8)
    slow = {}
    for sample in dataset:
        truth = sample.truth
        labels = names[truth]
        labels[: len(labels) // 4] = 250
        write(tmp_path / "gray" / f"{sample.id}_labels.png", labels)
        write(tmp_path / "colors" / f"{sample.id}.png", colors[labels])
        slow[sample.id] = [(int(t), int(v)) for t, v in zip(truth.ravel(), labels.ravel())]
    found = evaluate_masks(dataset, tmp_path / "gray")
    pairs = [pair for part in slow.values() for pair in part]
    shown = sorted({t for t, _ in pairs})
    truth, value = np.array(pairs).T
    # a class cannot gain from another label than its own: its pixels have that one, or the one too many
    expected = {}
    for t in shown:
        own, given = truth == t, value == names[t]
        expected[t] = (own & given).sum() / (own | given).sum()
    assert found["per_class"] == {
        name: pytest.approx(expected[t]) if t in expected else None for t, name in enumerate(dataset.classes)
    }
    assert found["miou"] == pytest.approx(np.mean([*expected.values()]))
    assert found["values"] == sorted(set(value.tolist()))
    matched = dict(zip(found["values"], found["matching"], strict=True))
    assert {names[t]: t for t in shown}.items() <= matched.items()
    assert matched[250] == -1
    other = evaluate_masks(dataset, tmp_path / "colors")
    for key in ("miou", "miou_interval", "per_class", "per_image", "accuracy", "truths"):
        assert other[key] == found[key]
    assert compare(found, other)["difference"] == 0


def test_a_missing_label_map_is_0_all_over(camvid, tmp_path):
    dataset = open_dataset("camvid", camvid, "semantic")
    write(tmp_path / "a" / "0.png", np.zeros(SHAPE, np.uint8))
    found = evaluate_masks(dataset, tmp_path / "a", missing="zero")
    assert found["missing"] == ["1"]
    assert found["confusions"]["0"] == found["confusions"]["1"]
    assert found["values"] == [0]


# --- the command line -------------------------------------------------------------------------------------


def test_the_command_measures_without_a_backbone(root, theirs, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("simsam.cli.evaluate.load_backbone", None)
    file = tmp_path / "theirs.json"
    assert main(command(root, theirs, "--json", str(file), "--labels", "masks")) == 0
    said = capsys.readouterr().out
    result = json.loads(file.read_text())
    assert result == evaluate_masks(open_dataset("folder", root), theirs, labels="masks")
    assert "masks in theirs/ on 6 images of folder" in said
    assert "made with unknown weights (labels: masks)" in said
    assert f"mean IoU          {100 * result['miou']:6.2f} %" in said
    assert "seconds" not in said
    ours = tmp_path / "ours.json"
    about = {
        "recipe": "simsam",
        "changed": {},
        "backbone": "dino_vits16",
        "sha256": "e4" * 32,
        "labels": "none",
    }
    run = {k: v for k, v in result.items() if k not in ("masks", "missing", "soft")} | about
    ours.write_text(json.dumps(run))
    assert main(["compare", str(ours), str(file)]) == 0
    said = capsys.readouterr().out
    assert re.search(r"A - B +\+0\.00", said)
    assert "masks in theirs/, 6 images" in said
    assert "weights: dino_vits16 (labels: none, SHA-256 e4e4e4e4e4e4) and unknown (labels: masks)" in said


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--masks", "DIR", "--recipe", "dsm"], "--recipe is of a run"),
        (["--masks", "DIR", "--set", "kappa=0"], "--set is of a run"),
        (["--masks", "DIR", "--backbone", "classical"], "--backbone is of a run"),
        (["--masks", "DIR", "--cache", "x"], "--cache is of a run"),
        (["--masks", "DIR", "--processes", "2"], "--processes is of a run"),
        (["--masks", "DIR", "--device", "cpu"], "--device is of a run"),
        (["--masks", "DIR", "--task", "semantic", "--classes", "3"], "--classes is of a run"),
        (["--masks", "DIR", "--labels", "mask"], "did you mean 'masks'"),
        (["--masks", "nowhere"], "there is no folder nowhere"),
        (["--masks", "DIR", "--json", "/proc/none/a.json"], "cannot write"),
        (["--missing", "zero"], "--missing is of --masks"),
        (["--labels", "masks"], "--labels is of --masks"),
    ],
)
def test_options_that_do_not_belong_together(options, part, root, theirs, capsys, monkeypatch):
    monkeypatch.setattr("simsam.cli.evaluate.load_backbone", None)
    options = [str(theirs) if option == "DIR" else option for option in options]
    assert main(["evaluate", "folder", "--root", str(root), *options]) == 2
    told = capsys.readouterr().err
    assert part in told
    assert told.count("\n") == 1
