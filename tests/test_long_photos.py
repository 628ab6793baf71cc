"""Panoramas and towers: enough tokens across, nothing changed for other photos, and a sentence where not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image
from skimage import data

import simsam.features
from simsam.data import as_samples
from simsam.errors import collect
from simsam.features import ACROSS, MAX_TOKENS, TIMES, long_side, plan, tell_if_thin, to_input
from simsam.pipeline import segment
from simsam.scale.batches import grid_batches, read_batches

SIDES = st.integers(14, 30_000)
SIZES = st.integers(14, 900)


@given(SIDES, st.floats(1, 2.5), SIZES)
def test_nothing_changes_for_photos_of_usual_shape(short, aspect, size):
    shape = short, int(short * aspect)
    scale = size / max(shape)
    expected = tuple(max(1, round(side * scale / 14)) for side in shape)
    assert plan(shape, 14, size).grid == expected
    assert plan(shape[::-1], 14, size).grid == expected[::-1]


@given(SIDES, st.floats(2.5, 100), SIZES)
def test_long_photos(short, aspect, size):
    long = int(short * aspect)
    assume(long > 2.5 * short)
    side = long_side((short, long), 14, size)
    assert long_side((long, short), 14, size) == side
    assert side >= size  # never fewer than before
    assert side <= max(size, long) + 1e-6  # no pixels that the photo does not have
    scale = side / long
    across = short * scale / 14
    assert across <= max(ACROSS, short * size / long / 14) + 1e-6
    tokens = across * long * scale / 14
    budget = min(TIMES * (size / 14) ** 2, MAX_TOKENS / 2)
    assert tokens <= max(budget, (size / 14) ** 2) + 1e-6
    # and as many as these three allow
    wanted = min(ACROSS, size / 2.5 / 14)
    reached = [across >= wanted - 1e-6, scale >= 1 - 1e-6, tokens >= budget * (1 - 1e-6)]
    assert any(reached)


def test_the_grids_of_some_long_photos():
    assert min(plan((300, 5200), 14, 480).grid) >= 12
    assert plan((5200, 300), 14, 480).grid == plan((300, 5200), 14, 480).grid[::-1]
    assert plan((100, 8000), 14, 480).grid == (7, 571)  # its own pixels
    for size in (None, (480, 480)):  # who says both sides has both
        assert plan((300, 5200), 14, size).grid == ((21, 371) if size is None else (34, 34))


@pytest.mark.parametrize(
    ("shape", "told"), [((100, 8000), "7 x 571"), ((300, 5200), None), ((90, 100), None)]
)
def test_what_is_thin_is_told(shape, told):
    with collect() as notes:
        tell_if_thin(plan(shape, 14, 480), 14, 480, "tower.jpg")
    assert len(notes) == (told is not None)
    for note in notes:
        assert told in note
        assert note.startswith("tower.jpg is 100 x 8000 pixels")


def test_a_ribbon_is_read_as_its_header_promised(tmp_path):
    path = tmp_path / "ribbon.png"
    Image.fromarray(np.zeros((2000, 60, 3), np.uint8)).save(path)
    assert grid_batches(as_samples([path]), 14, 480) == [[0]]
    with pytest.warns(UserWarning, match="ribbon.png is 2000 x 60"):
        ((item,),) = read_batches([path], 14, 480, workers=0)
    assert item.error is None
    assert any("tokens" in note for note in item.notes)


def test_a_tower_has_a_mask(backbone):
    tower = np.full((1600, 100, 3), (90, 120, 150), np.uint8)
    tower[700:900, 20:80] = np.asarray(Image.fromarray(data.cat()).resize((60, 200)))
    with pytest.warns(UserWarning, match="1600 x 100"):
        result = segment(tower, backbone=backbone)
    assert result.features.grid == (114, 7)
    assert result.mask.any()


def test_a_photo_reduced_in_stripes_is_reduced_at_once(backbone, monkeypatch):
    image = data.rocket()
    where = plan(image.shape[:2], 14, 200)
    monkeypatch.setattr(simsam.features, "STRIPE", 640 * 50)
    x = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    size = [side * 14 for side in where.grid]
    x = F.interpolate(x, size, mode="bicubic", antialias=True).clamp(0, 1)[0]
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (backbone.mean, backbone.std))
    torch.testing.assert_close(to_input(image, where, backbone), (x - mean) / std, atol=1e-5, rtol=0)
