"""The page's resize against the package's: the same pixels in, the same input of the network out."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from network_export import resize_matrix  # tools/, see conftest.py
from skimage import data
from twins import unpacked

from simsam.features import plan, to_input
from simsam.weights import Backbone

SIZE, PATCH = 392, 14
IN_PAGE = """async ([text, shape, grid, info]) => {
    const { firstStep, reduceByMean, toInput } = SIMSAM_PLAYGROUND.modules.resize;
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const times = firstStep(shape, grid, info.patch);
    const photo = { height: shape[0], width: shape[1], data: bytes };
    const input = toInput(times > 1 ? reduceByMean(photo, times) : photo, grid, info);
    let out = "";
    const raw = new Uint8Array(input.buffer);
    for (let i = 0; i < raw.length; i += 32768) out += String.fromCharCode(...raw.subarray(i, i + 32768));
    return { times, input: { type: "Float32Array", bytes: btoa(out) } };
}"""


def noise(height: int, width: int) -> np.ndarray:
    """The hardest picture to resize: no two pixels alike."""
    return np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)


PICTURES = {
    "cat": data.cat,
    "rocket": data.rocket,
    "enlarged": lambda: noise(61, 80),
    "as it is": lambda: noise(392, 392),
    "long": lambda: noise(90, 800),
    "reduced by 2 first": lambda: noise(571, 653),
    "reduced by 3 first": lambda: noise(851, 997),
}


@pytest.mark.parametrize("name", PICTURES)
def test_input_is_the_package_s_to_a_grey_level(name: str, page, backbone: Backbone) -> None:
    image = PICTURES[name]()
    where = plan(image.shape[:2], PATCH, 140 if name.startswith("reduced") else SIZE)
    expected = to_input(image, where, backbone).numpy()
    info = {"patch": PATCH, "mean": backbone.mean, "std": backbone.std}
    text = base64.b64encode(np.ascontiguousarray(image).tobytes()).decode()
    found = unpacked(page.evaluate(IN_PAGE, [text, list(image.shape[:2]), list(where.grid), info]))
    levels = np.abs(found["input"].reshape(expected.shape) - expected) * 255
    levels *= np.array(backbone.std, np.float32).reshape(3, 1, 1)
    assert levels.max() <= 1
    assert levels.mean() < 0.01
    if name.startswith("reduced"):
        assert found["times"] == int(name.split()[2])


def test_grid_is_the_package_s(page) -> None:
    rng = np.random.default_rng(0)
    shapes = [(14, 14), (392, 392), (512, 512), (300, 451), (400, 1000), (35, 49)]
    shapes += [tuple(int(side) for side in rng.integers(200, 5000, 2)) for _ in range(300)]
    shapes = [shape for shape in shapes if max(shape) <= 4 * min(shape)]  # longer ones: the next test
    plan_all = "(shapes) => shapes.map((s) => SIMSAM_PLAYGROUND.modules.resize.planGrid(s, 14, 392))"
    found = page.evaluate(plan_all, [list(shape) for shape in shapes])
    assert [tuple(grid) for grid in found] == [plan(shape, PATCH, SIZE).grid for shape in shapes]


def test_grid_of_a_panorama_has_no_more_tokens_than_a_square(page) -> None:
    """Other than the package, which takes four times as many: the page compares every pair of them."""
    grid = page.evaluate("() => SIMSAM_PLAYGROUND.modules.resize.planGrid([500, 8000], 14, 392)")
    assert grid[0] * grid[1] <= 784 * 1.05
    assert grid[0] >= 6


def test_photo_smaller_than_a_patch_is_refused_in_a_sentence(page) -> None:
    ask = """() => { try { SIMSAM_PLAYGROUND.modules.resize.planGrid([9, 200], 14, 392); }
                     catch (error) { return error.message; } }"""
    assert page.evaluate(ask) == "The photo has 200 × 9 pixels: it needs 14 at least on either side."


@pytest.mark.parametrize("new", [1, 8, 21, 28, 37, 50])
def test_matrix_of_positions_is_torch_s(new: int, page) -> None:
    found = page.evaluate(f"() => Array.from(SIMSAM_PLAYGROUND.modules.resize.resizeMatrix(37, {new}))")
    np.testing.assert_allclose(np.reshape(found, (new, 37)), resize_matrix(37, new), atol=1e-5)
