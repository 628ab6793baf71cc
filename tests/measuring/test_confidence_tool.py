"""The pictures without an object, and how the tool chooses a confidence."""

from __future__ import annotations

import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import objectless
import selective

from simsam import objects
from simsam.data import load_cutouts


def test_the_largest_free_rectangle_against_trying_all():
    random = np.random.default_rng(0)
    for density in (0.1, 0.3, 0.6):
        taken = random.random((7, 8)) < density
        rows, columns = (list(combinations(range(side + 1), 2)) for side in taken.shape)
        free = [(b - t) * (r - left) for t, b in rows for left, r in columns if not taken[t:b, left:r].any()]
        top, left, bottom, right = objectless.largest_free(taken)
        assert not taken[top:bottom, left:right].any()
        assert (bottom - top) * (right - left) == max(free)


def test_a_free_rectangle_keeps_away_from_the_mask():
    mask = np.zeros((200, 400), bool)
    mask[40:60, 90:110] = True
    assert objectless.free_rectangle(mask) == (slice(0, 200), slice(110 + objectless.APART, 400))
    for cutout in load_cutouts()[::6]:
        where = objectless.free_rectangle(cutout.mask)
        assert where is None or not cutout.mask[where].any()
    assert objectless.free_rectangle(np.ones((200, 200), bool)) is None


def test_pictures_without_an_object_are_the_same_each_time_and_no_part_has_one_of_the_other():
    parts = [{one.image.tobytes() for one in objectless.objectless(part)} for part in objectless.PARTS]
    assert not parts[0] & parts[1]
    first = next(objectless.objectless("choose"))
    assert np.array_equal(first.image, next(objectless.objectless("choose")).image)
    kinds = [one.kind for one in objectless.objectless("report")]
    assert set(kinds) == set(objectless.KINDS)
    assert min(kinds.count(kind) for kind in set(kinds)) >= selective.LEAST


def row(kind: str, contrast: float, iou: float | None, seed: int) -> dict:
    random = np.random.default_rng(seed)
    found = {name: float(random.random()) for name in objects.COEFFICIENTS} | {"contrast": contrast}
    return {"kind": kind, "iou": iou, "evidence": found, "recipe": "r"}


def test_the_tool_and_the_package_have_one_formula():
    rows = [row("ecssd", 0.1 * i, 0.9, i) for i in range(9)] + [{"kind": "noise", "evidence": None}]
    model = selective.Model(objects.COEFFICIENTS, objects.INTERCEPT, objects.FOUND)
    assert model(rows) == pytest.approx([objects.confidence_of(one["evidence"]) for one in rows])


def test_what_tells_failures_gets_the_weight_and_one_photo_in_twenty_is_refused():
    good = [row("ecssd", 0.9 + 0.001 * i, 0.8, i) for i in range(90)]
    bad = [row("ecssd", 0.2, 0.1, 100 + i) for i in range(10)] + [row("noise", 0, None, i) for i in range(30)]
    model = selective.fitted(good + bad)
    weights = {name: weight for name, (_, _, weight) in model.coefficients.items()}
    assert weights["contrast"] > 3 * max(abs(w) for name, w in weights.items() if name != "contrast")
    (refused,) = selective.refusals(good + bad[:10], model, "all", "refused")
    assert float(refused["value"]) == pytest.approx(5, abs=1)
    assert (model(bad[10:]) < model.threshold).all()
