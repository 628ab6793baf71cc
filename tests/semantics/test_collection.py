"""A collection with known classes, determinism, streaming, a cache, two processes, and the command line."""

from __future__ import annotations

import gc
import json
import shutil
import subprocess
import sys
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from sklearn.metrics import adjusted_rand_score

from simsam.cli import main
from simsam.data.datasets import open_dataset
from simsam.data.exports import label_colors, write_labels
from simsam.features import Geometry, extract
from simsam.measuring import metrics
from simsam.measuring.comparisons import compare
from simsam.measuring.semantic import evaluate_semantic
from simsam.pipeline.settings import known_settings, parse_setting
from simsam.semantics import describing
from simsam.semantics.collection import cluster_embeddings, label_means, segment_collection
from simsam.semantics.describing import Described, describe
from simsam.semantics.recipes import SEMANTIC_RECIPES, SemanticRecipe, get_semantic_recipe
from simsam.weights.backbones import load_backbone

SCENES = get_semantic_recipe("scenes", size=112, regions=4, k=6, neighbours=4)
OBJECTS = get_semantic_recipe("objects", size=112, crop=56, pca=None)
ENOUGH = 900  # seconds a subprocess may take on a busy machine


@pytest.fixture(scope="session")
def textures(tmp_path_factory):
    """Six photos of brick and of noise, side by side or one over the other, and their label maps.

    Brick and grass would be harder: which of their crops one takes decides how well they are told apart.
    """
    root = tmp_path_factory.mktemp("textures")
    (root / "images").mkdir()
    (root / "masks").mkdir()
    draw = np.random.default_rng(0)
    for n in range(6):
        labels = np.full((224, 224), n // 2 % 2, np.uint8)
        labels[(slice(None), slice(112, None)) if n % 2 else slice(112, None)] ^= 1
        top, left = draw.integers(0, 512 - 224, 2)
        brick = data.brick()[top : top + 224, left : left + 224, None]
        noise = draw.integers(0, 256, (224, 224, 3))
        image = np.where(labels[..., None] == 0, brick, noise).astype(np.uint8)
        Image.fromarray(image).save(root / "images" / f"{n}.png")
        labels[:4] = 255  # void
        Image.fromarray(labels).save(root / "masks" / f"{n}.png")
    (root / "classes.txt").write_text("brick\nnoise\n")
    return root


@pytest.fixture(scope="session")
def things():
    """Three objects, each of them four times: mirrored or not, of any size, on a ground of any colour."""
    picked = [s for s in open_dataset("cutouts", task="semantic") if s.id[:3] in ("009", "020", "035")]
    draw, samples = np.random.default_rng(0), []
    for n in range(12):
        source = picked[n % 3]
        image, truth = source.load_image(), source.truth
        rows, columns = (np.flatnonzero((truth > 0).any(axis)) for axis in (1, 0))
        cut = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        side = 100 + 12 * (n // 3)
        thing, inside = (Image.fromarray(x[cut]).resize((side, side), 0) for x in (image, truth))
        ground = (
            draw.integers(60, 200, 3)
            + np.linspace(0, 40, 224)[:, None, None]
            + draw.normal(0, 6, (224, 224, 3))
        )
        labels = np.zeros((224, 224), np.uint8)
        top, left = draw.integers(30, 224 - 30 - side, 2)
        place = np.s_[top : top + side, left : left + side]
        turn = np.s_[:, :: 1 - 2 * (n // 3 % 2)]
        labels[place] = np.asarray(inside)[turn]
        ground[place] = np.where(labels[place][..., None] > 0, np.asarray(thing)[turn], ground[place])
        samples.append(
            replace(source, id=f"{n}", read_image=ground.astype(np.uint8).copy, read_truth=labels.copy)
        )
    return replace(open_dataset("cutouts", task="semantic"), samples=tuple(samples))


@pytest.fixture(scope="session")
def dataset(textures):
    return open_dataset("folder", textures, task="semantic")


@pytest.fixture(scope="session")
def tiny():
    return load_backbone("vit_tiny_patch16_224", weights="random", device="cpu")


@pytest.fixture
def forwards(tiny, monkeypatch):
    """How many images each forward pass of the tiny backbone saw."""
    seen, real = [], tiny.model.forward_intermediates
    watched = lambda x, **how: seen.append(len(x)) or real(x, **how)  # noqa: E731
    monkeypatch.setattr(tiny.model, "forward_intermediates", watched, raising=False)
    return seen


def same(a, b):
    """Two collections agree, to the bit."""
    assert a.failed == b.failed
    for i in range(len(a.samples)):
        for x, y in ((a.maps[i], b.maps[i]), (a.labels[i], b.labels[i])):
            assert np.array_equal(x, y)
        assert np.array_equal(a.described[i].embeddings, b.described[i].embeddings)


# --- the whole of it --------------------------------------------------------------------------------------


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
    assert result["per_image"].keys() == confusions.keys()
    assert result["recipe"] == "mine"
    assert result["changed"] == result["settings"]
    assert evaluate_semantic(dataset, SCENES, tiny, classes=4)["changed"] == {
        "regions": 4, "neighbours": 4, "base.size": 112, "base.k": 6
    }  # fmt: skip
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


# --- the stages -------------------------------------------------------------------------------------------


def test_describe_alone_and_in_a_batch(dataset, tiny):
    images = [sample.load_image() for sample in dataset[:3]]
    for recipe in (SCENES, OBJECTS, replace(SCENES, centroid=False, background="border", regions="eigengap")):
        features = extract(images, tiny, recipe.base.tokens, recipe.base.block, recipe.base.size)
        together = describe(features, images, recipe, tiny)
        for b, image in enumerate(images):
            one = describe(features[b : b + 1], [image], recipe, tiny)[0]
            assert np.array_equal(one.regions, together[b].regions)
            np.testing.assert_allclose(one.embeddings, together[b].embeddings, rtol=1e-3, atol=1e-3)
            assert len(one.embeddings) == one.regions.max() + 1


def test_the_baseline_is_every_token(dataset, tiny):
    recipe = get_semantic_recipe("tokens", size=112)
    image = dataset[0].load_image()
    features = extract([image], tiny, "output", -1, 112)
    found = describe(features, [image], recipe, tiny)[0]
    assert np.array_equal(found.regions, np.arange(49).reshape(7, 7))
    unit = torch.nn.functional.normalize(features.tokens[0], dim=-1)
    np.testing.assert_allclose(found.embeddings, unit.numpy(), rtol=1e-6)


def test_background_is_what_the_rules_say(dataset, tiny):
    image = dataset[0].load_image()
    features = extract([image], tiny, "output", -1, 112)
    recipe = replace(SCENES, centroid=False)
    found = {
        rule: describe(features, [image], replace(recipe, background=rule), tiny)[0].regions
        for rule in ("none", "border", "object")
    }
    assert found["none"].min() == 0
    for rule in ("border", "object"):
        assert found[rule].min() == -1
        inside = found[rule] >= 0
        pairs = set(zip(found["none"][inside], found[rule][inside], strict=True))
        assert len(pairs) == found[rule].max() + 1  # the regions are the same, but for the background


@pytest.mark.parametrize("cluster", ["kmeans", "spectral"])
@pytest.mark.parametrize("pca", [None, 3, 50])
def test_clusters_of_embeddings(cluster, pca):
    draw = np.random.default_rng(0)
    truth = draw.permutation(np.repeat([0, 1, 2], [40, 20, 12]))
    e = 5 * draw.normal(size=(3, 16))[truth] + 0.2 * draw.normal(size=(72, 16))
    recipe = SemanticRecipe(cluster=cluster, pca=pca)
    labels = cluster_embeddings(e.astype(np.float32), 3, recipe)
    assert adjusted_rand_score(truth, labels) == 1
    assert np.bincount(labels).tolist() == [40, 20, 12]  # the largest first
    assert np.array_equal(labels, cluster_embeddings(e.astype(np.float32), 3, recipe))


def test_normalised_embeddings_are_compared_by_direction():
    draw = np.random.default_rng(0)
    direction = np.repeat([0, 1], 30)
    e = np.eye(2)[direction] * draw.choice([1.0, 50.0], 60)[:, None] + 0.01 * draw.normal(size=(60, 2))
    plain, unit = (
        cluster_embeddings(e.astype(np.float32), 2, SemanticRecipe(normalise=n, pca=None))
        for n in (False, True)
    )
    assert adjusted_rand_score(direction, unit) == 1
    assert adjusted_rand_score(direction, plain) < 0.9


def test_clusters_fitted_on_a_sample_and_too_few(refused):
    draw = np.random.default_rng(0)
    truth = np.repeat([0, 1], 200)
    e = (np.array([[0.0, 9.0], [9.0, 0.0]])[truth] + draw.normal(size=(400, 2))).astype(np.float32)
    labels = cluster_embeddings(e, 2, SemanticRecipe(sample=20, pca=None))
    assert adjusted_rand_score(truth, labels) == 1
    assert cluster_embeddings(e[:1], 1, SemanticRecipe()).tolist() == [0]
    with refused("2 regions in all cannot make 3 clusters"):
        cluster_embeddings(e[:2], 3, SemanticRecipe())


def test_label_means_against_a_slow_oracle():
    draw = np.random.default_rng(0)
    geometry = Geometry((8, 8), (0, 0, 8, 8), (4, 5))
    regions = [
        draw.permutation(np.arange(20) % 3).reshape(4, 5),
        draw.permutation(np.arange(20) % 2).reshape(4, 5),
    ]
    described = [Described(r, draw.normal(size=(r.max() + 1, 6)), geometry) for r in regions]
    labels = [np.array([1, 0, 1]), np.array([2, 0])]
    slow = np.zeros((3, 6))
    for d, label in zip(described, labels, strict=True):
        for region in d.regions.ravel():
            slow[label[region]] += d.embeddings[region]
    np.testing.assert_allclose(
        label_means([described[0], None, described[1]], [labels[0], None, labels[1]], 3), slow, rtol=1e-6
    )


def test_the_centroid_step_gives_each_token_to_the_nearest_mean(dataset, tiny):
    found = segment_collection(dataset, SCENES, 3, tiny)
    plain = segment_collection(dataset, replace(SCENES, centroid=False), 3, tiny)
    means = label_means(plain.described, plain.labels, 3)
    for i, sample in enumerate(dataset):
        assert np.array_equal(found.labels[i], plain.labels[i])
        tokens = extract(sample.load_image(), tiny, "keys", -1, 112).tokens.numpy()
        cosine = tokens @ (means / np.linalg.norm(means, axis=1, keepdims=True)).T
        assert (found.maps[i].ravel() == cosine.argmax(1)).mean() > 0.97  # but for ties in rounding


# --- settings ---------------------------------------------------------------------------------------------


def test_every_setting_of_the_recipe_can_be_given_by_text():
    recipe = SEMANTIC_RECIPES["published"]
    for name in known_settings(SemanticRecipe):
        value = getattr(recipe if hasattr(recipe, name) else recipe.base, name)
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        assert parse_setting(f"{name}={text}", SemanticRecipe) == (name, value)
    assert parse_setting("regions=eigengap", SemanticRecipe) == ("regions", "eigengap")
    assert parse_setting("refine=none", SemanticRecipe) == ("refine", "none")
    assert get_semantic_recipe("published", pca=None, sample=np.int64(9)).sample == 9


@pytest.mark.parametrize(
    "text",
    [
        *("erode=-1", "erode=foo", "dilate=1.5", "dilate=1000", "regions=none", "regions=true"),
        *("regions=1.5", "crop=foo", "crop=none", "crop=0", "crop=224.0", "crop=100000", "pca=foo", "pca=0"),
        *("restarts=none", "restarts=0", "sample=0", "sample=-1", "sample=foo", "seed=foo", "seed=-1"),
        *("seed=none", f"seed={2**63}", "normalise=foo", "normalise=1", "neighbours=foo", "neighbours=0"),
    ],
)
def test_a_setting_of_another_type_or_range_is_refused(text, refused):
    with refused(text.partition("=")[0]):
        get_semantic_recipe("published", **dict([parse_setting(text, SemanticRecipe)]))


def test_the_largest_seed_can_be_used():
    recipe = get_semantic_recipe("published", seed=2**63 - 1, sample=3)
    assert len(cluster_embeddings(np.eye(4), 2, recipe)) == 4


def test_changes_reach_the_recipe_or_its_base():
    recipe = get_semantic_recipe("scenes", regions=9, kappa=0.0, seed=4, refine="guided")
    assert (recipe.regions, recipe.base.kappa, recipe.seed, recipe.base.seed) == (9, 0.0, 4, 4)
    assert recipe.refine == "guided"
    assert recipe.base.refine == SEMANTIC_RECIPES["scenes"].base.refine
    assert get_semantic_recipe(recipe) == recipe


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"embed": "clss"}, "did you mean 'cls'"),
        ({"background": "sky"}, "unknown background"),
        ({"refine": "matting"}, "unknown refine"),
        ({"regions": "many"}, "eigengap"),
        ({"regions": 0}, "regions=0"),
        ({"erode": -1}, "erode=-1"),
        ({"erode": "2"}, "a whole number"),
        ({"normalise": 1}, "True or False"),
        ({"pca": 0}, "pca=0"),
        ({"kapa": 1.0}, "did you mean 'kappa'"),
        ({"kappa": -1.0}, "kappa=-1.0"),
        ({"centroid": True}, "centroid needs"),
        ({"readout": "maskcut"}, "one mask"),
    ],
)
def test_bad_settings_are_refused(refused, changes, part):
    with refused(part):
        get_semantic_recipe("objects", **changes)


def test_unknown_recipe_and_bad_text(refused):
    with refused("did you mean 'scenes'"):
        get_semantic_recipe("scene")
    for text in ("embed", "kappa"):
        with refused(repr(text), "FIELD=VALUE"):
            parse_setting(text, SemanticRecipe)
    with refused("unknown setting"):
        parse_setting("name=mine", SemanticRecipe)
    with refused("no value for kappa"):
        parse_setting("kappa=much", SemanticRecipe)


# --- files, processes, the command line -------------------------------------------------------------------


def test_colors_are_told_apart_and_labels_are_the_indices(tmp_path):
    colors = label_colors(50)
    assert len(np.unique(colors, axis=0)) == 50
    assert colors[0].tolist() == [0, 0, 0]
    assert label_colors(5, background=False)[0].tolist() == colors[1].tolist()
    assert label_colors(255).shape == (255, 3)
    labels = np.arange(50, dtype=np.uint8).reshape(5, 10)
    write_labels(tmp_path / "a.png", labels, colors)
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "P"
        assert np.array_equal(np.asarray(image), labels)
        assert np.array_equal(np.asarray(image.convert("RGB")), colors[labels])


def semantic(folder, out, *options):
    small = ["--device", "cpu", "--set", "size=112", "--set", "crop=56", "--backbone", "vit_tiny_patch16_224"]
    return ["semantic", str(folder), "-o", str(out), "--classes", "3", *small, *options]


@pytest.fixture
def weights(tiny, tmp_path_factory):
    """The random weights of the tiny backbone in a file, for the command line."""
    from safetensors.torch import save_file

    path = tmp_path_factory.getbasetemp() / "tiny.safetensors"
    if not path.exists():
        save_file({k: v.contiguous() for k, v in tiny.model.state_dict().items()}, path)
    return path


@pytest.fixture
def photos(textures, tmp_path):
    """The photos of `textures`, and a file that only claims to be one."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for path in (textures / "images").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "bad.jpg").write_text("no photo")
    return folder


def test_command_line_goes_past_a_bad_file(photos, weights, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(semantic(photos, out, "--weights", str(weights), "--sheet")) == 2
    told = capsys.readouterr()
    assert "bad.jpg" in told.err
    assert "6 of 7 done" in told.out
    report = json.loads((out / "labels.json").read_text())
    assert len(report["photos"]) == 6
    assert [*report["failed"]] == [str(photos / "bad.jpg")]
    assert report["labels"]["0"]["background"] is True
    colors = [tuple(bytes.fromhex(label["color"][1:])) for label in report["labels"].values()]
    for path, photo in report["photos"].items():
        assert sum(photo["share"].values()) == pytest.approx(1, abs=1e-5)
        with Image.open(out / photo["map"]) as image:
            labels = np.asarray(image)
            shape = Image.open(path).size[::-1]
            assert labels.shape == shape
            assert [tuple(c) for c in np.array(image.getpalette()).reshape(-1, 3)[:3]] == colors
        for label, share in photo["share"].items():
            assert share == pytest.approx((labels == int(label)).mean(), abs=1e-5)
            assert path in report["labels"][label]["photos"]
    with Image.open(out / "labels.png") as image:
        assert image.height > 3 * 100
    before = {path.name: path.read_bytes() for path in out.glob("*_labels.png")}
    (photos / "bad.jpg").unlink()
    assert main(semantic(photos, out, "--weights", str(weights), "--quiet")) == 0
    assert capsys.readouterr().out == ""
    assert {path.name: path.read_bytes() for path in out.glob("*_labels.png")} == before


def test_command_line_refuses_what_cannot_be(photos, weights, tmp_path, capsys):
    options = ("--weights", str(weights))
    assert main(semantic(photos, tmp_path / "out", *options, "--recipe", "scene")) == 2
    assert "did you mean 'scenes'" in capsys.readouterr().err
    assert main(semantic(tmp_path / "nowhere", tmp_path / "out", *options)) == 2
    assert "nowhere" in capsys.readouterr().err
    assert main(semantic(photos, photos / "bad.jpg", *options)) == 2
    assert "is a file" in capsys.readouterr().err
    assert main(semantic(photos, tmp_path / "out", *options, "--batch", "0")) == 2
    assert "--batch 0" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["objects", "scenes"])
def test_two_processes_give_the_files_of_one(photos, weights, tmp_path, recipe):
    options = (
        "--weights",
        str(weights),
        "--quiet",
        "--recipe",
        recipe,
        "--set",
        "pca=none",
        "--set",
        "regions=3",
    )
    assert main(semantic(photos, tmp_path / "one", *options)) == 2
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m"]
    done = subprocess.run(
        [*torchrun, "simsam", *semantic(photos, tmp_path / "two", *options)],
        capture_output=True,
        text=True,
        timeout=ENOUGH,
    )
    assert "bad.jpg is not an image" in done.stderr
    assert done.stderr.count("simsam: ") == 1
    one, two = ({p.name: p for p in (tmp_path / n).iterdir() if p.is_file()} for n in ("one", "two"))
    assert one.keys() == two.keys()
    for name in one:
        assert one[name].read_bytes() == two[name].read_bytes(), name
