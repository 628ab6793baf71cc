"""The pipeline as a whole: every named recipe, every parameter, papers by hand, and a cat."""

from __future__ import annotations

import dataclasses
import functools
import pickle

import numpy as np
import pytest
import scipy.linalg
import torch
from PIL import Image
from scipy import ndimage
from skimage import data

from simsam import objects, pipeline
from simsam.features import extract
from simsam.pipeline import stages
from simsam.pipeline.recipes import RECIPES, Recipe, get_recipe
from simsam.pipeline.stages import segment
from simsam.spectral import eigenpairs
from simsam.weights.backbones import load_backbone

# --- one call ---


def test_a_result_is_short_to_read_and_compared_by_identity(backbone, cat):
    one, other = (segment(cat, backbone=backbone, size=112) for _ in range(2))
    assert repr(one).startswith("Result(simsam, grid 5 x 8, area ")
    assert len(repr(one)) < 100
    assert one == one
    assert one != other
    assert len({one, other}) == 2


def test_one_result_of_a_batch_keeps_nothing_of_the_others(backbone, cat):
    alone = segment(cat, "paper", backbone, size=112)
    one = segment([cat] * 4, "paper", backbone, size=112)[0]
    assert len(pickle.dumps(one)) < 1.01 * len(pickle.dumps(alone))
    for name in ("affinity", "eigenvectors", "eigenvalues", "losses"):
        part = getattr(one, name)
        assert part.untyped_storage().nbytes() == part.nbytes, name


def test_the_cat_is_the_object(backbone, cat):
    result = segment(cat, backbone=backbone)
    mask = result.mask
    assert mask.shape == cat.shape[:2]
    assert mask.dtype == bool
    # regions drawn by hand: forehead, eyes and cheeks; the room to the right of the ear; the wall on the left
    assert mask[20:200, 60:330].mean() > 0.95
    assert mask[:, 400:].mean() < 0.05
    assert mask[:90, :25].mean() < 0.05
    assert result.losses.shape == (1,)
    assert result.losses[0] < -0.5
    top, left, bottom, right = result.box
    assert mask[top:bottom, left:right].sum() == mask.sum()
    n = result.features.grid[0] * result.features.grid[1]
    assert result.affinity.shape == (n, n)
    assert result.eigenvectors.shape == (n, 7)
    assert result.eigenvalues.shape == (7,)
    assert result.eigenmaps().shape == (7, *result.features.grid)
    torch.testing.assert_close(result.eigenmaps()[2].flatten(), result.eigenvectors[:, 2])
    np.testing.assert_array_equal(result.score > 0, mask)
    assert result.masks[0] is not None
    assert len(result.masks) == 1
    assert result.backbone == "focus_vits14"
    assert result.weights == backbone.source
    assert result.recipe == RECIPES["simsam"]


@pytest.mark.parametrize("upsample", ["bilinear", "nearest"])
@pytest.mark.parametrize("name", ["coffee", "astronaut"])
def test_a_mask_is_that_of_the_score_on_all_pixels(backbone, name, upsample):
    """The guided filter computes a mask near its outline alone: here beside all of its pixels."""
    image = getattr(data, name)()
    recipe = get_recipe("simsam", size=224, min_part=0.3, upsample=upsample)
    result = segment(image, recipe, backbone)
    features = extract([image], backbone, recipe.tokens, size=224)
    W = stages.graph(features, stages.train(features, recipe), recipe, [image])
    ((score,),) = stages.readout(features, W, eigenpairs(W, recipe.k, recipe.laplacian), recipe)
    pixels = features.geometry[0].upsample(score.view(features.grid), upsample)
    refined = objects.guided_filter(pixels, image)
    kept = objects.drop_small_parts(refined, 0.3)
    assert np.mean((kept > 0).numpy() != result.mask) < 1e-5
    same = (kept > 0).numpy() == result.mask
    np.testing.assert_allclose(result.score[same], kept.numpy()[same], atol=1e-5)
    np.testing.assert_array_equal(result.score > 0, result.mask)


def test_paths_pictures_arrays_and_names(backbone, cat, tmp_path):
    path = tmp_path / "cat.png"
    Image.fromarray(cat).save(path)
    expected = segment(cat, backbone=backbone, size=140)
    for source in (path, str(path), Image.open(path)):
        np.testing.assert_array_equal(segment(source, backbone=backbone, size=140).score, expected.score)
    by_name = segment(path, RECIPES["simsam"], "focus_vits14", device="cpu", size=140)
    np.testing.assert_array_equal(by_name.score, expected.score)
    np.testing.assert_array_equal(by_name.image, cat)


@pytest.mark.parametrize("name", RECIPES)
def test_a_batch_equals_its_photos_one_by_one(backbone, cat, name):
    images = [cat, cat[:, ::-1].copy(), cat[::-1].copy()]
    together = segment(images, name, backbone, size=140)
    assert len(together) == 3
    for both, image in zip(together, images):
        alone = segment(image, name, backbone, size=140)
        torch.testing.assert_close(both.affinity, alone.affinity, atol=1e-4, rtol=0)
        torch.testing.assert_close(both.eigenvalues, alone.eigenvalues, atol=1e-4, rtol=0)
        torch.testing.assert_close(both.eigenvectors, alone.eigenvectors, atol=1e-4, rtol=0)
        np.testing.assert_allclose(both.score, alone.score, atol=1e-4)
        assert len(both.masks) == len(alone.masks)


def test_large_batches_go_in_parts(backbone, cat, monkeypatch):
    images = [cat, cat[:, ::-1].copy(), cat[::-1].copy()]
    whole, parts, run = segment(images, backbone=backbone, size=112), [], stages.run_stages
    monkeypatch.setattr(stages, "GRAPH_ENTRIES", 2 * len(whole[0].affinity) ** 2)
    monkeypatch.setattr(stages, "run_stages", lambda f, *rest: parts.append(len(f)) or run(f, *rest))
    again = segment(images, backbone=backbone, size=112)
    assert parts == [2, 1]
    for one, other in zip(whole, again, strict=True):
        np.testing.assert_allclose(one.score, other.score, atol=1e-4)
        torch.testing.assert_close(one.features.tokens, other.features.tokens)


def plain_images() -> list[np.ndarray]:
    uniform = np.full((112, 140, 3), 128, np.uint8)
    two = uniform.copy()
    two[:, 70:] = (200, 30, 30)
    checks = np.indices((112, 140)).sum(0) // 14 % 2 * np.uint8(255)
    return [uniform, two, np.repeat(checks[..., None].astype(np.uint8), 3, 2), np.zeros_like(uniform)]


@pytest.mark.parametrize("refine", ["none", "guided"])
@pytest.mark.parametrize("name", RECIPES)
def test_images_without_an_object_give_finite_results(backbone, name, refine):
    for result in segment(plain_images(), name, backbone, size=140, refine=refine):
        assert result.mask.shape == (112, 140)
        assert np.isfinite(result.score).all()
        for part in (result.affinity, result.eigenvalues, result.eigenvectors):
            assert torch.isfinite(part).all()
        assert len(result.masks) >= 1


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("shape", [(14, 42), (28, 28), (14, 300)])
def test_a_handful_of_tokens(backbone, name, shape):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert segment(image, name, backbone, size=None).mask.shape == shape


@pytest.mark.parametrize("name", ["simsam", "dsm", "maskcut", "kmeans"])
def test_too_few_tokens_to_cut(backbone, name, refused):
    with refused("1 x 2 tokens", "at least 3"):
        segment(np.zeros((14, 28, 3), np.uint8), name, backbone, size=None)


# --- every parameter matters ---

# field -> (a recipe in which it matters: a name and changes, another value)
CASES: dict[str, tuple[tuple[str, dict], object]] = {
    "backbone": (("simsam", {}), "vit_tiny_patch16_224"),
    "size": (("simsam", {}), 168),
    "tokens": (("simsam", {}), "keys"),
    "block": (("simsam", {}), 8),
    "head": (("simsam", {}), "none"),
    "projector": (("paper", {}), 2),
    "projector_nonlinear": (("simsam", {}), False),
    "predictor": (("paper", {}), 2),
    "predictor_nonlinear": (("paper", {}), True),
    "epochs": (("paper", {}), 3),
    "batch": (("paper", {}), 16),
    "lr": (("paper", {}), 0.2),
    "stop_gradient": (("paper", {}), False),
    "pairs": (("simsam", {}), 4),
    "ridge": (("simsam", {}), 0.5),
    "view_scale": (("simsam", {}), 0.5),
    "view_degrees": (("simsam", {}), 60.0),
    "view_shear": (("simsam", {}), 0.0),
    "view_shift": (("simsam", {}), 0.0),
    "graph": (("simsam", {}), "binary"),
    "offset": (("simsam", {}), "none"),
    "tau": (("tokencut", {"tokens": "output"}), 0.4),
    "kappa": (("simsam", {}), 0.3),
    "semantic_unit": (("simsam", {}), False),
    "semantic_offset": (("simsam", {}), "none"),
    "semantic": (("simsam", {"semantic_offset": "none"}), "constant"),
    "floor": (("simsam", {}), 0.1),
    "color": (("simsam", {"color_weight": 1.0}), "random_walk"),
    "color_weight": (("simsam", {"color": "random_walk"}), 1.0),
    "laplacian": (("simsam", {}), "unnormalized"),
    "k": (("simsam", {}), 12),
    "readout": (("simsam", {}), "fiedler"),
    "cluster_on": (("simsam", {}), "tokens"),
    "clusters": (("simsam", {}), (2,)),
    "border_ratio": (("simsam", {}), 5.0),
    "threshold": (("dsm", {}), "two_means"),
    "sign": (("dsm", {}), "border"),
    "component": (("tokencut", {"tokens": "output"}), False),
    "centroid": (("simsam", {}), 0),
    "objects": (("maskcut", {"tokens": "output", "block": 6, "tau": 0.5}), 1),
    "upsample": (("simsam", {}), "nearest"),
    "refine": (("simsam", {}), "none"),
    "crf": (("simsam", {"refine": "crf"}), "cutler"),
    "margin": (("simsam", {}), 0.3),
    "min_part": (("dsm", {}), 0.9),
    "seed": (("simsam", {}), 1),
}


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(Recipe)])
def test_every_parameter_changes_the_result(backbone, cat, field, monkeypatch):
    if field == "name":  # a label for whoever reads the result
        assert segment(cat, "dsm", backbone, size=70, name="mine").recipe.name == "mine"
        return
    assert field in CASES, f"the recipe has a new field, {field}: say in CASES when it matters"
    (name, changes), value = CASES[field]
    base = get_recipe(name, **{"size": 140} | changes)
    assert getattr(base, field) != value
    if field == "backbone":
        backbone = None  # the recipe's own, without the hub
        loader = functools.partial(load_backbone, weights="random")
        monkeypatch.setattr(pipeline.stages, "load_backbone", loader)
    one, other = (
        segment(cat, recipe, backbone, "cpu") for recipe in (base, get_recipe(base, **{field: value}))
    )
    same = (
        one.eigenvalues.shape == other.eigenvalues.shape
        and len(one.masks) == len(other.masks)
        and np.allclose(one.score, other.score, atol=1e-6)
        and torch.allclose(one.eigenvalues, other.eigenvalues, atol=1e-6)
    )
    assert not same, f"{field}={value!r} changes nothing"


def test_colours_are_those_of_the_pixels_that_the_grid_covers(backbone, cat):
    """At native size a margin of less than a patch belongs to no token."""
    color = {"size": None, "color": "knn", "color_weight": 1.0}
    patch = backbone.patch
    whole = cat[: 8 * patch, : 10 * patch]
    margin = np.pad(whole, ((0, patch - 1), (0, patch - 1), (0, 0)), constant_values=255)
    one, other = (segment(image, "spectral", backbone, **color) for image in (whole, margin))
    assert one.features.grid == other.features.grid == (8, 10)
    torch.testing.assert_close(one.affinity, other.affinity)


def test_a_result_says_on_which_backbone_it_was_made(backbone, cat):
    other = dataclasses.replace(backbone, name="another")
    assert segment(cat, "dsm", other, size=140).recipe.backbone == "another"


def test_tokens_that_are_not_finite_are_refused(backbone, cat, refused):
    features = extract([cat], backbone, size=140)
    features.tokens[0, 0, 0] = float("nan")
    with refused("NaN or infinite", "weights"):
        pipeline.segment_features(features, [cat], RECIPES["spectral"])


def test_kappa_0_is_no_head(backbone, cat):
    one, other = (
        segment(cat, "simsam", backbone, size=140, kappa=0.0),
        segment(cat, "spectral", backbone, size=140),
    )
    np.testing.assert_array_equal(one.score, other.score)
    assert one.losses is None
    assert other.losses is None


def test_runs_repeat(backbone, cat):
    for name in ("simsam", "paper"):
        one, other = (segment(cat, name, backbone, size=140) for _ in range(2))
        np.testing.assert_array_equal(one.score, other.score)


# --- papers by hand, in NumPy and SciPy ---


def fiedler(W: np.ndarray) -> np.ndarray:
    D = np.diag(W.sum(1))
    y = scipy.linalg.eigh(D - W, D)[1][:, 1]
    return y * np.sign(y[np.abs(y).argmax()])


def unit_tokens(photo, backbone, kind):
    features = extract(photo, backbone, kind, size=None)
    x = features.tokens.double().numpy()
    return x / np.linalg.norm(x, axis=1, keepdims=True), features


def blocks(grid_mask, features):
    return (
        features.geometry.upsample(torch.from_numpy(grid_mask.reshape(features.grid)), "nearest").numpy() > 0
    )


def test_dsm_by_hand(backbone, cat):
    photo = cat[:210, :280]
    x, features = unit_tokens(photo, backbone, "keys")
    y = fiedler(np.maximum(x @ x.T, 0))
    inside = y > 0
    if inside.mean() > 0.5:
        inside = ~inside
    result = segment(photo, "dsm", backbone)
    assert (result.mask == blocks(inside, features)).mean() > 0.995


def test_tokencut_by_hand(backbone, cat):
    # on this backbone any two keys agree by more than 0.2: the graph of the output tokens is one with a shape
    photo = cat[:210, :280]
    x, features = unit_tokens(photo, backbone, "output")
    y = fiedler(np.where(x @ x.T > 0.2, 1.0, 1e-5))
    inside = y > y.mean()  # the entry of largest magnitude is positive: its side is the object
    parts, _ = ndimage.label(inside.reshape(features.grid))
    inside = parts == parts.flatten()[np.abs(y).argmax()]
    result = segment(photo, "tokencut", backbone, tokens="output")
    assert (result.mask == blocks(inside.astype(float), features)).mean() > 0.995


def test_maskcut_takes_objects_out_one_by_one(backbone, cat):
    # on the last block's tokens the second cut is the first object again, and dropped
    settings = {"size": 140, "block": 6, "tau": 0.5, "tokens": "output"}
    result = segment(cat, "maskcut", backbone, **settings)
    assert 2 <= len(result.masks) <= 3
    for i, one in enumerate(result.masks):
        assert one.any()
        assert not any((one & other).any() for other in result.masks[:i])
    np.testing.assert_array_equal(result.mask, result.masks[0])
    single = segment(cat, "tokencut", backbone, **settings)
    np.testing.assert_array_equal(result.mask, single.mask)  # the first cut is TokenCut's


def test_cosines_without_a_threshold(backbone, cat):
    """TokenCut's ablation, from the photo warped to a square as CutLER does."""
    result = segment(cat, "tokencut", backbone, graph="cosine", tau=0.0, tokens="output", size=(140, 140))
    assert result.features.grid == (10, 10)
    assert result.mask.shape == cat.shape[:2]
    x = torch.nn.functional.normalize(result.features.tokens, dim=1)
    torch.testing.assert_close(result.affinity, torch.where(x @ x.T > 0, x @ x.T, 1e-5))


@pytest.mark.parametrize("name", ["dsm", "tokencut", "paper", "released"])
def test_one_vector_needs_no_others(backbone, cat, name):
    two, many = (segment(cat, name, backbone, size=224, k=k) for k in (RECIPES[name].k, 15))
    assert two.eigenvectors.shape[1] == 2
    np.testing.assert_array_equal(two.mask, many.mask)


def test_a_constant_in_place_of_the_semantic_affinity_is_an_offset(backbone, cat):
    """The control of chapter 9: kappa times the mean of W_SA, added everywhere."""
    with_head = segment(cat, "paper", backbone, size=140)
    constant = segment(cat, "paper", backbone, size=140, semantic="constant")
    x = with_head.features.tokens.double()
    x = x / x.norm(dim=1, keepdim=True)
    W_A = x @ x.T - (x @ x.T).mean()
    W = constant.affinity.double()
    positive = W > 0
    line = torch.stack([W_A[positive], torch.ones_like(W_A[positive])], 1)
    fitted = line @ torch.linalg.lstsq(line, W[positive][:, None]).solution
    torch.testing.assert_close(fitted[:, 0], W[positive], atol=1e-4, rtol=0)  # a scale and an offset, no more
    assert not torch.allclose(with_head.affinity, constant.affinity, atol=1e-3)


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["simsam", "dsm", "tokencut"])
def test_cuda_agrees_with_the_cpu(backbone, cat, name):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    cpu = segment(cat, name, backbone)
    gpu = segment(cat, name, load_backbone(device="cuda"))
    inside = (cpu.mask & gpu.mask).sum() / (cpu.mask | gpu.mask).sum()
    assert inside > 0.9
