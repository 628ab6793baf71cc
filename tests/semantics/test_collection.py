"""A collection with known classes, determinism, streaming and a cache."""

from __future__ import annotations

import gc
import json
import shutil
import weakref
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from simsam.data.datasets import open_dataset
from simsam.measuring import metrics
from simsam.measuring.comparisons import compare
from simsam.measuring.semantic import evaluate_semantic
from simsam.semantics import describing
from simsam.semantics.collection import cluster_embeddings, segment_collection
from simsam.semantics.recipes import get_semantic_recipe

SCENES = get_semantic_recipe("scenes", size=112, regions=4, k=6, neighbours=4)
OBJECTS = get_semantic_recipe("objects", size=112, crop=56, pca=None)


def same(a, b):
    """Two collections agree, to the bit."""
    assert a.failed == b.failed
    for i in range(len(a.samples)):
        for x, y in ((a.maps[i], b.maps[i]), (a.labels[i], b.labels[i])):
            assert np.array_equal(x, y)
        assert np.array_equal(a.described[i].embeddings, b.described[i].embeddings)


def test_known_surfaces_are_found(dataset, backbone, tmp_path):
    recipe = get_semantic_recipe(SCENES, size=224)
    result = evaluate_semantic(dataset, recipe, backbone, file=tmp_path / "a.json", cache=tmp_path / "cache")
    assert result["miou"] > 0.9
    assert result["accuracy"] > 0.95
    assert sorted(result["matching"]) == [0, 1]
    assert json.loads((tmp_path / "a.json").read_text()) == result
    tokens = get_semantic_recipe("tokens", size=224)
    baseline = evaluate_semantic(dataset, tokens, backbone, cache=tmp_path / "cache")
    difference = compare(result, baseline)
    assert difference["difference"] == pytest.approx(result["miou"] - baseline["miou"])
    assert difference["interval"][0] <= difference["difference"] <= difference["interval"][1]
    assert difference["images"] == 6
    assert compare(result, result)["interval"] == [0, 0]


def test_known_things_are_found(things, backbone):
    result = evaluate_semantic(
        things, get_semantic_recipe("objects", size=224, crop=112), backbone, classes=4
    )
    assert result["miou"] > 0.8
    tokens = evaluate_semantic(things, get_semantic_recipe("tokens", size=224), backbone, classes=4)
    assert compare(result, tokens)["interval"][0] > 0


def test_evaluation_counts_every_pixel_that_has_a_class(dataset, tiny, refused):
    result = evaluate_semantic(dataset, replace(SCENES, name="mine"), tiny, classes=4)
    confusions = {name: np.array(c) for name, c in result["confusions"].items()}
    assert list(confusions) == [sample.id for sample in dataset]
    collection = segment_collection(dataset, SCENES, 4, tiny)
    for i, sample in enumerate(dataset):
        labels, slow = collection.label_map(i), np.zeros((2, 4), int)
        np.add.at(slow, (sample.truth[4:].ravel(), labels[4:].ravel()), 1)
        assert np.array_equal(confusions[sample.id], slow)
    total = sum(confusions.values())
    assert result["miou"] == metrics.miou(total)
    assert result["miou_interval"][0] <= result["miou_interval"][1]
    assert result["per_class"] == dict(
        zip(("brick", "noise"), metrics.class_iou(total, metrics.match_clusters(total)), strict=True)
    )
    assert result["per_image"].keys() == result["truths"].keys() == confusions.keys()
    assert result["recipe"] == "mine"
    assert result["changed"] == result["settings"]
    assert evaluate_semantic(dataset, SCENES, tiny, classes=4)["changed"] == {
        "regions": 4, "neighbours": 4, "base.size": 112, "base.k": 6
    }  # fmt: skip
    assert evaluate_semantic(dataset[:1], None, tiny, classes=2)["recipe"] == "objects"
    street = evaluate_semantic(replace(dataset[:1], name="camvid"), None, tiny, classes=2)
    assert street["recipe"] == "scenes"
    with refused("semantic task"):
        evaluate_semantic(open_dataset("cutouts", limit=2), SCENES, tiny)
    with refused("classes=0"):
        evaluate_semantic(dataset, SCENES, tiny, classes=0)
    with refused("batch=0"):
        evaluate_semantic(dataset, SCENES, tiny, batch=0)
    with refused("no image in common"):
        compare(result, result | {"confusions": {}})
    with refused("one measures"):
        compare(result, result | {"dataset": "other"})


def test_a_mask_that_cannot_be_read_is_left_out_and_told(textures, dataset, tiny, tmp_path, refused):
    shutil.copytree(textures, tmp_path / "set")
    bad = tmp_path / "set" / "masks" / "2.png"
    bad.write_text("no mask")
    spoilt = open_dataset("folder", tmp_path / "set", task="semantic")
    result = evaluate_semantic(spoilt, SCENES, tiny, classes=4)
    assert result["images"] == 5
    assert list(result["failed"]) == ["2"]
    assert str(bad) in result["failed"]["2"]
    whole = evaluate_semantic(dataset, SCENES, tiny, classes=4)["confusions"]
    assert result["confusions"] == {name: counts for name, counts in whole.items() if name != "2"}
    with refused("none of 1 images could be measured", str(bad)):
        evaluate_semantic(spoilt[2:3], SCENES, tiny, classes=2)


@pytest.mark.parametrize("recipe", [SCENES, OBJECTS])
def test_two_runs_and_a_cache_give_the_same_to_the_bit(dataset, tiny, tmp_path, forwards, recipe):
    first = segment_collection(dataset, recipe, 3, tiny)
    same(first, segment_collection(dataset, recipe, 3, tiny, cache=tmp_path / "a", features=tmp_path / "f"))
    forwards.clear()
    same(first, segment_collection(dataset, recipe, 3, tiny, cache=tmp_path / "a", features=tmp_path / "f"))
    assert not forwards
    fewer = segment_collection(dataset, recipe, 2, tiny, cache=tmp_path / "a", features=tmp_path / "f")
    assert set(np.concatenate(fewer.labels)) <= {0, 1}
    assert not forwards
    for file in (tmp_path / "a").iterdir():
        file.write_bytes(file.read_bytes()[:100])  # damaged
    same(first, segment_collection(dataset, recipe, 3, tiny, cache=tmp_path / "a"))
    other = get_semantic_recipe(recipe, kappa=2.0)
    forwards.clear()
    segment_collection(dataset, other, 3, tiny, cache=tmp_path / "a")
    assert forwards


def test_features_of_one_batch_are_in_memory_at_a_time(dataset, tiny, monkeypatch):
    alive, real = [], describing.describe

    def watched(features, *rest):
        gc.collect()
        assert not [ref for ref in alive if ref() is not None]
        alive.append(weakref.ref(features.tokens))
        return real(features, *rest)

    monkeypatch.setattr(describing, "describe", watched)
    segment_collection(dataset, replace(SCENES, centroid=False), 3, tiny, batch=2)
    assert len(alive) == 3


def test_images_of_any_source_and_bad_ones(dataset, tiny, tmp_path, refused):
    bad = tmp_path / "bad.png"
    bad.write_text("no image")
    small = Image.new("RGB", (300, 5))
    images = [dataset[0].path, bad, dataset[1].load_image(), small, Image.open(dataset[2].path)]
    found = segment_collection(images, SCENES, 3, tiny, batch=3)
    assert sorted(found.failed) == [1, 3]
    assert "bad.png" in found.failed[1]
    assert "smaller than one patch" in found.failed[3]
    assert found.described[1] is found.labels[1] is found.maps[1] is None
    good = segment_collection(dataset[:3], SCENES, 3, tiny, batch=3)
    assert len(found.embeddings) == len(good.embeddings)
    with refused("none of 1 images", "bad.png"):
        segment_collection([bad], SCENES, 3, tiny)
    with refused("classes=0: give 1 to 255."):
        segment_collection(dataset, SCENES, 0, tiny)
    with refused("classes=1", "give 2 to 255"):
        segment_collection(dataset, OBJECTS, 1, tiny)
    with refused("regions in all cannot make 200 clusters"):
        segment_collection(dataset, SCENES, 200, tiny)
    with refused("sample=2", "3 clusters"):
        segment_collection(dataset, replace(SCENES, sample=2), 3, tiny)
    spectral = replace(SCENES, sample=2, cluster="spectral", restarts=1)  # which makes no use of it
    assert segment_collection(dataset, spectral, 3, tiny).classes == 3
    with refused("crop=15", "16 or more"):
        segment_collection(dataset, replace(OBJECTS, crop=15), 3, tiny)
    with refused("background all over"):
        cluster_embeddings(np.empty((0, 4)), 1, OBJECTS)


def test_a_photo_that_is_too_small_is_named(tiny, cat, tmp_path):
    Image.fromarray(cat).save(tmp_path / "cat.png")
    Image.fromarray(cat[:8, :10]).save(tmp_path / "tiny.png")
    found = segment_collection([tmp_path / "cat.png", tmp_path / "tiny.png"], SCENES, 2, tiny)
    assert found.failed[1].startswith(f"{tmp_path / 'tiny.png'} is 8 x 10 pixels")
