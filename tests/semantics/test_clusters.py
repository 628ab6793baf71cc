"""The stages of a collection, each alone: description, background, clusters, the centroid step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score

from simsam.features import Geometry, extract
from simsam.semantics.collection import cluster_embeddings, label_means, segment_collection
from simsam.semantics.describing import Described, describe
from simsam.semantics.recipes import SemanticRecipe, get_semantic_recipe

SCENES = get_semantic_recipe("scenes", size=112, regions=4, k=6, neighbours=4)
OBJECTS = get_semantic_recipe("objects", size=112, crop=56, pca=None)


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
