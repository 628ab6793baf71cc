"""Regions of one image, and label maps at full resolution, each against a slow oracle."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from simsam.features import Geometry, to_input
from simsam.objects.readouts import border_frame
from simsam.pipeline.stages import segment
from simsam.semantics import labelmaps
from simsam.semantics.labelmaps import hard_labels, refine_labels, upsample_labels
from simsam.semantics.regions import (
    BACKGROUND,
    border_region,
    crop_boxes,
    eigen_regions,
    eigengap,
    embed_crops,
    number,
    pixel_box,
    pooled,
    region_boxes,
    spectral_regions,
    without,
)
from simsam.spectral.laplacian import eigenpairs
from simsam.weights.backbones import load_backbone

GRID = (9, 12)


@pytest.fixture
def random_regions():
    """A region map (n,) of five blobs, and background."""
    generator = torch.Generator().manual_seed(3)
    coarse = torch.randint(-1, 5, (3, 4), generator=generator)
    coarse.view(-1)[:6] = torch.arange(-1, 5)
    return coarse.repeat_interleave(3, 0).repeat_interleave(3, 1).flatten()


def blocks(sizes, within=1.0, between=1e-4):
    """A graph (n, n) of groups that hardly touch."""
    group = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))
    return torch.where(group[:, None] == group, within, between), group


# --- how many, and which ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_eigengap_is_the_widest_step(seed):
    values = torch.rand(8, generator=torch.Generator().manual_seed(seed)).sort().values
    steps = {k: float(values[k] - values[k - 1]) for k in range(2, 8)}
    assert eigengap(values) == max(steps, key=steps.get)


def test_eigengap_by_hand(refused):
    assert eigengap(torch.tensor([0.0, 0.01, 0.02, 0.9, 0.95])) == 3
    assert eigengap(torch.tensor([0.0, 0.5, 0.6])) == 2  # the first step makes one region: not asked for
    with refused("2 eigenvalues"):
        eigengap(torch.tensor([0.0, 0.1]))


@pytest.mark.parametrize("sizes", [(5, 4, 3), (20, 30, 10, 15)])
def test_groups_that_hardly_touch_are_the_regions(sizes):
    W, group = blocks(sizes)
    spectrum = eigenpairs(W, len(sizes) + 2)
    assert eigengap(spectrum.values) == len(sizes)
    found = spectral_regions(spectrum.vectors[:, : len(sizes)], len(sizes))
    assert torch.equal(found, group)  # numbered as they first appear
    assert connected_components(W.numpy() > 0.5)[0] == len(sizes)


def test_spectral_regions_are_k_means_of_the_unit_columns():
    generator = torch.Generator().manual_seed(0)
    centres = 4 * torch.randn(6, 5, generator=generator)
    group = torch.randint(6, (200,), generator=generator)
    V = torch.cat([torch.ones(200, 1), centres[group] + 0.3 * torch.randn(200, 5, generator=generator)], 1)
    columns = (V[:, 1:] / V[:, 1:].norm(dim=0)).numpy()
    oracle = KMeans(6, n_init=20, random_state=0).fit_predict(columns)
    assert adjusted_rand_score(oracle, spectral_regions(V, 6).numpy()) == 1
    assert torch.equal(spectral_regions(V, 6, seed=1), spectral_regions(V, 6, seed=1))
    assert spectral_regions(V, 1).unique().tolist() == [0]


def test_spectral_regions_refuse_what_cannot_be(refused):
    V = torch.rand(6, 3)
    with refused("constant"):
        spectral_regions(V[:, :1], 2)
    with refused("k=7 clusters of 6 points"):
        spectral_regions(V, 7)


def test_number_goes_by_first_appearance(random_regions):
    names, expected = {BACKGROUND: BACKGROUND}, []
    for label in (7 * (random_regions + 1) % 6 - 1).tolist():
        names.setdefault(label, len(names) - 1)
        expected.append(names[label])
    assert number(7 * (random_regions + 1) % 6 - 1).tolist() == expected
    assert number(torch.tensor([-1, -1])).tolist() == [-1, -1]


@pytest.mark.parametrize("seed", range(5))
def test_border_region_owns_most_of_the_frame(seed):
    regions = torch.randint(4, (GRID[0] * GRID[1],), generator=torch.Generator().manual_seed(seed))
    h, w = GRID
    counts = [0] * 4
    for i in range(h):
        for j in range(w):
            counts[int(regions[i * w + j])] += i in (0, h - 1) or j in (0, w - 1)
    assert border_region(regions, GRID) == counts.index(max(counts))
    assert sum(counts) == int(border_frame(GRID).sum())


def test_without_makes_background_and_numbers_anew():
    regions = torch.tensor([2, 0, 1, 1, 0, 2])
    assert without(regions, regions == 2).tolist() == [-1, 0, 1, 1, 0, -1]
    assert without(regions, torch.ones(6, dtype=torch.bool)).tolist() == [-1] * 6


# --- boxes and embeddings ---------------------------------------------------------------------------------


def slow_erosion(mask):
    """True where a token and its four neighbours are; beyond the border counts as True."""
    h, w = mask.shape
    out = mask.copy()
    for i, j in np.argwhere(mask):
        near = [(i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)]
        out[i, j] = all(mask[a, b] for a, b in near if 0 <= a < h and 0 <= b < w)
    return out


@pytest.mark.parametrize(("erode", "dilate"), [(0, 0), (1, 0), (0, 2), (2, 3), (1, 1)])
def test_region_boxes_against_a_slow_oracle(random_regions, erode, dilate):
    field = random_regions.reshape(GRID).numpy()
    expected = []
    for region in range(5):
        mask = field == region
        core = mask
        for _ in range(erode):
            core = slow_erosion(core) if slow_erosion(core).any() else core
        for _ in range(dilate):
            # dilation is erosion of the rest; beyond the border there is nothing to grow from
            core = ~slow_erosion(~core)
        rows, columns = np.nonzero(core)
        expected.append((rows.min(), columns.min(), rows.max() + 1, columns.max() + 1))
    assert region_boxes(random_regions, GRID, erode, dilate) == expected


def test_erosion_takes_an_arm_off_and_keeps_a_thin_region():
    field = torch.full((8, 12), BACKGROUND)
    field[0:5, 0:5] = 0
    field[2, 5:12] = 0  # an arm
    field[7, 2:9] = 1  # thin all over
    assert region_boxes(field.flatten(), (8, 12), 0, 0) == [(0, 0, 5, 12), (7, 2, 8, 9)]
    assert region_boxes(field.flatten(), (8, 12), 1, 1) == [(0, 0, 5, 6), (6, 1, 8, 10)]
    # as often as something is left: the corner of the square, which the photo's border protects
    assert region_boxes(field.flatten(), (8, 12), 9, 0)[0] == (0, 0, 1, 1)
    assert region_boxes(torch.full((6,), BACKGROUND), (2, 3)) == []


def test_pixel_box_of_a_resized_and_of_a_cropped_image():
    resized = Geometry((60, 90), (0, 0, 60, 90), (4, 6))
    assert pixel_box((0, 0, 4, 6), resized) == (0, 0, 60, 90)
    assert pixel_box((1, 2, 3, 3), resized) == (15, 30, 45, 45)
    cropped = Geometry((61, 95), (0, 0, 56, 84), (4, 6))
    assert pixel_box((3, 5, 4, 6), cropped) == (42, 70, 56, 84)


def test_pooled_is_the_mean_of_each_region(random_regions):
    tokens = torch.randn(len(random_regions), 7, generator=torch.Generator().manual_seed(0))
    slow = torch.stack([tokens[random_regions == region].mean(0) for region in range(5)])
    torch.testing.assert_close(pooled(tokens, random_regions), slow)
    assert pooled(tokens, torch.full((len(tokens),), BACKGROUND)).shape == (0, 7)


@pytest.fixture(scope="module")
def tiny():
    return load_backbone("vit_tiny_patch16_224", weights="random", device="cpu")


def test_crops_are_cut_and_resized(tiny, cat):
    geometry = Geometry(cat.shape[:2], (0, 0, *cat.shape[:2]), (6, 9))
    crops = crop_boxes(cat, geometry, [(0, 0, 6, 9), (2, 3, 4, 6)], tiny, 70)
    assert crops.shape == (2, 3, 64, 64)  # 70 in whole patches of 16
    part = np.ascontiguousarray(cat[100:200, 150:301])
    whole = Geometry(part.shape[:2], (0, 0, *part.shape[:2]), (4, 4))
    torch.testing.assert_close(crops[1], to_input(part, whole, tiny))
    assert crop_boxes(cat, geometry, [], tiny).shape == (0, 3, 224, 224)


def test_crops_are_embedded_by_the_class_token(tiny, cat):
    geometry = Geometry(cat.shape[:2], (0, 0, *cat.shape[:2]), (6, 9))
    crops = crop_boxes(cat, geometry, [(0, 0, 3, 3), (2, 3, 4, 6), (1, 1, 6, 9)], tiny, 64)
    alone = torch.cat([tiny.model.forward_features(crop[None])[:, 0] for crop in crops])
    torch.testing.assert_close(embed_crops(crops, tiny, batch=2), alone, rtol=1e-4, atol=1e-4)
    assert embed_crops(crops[:0], tiny).shape == (0, tiny.dim)


# --- label maps -------------------------------------------------------------------------------------------


def test_soft_labels_add_up_and_are_bilinear():
    geometry = Geometry((40, 61), (0, 0, 40, 56), (5, 7))  # a margin of five columns
    labels = torch.randint(4, (35,), generator=torch.Generator().manual_seed(1))
    soft = upsample_labels(labels, geometry, 4)
    assert soft.shape == (4, 40, 61)
    torch.testing.assert_close(soft.sum(0), torch.ones(40, 61))
    for label in range(4):
        field = (labels == label).float().view(1, 1, 5, 7)
        slow = F.interpolate(field, (40, 56), mode="bilinear", align_corners=False)[0, 0]
        torch.testing.assert_close(soft[label, :, :56], slow)
        torch.testing.assert_close(soft[label, :, 56:], slow[:, -1:].expand(40, 5))


@pytest.mark.parametrize("at_once", [1, 3, 100])
@pytest.mark.parametrize("seed", range(10))
def test_hard_labels_are_the_argmax_of_soft_ones(seed, at_once, monkeypatch):
    draw = np.random.default_rng(seed)
    h, w, count = draw.integers(1, 12, 3)
    H, W = draw.integers(12, 90, 2)
    geometry = Geometry((H + 3, W + 2), (1, 2, H, W), (h, w))
    labels = torch.from_numpy(draw.integers(0, count, h * w))
    monkeypatch.setattr(labelmaps, "ENTRIES", at_once * (H + 3) * (W + 2))
    expected = upsample_labels(labels, geometry, count).argmax(0)
    assert torch.equal(hard_labels(labels, geometry, count), expected)


@pytest.fixture
def three_stripes():
    """A photo of three plain stripes, its labels, and soft labels that are four pixels off."""
    truth = np.repeat([0, 1, 2], [60, 70, 50])[None].repeat(120, 0)
    colors = np.array([[200, 40, 30], [30, 160, 60], [40, 60, 200]])
    noise = np.random.default_rng(0).integers(-8, 9, (120, 180, 3))
    image = (colors[truth] + noise).astype(np.uint8)
    wrong = np.roll(truth, 4, 1)
    wrong[:, :4] = 0
    soft = F.one_hot(torch.from_numpy(wrong)).permute(2, 0, 1).float()
    return image, truth, F.avg_pool2d(soft[None], 9, 1, 4, count_include_pad=False)[0]


@pytest.mark.parametrize("method", ["guided", "crf"])
def test_refinement_moves_labels_to_the_edges(three_stripes, method):
    if method == "crf":
        pytest.importorskip("pydensecrf")
    image, truth, soft = three_stripes
    before = (soft.argmax(0).numpy() != truth).mean()
    after = (refine_labels(soft, image, method).argmax(0).numpy() != truth).mean()
    assert before > 0.03
    assert after < before / 2


def test_refinement_leaves_alone_what_it_should(three_stripes, refused):
    image, _, soft = three_stripes
    assert refine_labels(soft, image, "none") is soft
    assert refine_labels(soft[:1], image, "guided").shape == (1, 120, 180)
    tiny = torch.rand(2, 3, 2).softmax(0)
    assert refine_labels(tiny, image[:3, :2], "guided").shape == (2, 3, 2)
    with refused("refinement of label maps", "did you mean 'guided'"):
        refine_labels(soft, image, "guide")
    with refused("(120, 180)", "(60, 180)"):
        refine_labels(soft, image[:60], "guided")


def test_eigen_regions_of_a_photo(backbone, cat, refused):
    result = segment(cat, "spectral", backbone, size=112)
    labels = eigen_regions(result, 4)
    assert labels.shape == cat.shape[:2]
    assert labels.dtype == np.uint8
    assert set(np.unique(labels)) == {0, 1, 2, 3}
    assert len(np.unique(eigen_regions(result))) <= eigengap(result.eigenvalues)
    for count in (0, 257):
        with refused(f"{count} regions", "256"):
            eigen_regions(result, count)


def test_the_numbers_of_the_crf_are_those_of_the_recipe(three_stripes):
    pytest.importorskip("pydensecrf")
    image, _, soft = three_stripes
    found = [refine_labels(soft, image, "crf", settings) for settings in ("simsam", "dsm", "cutler")]
    assert not torch.equal(found[0], found[1])
    assert not torch.equal(found[1], found[2])
