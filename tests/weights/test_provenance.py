"""Whose weights: every name has an answer, and a name never means two things."""

from __future__ import annotations

import pytest
import timm
import torch
from safetensors.torch import save_file

from simsam.weights.backbones import BACKBONES, TIMM_MODULES, load_backbone, provenance_of
from simsam.weights.provenance import LABELS, by_name
from simsam.weights.sources import read_record


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_says_whose_it_is(name):
    found = provenance_of(name)
    assert found.labels in LABELS
    assert found.labels != "unknown"
    assert found.origin
    assert found.images


def test_the_default_keeps_its_three_grades_apart(backbone):
    found = backbone.provenance
    assert (backbone.name, found.labels) == ("focus_vits14", "masks, very likely")
    assert "altered" in found.parent
    for grade in ("Certain:", "Very likely:", "Unknown:"):
        assert grade in found.note


@pytest.mark.parametrize(
    ("timm_name", "labels"),
    [
        ("vit_small_patch16_224.dino", "none"),
        ("vit_small_patch14_reg4_dinov2.lvd142m", "none"),
        ("vit_base_patch16_224.mae", "none"),
        ("vit_huge_patch14_gap_224.in22k_ijepa", "none"),
        ("vit_base_patch16_224.augreg_in21k", "classes"),
        ("deit_small_patch16_224.fb_in1k", "classes"),
        ("vit_base_patch16_clip_224.openai", "text"),
        ("vit_base_patch16_clip_224.openai_ft_in1k", "classes"),
        ("vit_base_patch16_siglip_224.webli", "text"),
        ("samvit_base_patch16.sa1b", "masks"),
        ("vit_so400m_patch14_siglip_gap_448.pali_refcoco_seg", "masks"),
        ("vit_base_patch16_224.something_new", "unknown"),
        ("vit_tiny_patch16_224", "unknown"),
    ],
)
def test_labels_by_timms_tags(timm_name, labels):
    assert by_name(timm_name, timm_name).labels == labels


def test_every_name_of_timms_has_an_answer():
    names = [name for module in TIMM_MODULES for name in timm.list_models(module=module, pretrained=True)]
    assert len(names) > 200
    assert {by_name(name, name).labels for name in names} <= set(LABELS)


def test_untrained_weights_are_a_control_whose_blocks_do_something():
    untrained = load_backbone("untrained_vits14", device="cpu")
    assert (untrained.provenance.labels, untrained.sha256) == ("none", "")
    for block in untrained.model.blocks:
        assert (block.ls1.gamma == 1).all()
        assert (block.ls2.gamma == 1).all()
    x = torch.randn(1, 3, 56, 56, generator=torch.Generator().manual_seed(0))
    _, inner = untrained.model.forward_intermediates(x, indices=[0, 11], output_fmt="NLC", norm=True)
    # with timm's LayerScale of 1e-5 the last block's output was the first one's
    assert torch.cosine_similarity(inner[0], inner[1], dim=-1).mean() < 0.9


def test_a_file_of_ones_own_is_unknown_unless_its_hash_is_known(backbone, tmp_path):
    path = tmp_path / "own.safetensors"
    state = {key: value.contiguous() for key, value in backbone.model.state_dict().items()}
    save_file({**state, "norm.bias": state["norm.bias"] + 1}, path)
    assert load_backbone("dinov2_vits14", path, "cpu").provenance.labels == "unknown"
    known = load_backbone("dinov2_vits14", read_record("focus_vits14").path, "cpu")
    assert known.provenance == backbone.provenance


def test_dinov2_names_the_benchmarks_behind_its_images():
    for name in ("dinov2_vits14", "dinov2_vitb14_reg"):
        assert all(known in provenance_of(name).images for known in ("ImageNet-22k", "ADE20K", "Pascal VOC"))
    assert "registers" in provenance_of("dinov2_vits14_reg").origin
    assert provenance_of("dino_vits16").images.startswith("ImageNet-1k")


def test_a_name_never_means_two_things():
    published, ours = provenance_of("dinov2_vits14"), provenance_of("focus_vits14")
    assert (published.labels, ours.labels) == ("none", "masks, very likely")
    assert "published" in published.origin
    assert "published" not in ours.origin
    assert load_backbone("dinov2_vits14", "random", "cpu").provenance == provenance_of("untrained_vits14")
