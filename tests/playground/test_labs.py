"""The labs of the chapters, each on a page of its own, moved by the keyboard alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import numpy as np
import playground as extension
import pytest
import torch
from browser import opened
from chapters import NOTEBOOKS, cells

from simsam import spectral

LABS = extension.SOURCES / "labs"
ASKED = re.compile(r'<div data-lab="(\w+)"([^>]*)>\n\n?(.+?)\n\n?</div>', re.S)
PAGE = """<!doctype html><html lang="en" data-theme="light"><meta charset="utf-8"><title>A lab</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="_static/playground/labs.css">
<script defer src="_static/playground/playground.js"></script>
<script defer src="_static/playground/labs.js"></script>
<div data-lab="{}" {}>A sentence.</div></html>"""


def in_chapters() -> dict[str, tuple[str, str, str]]:
    """What the chapters hold: lab -> (chapter, data attributes, the sentence for those without script)."""
    found = {}
    for path in NOTEBOOKS:
        for cell in cells(path):
            for name, data, sentence in ASKED.findall(cell["source"] * (cell["cell_type"] == "markdown")):
                found[name] = (path.stem, data, sentence)
    return found


@pytest.fixture(scope="module")
def lab(browser, photos: Path) -> Iterator[Callable]:
    """`lab(name)`: a page with this lab as its chapter has it. It asks no other host and raises nothing."""
    view = opened(browser, viewport={"width": 375, "height": 800}, reduced_motion="reduce")
    faults: list[str] = []
    view.on("pageerror", lambda error: faults.append(str(error)))
    view.on(
        "request", lambda sent: sent.url.startswith(("file:", "data:", "blob:")) or faults.append(sent.url)
    )

    def show(name: str):
        (photos / f"{name}.html").write_text(PAGE.format(name, in_chapters()[name][1]), encoding="utf-8")
        view.goto((photos / f"{name}.html").as_uri())
        view.wait_for_selector(".lab")
        return view

    yield show
    view.close()
    assert not faults


def said(view) -> str:
    return view.text_content(".lab-said")


def press(view, selector: str, *keys: str) -> str:
    """Press keys on a form element, wait until the lab says something else, and return that."""
    before = said(view)
    view.focus(selector)
    for key in keys:
        view.keyboard.press(key)
    view.wait_for_function("(old) => document.querySelector('.lab-said').textContent !== old", arg=before)
    return said(view)


def test_chapters_and_labs_name_each_other() -> None:
    known = re.search(r"const LABS = \{(.*?)\};", (LABS / "start.js").read_text(encoding="utf-8"), re.S)[1]
    asked = in_chapters()
    assert set(asked) == set(re.findall(r"(\w+):", known))
    for _, _, sentence in asked.values():
        assert len(sentence.split()) >= 5


@pytest.mark.parametrize("name", sorted(in_chapters()))
def test_a_lab_is_reachable_named_and_no_wider_than_a_phone(lab, name: str) -> None:
    view = lab(name)
    assert view.evaluate("document.documentElement.scrollWidth") <= 375
    unnamed = """[...document.querySelectorAll('.lab :is(input, select, button)')].filter((element) =>
        !element.labels?.length && !element.textContent.trim() && !element.ariaLabel).length"""
    assert view.evaluate(unnamed) == 0
    silent = "[...document.querySelectorAll('.lab :is(canvas, svg)')].filter((one) => !one.ariaLabel).length"
    assert view.evaluate(silent) == 0
    ids = view.evaluate("[...document.querySelectorAll('[id]')].map(({ id }) => id)")
    assert len(ids) == len(set(ids))
    assert said(view)


def test_a_page_without_photo_keeps_its_sentence(browser, photos: Path, tmp_path: Path) -> None:
    for file in ("playground.js", "labs.js", "labs.css"):
        to = tmp_path / "_static" / "playground" / file
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes((photos / "_static" / "playground" / file).read_bytes())
    (tmp_path / "index.html").write_text(PAGE.format("decisions", ""), encoding="utf-8")
    view = opened(browser)
    view.goto((tmp_path / "index.html").as_uri())
    assert "did not start" in view.text_content("[role=alert]")
    assert "A sentence." in view.text_content("[data-lab]")
    view.close()


def test_decisions(lab) -> None:
    view = lab("decisions")
    every = "[...document.querySelectorAll('.lab-photo')].map((one) => one.ariaLabel.match(/\\d+ %/)[0])"
    before = view.evaluate(every)
    assert "no longer counts" in said(view)
    # without the vote the cut counts again, and its side can be turned
    assert "no longer counts" not in press(view, "#lab-decisions-vote", "Space")
    after = view.evaluate(every)
    assert after[:2] == before[:2]
    assert after[1] == after[2]
    press(view, "#lab-decisions-centroid", "Space")
    press(view, "#lab-decisions-margin", "Space")
    assert len(set(view.evaluate(every)[1:])) == 1
    assert view.evaluate("document.querySelectorAll('.lab-off').length") == 3
    press(view, "#lab-decisions-threshold", "End")
    engine = """async () => {
        const { PRESETS, engine } = SIMSAM_PLAYGROUND;
        const cut = { readout: "fiedler", threshold: "zero", centroid: 0, margin: 0 };
        const settings = { ...PRESETS.spectral.settings, ...cut };
        const { mask } = await engine().run("astronaut", settings);
        return mask.reduce((sum, one) => sum + one, 0) / mask.length;
    }"""
    assert said(view).startswith(f"The last mask covers {100 * view.evaluate(engine):.0f} %")


def numbers(sentence: str) -> list[float]:
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", sentence)]


def test_affinity(lab) -> None:
    view = lab("affinity")
    row, column, joined, others, *_ = numbers(said(view))
    moved = numbers(press(view, "#lab-affinity-patch", "ArrowRight", "ArrowDown"))
    assert moved[:2] == [row + 1, column + 1]
    press(view, "#lab-affinity-patch", "ArrowLeft", "ArrowUp")
    assert numbers(said(view))[:3] == [row, column, joined]
    assert numbers(press(view, "#lab-affinity-kappa", "End"))[2] != joined
    press(view, "#lab-affinity-kappa", "Home")
    # every edge goes when the offset grows to its end, and the graph falls into pieces
    fewer = press(view, "#lab-affinity-offset", "End")
    assert numbers(fewer)[2] < joined
    assert "pieces" in fewer
    assert numbers(press(view, "#lab-affinity-offset", "Home"))[2] == others
    view.click("#lab-affinity-patch", position={"x": 1, "y": 1})
    assert numbers(said(view))[:2] == [1, 1]


def test_threshold(lab) -> None:
    view = lab("threshold")
    engine = """async () => {
        const settings = { head: "none", kappa: 0, readout: "fiedler", threshold: "ncut", k: 2 };
        const found = await SIMSAM_PLAYGROUND.engine().run("cat", settings);
        const { cut, eigenvalues, eigenvectors, grid } = found;
        const y = eigenvectors.subarray(grid[0] * grid[1]);
        return [y.filter((value) => value <= cut).length, eigenvalues[1]];
    }"""
    below, lowest = view.evaluate(engine)
    _, start, _, price, _, bound, cheapest = (
        float(x) for x in re.findall(r"\d+(?:\.\d+)?", said(view).replace("λ₂", "lambda 2"))
    )
    assert bound == pytest.approx(lowest, abs=1e-3)
    assert bound < cheapest <= price
    press(view, ".lab-buttons button:nth-child(2)", "Enter")
    assert f" {below} patches in colour" in said(view)
    assert f"Ncut {cheapest:.3f}" in said(view)
    assert start != below
    more = press(view, "#lab-threshold-at", "End")
    assert numbers(more)[1] > below


def test_training(lab) -> None:
    view = lab("training")
    untrained, *_ = numbers(said(view).split("is")[1])
    view.focus(".lab-buttons button:nth-child(2)")
    view.keyboard.press("Enter")
    view.wait_for_function("document.querySelector('.lab-said').textContent.includes('after 10 epochs')")
    assert view.input_value("#lab-training-epoch") == "10"
    with_stop = numbers(said(view))
    without = press(view, "#lab-training-stop", "Space")
    view.wait_for_function("document.querySelector('.lab-said').textContent.includes('after 10 epochs')")
    assert without.startswith("Without")
    # the untrained head is the same, and what was trained is kept
    assert numbers(press(view, "#lab-training-epoch", "Home"))[1] == untrained
    assert numbers(press(view, "#lab-training-stop", "Space"))[1] == untrained
    again = "document.querySelector('.lab-said').textContent.includes('after 10 epochs')"
    view.focus("#lab-training-epoch")
    for _ in range(10):
        view.keyboard.press("ArrowRight")
    view.wait_for_function(again)
    assert numbers(said(view)) == with_stop


def test_bootstrap(lab) -> None:
    _, data, _ = in_chapters()["bootstrap"]
    given = [[float(x) for x in listed.split()] for listed in re.findall(r'data-\w+="([\d. ]+)"', data)]
    (cell,) = (
        cell["source"]
        for path in NOTEBOOKS
        for cell in cells(path)
        if path.stem == "08_measuring" and cell["source"].startswith("# NBVAL_CHECK_OUTPUT\nfirst = ")
    )
    listed = re.findall(r"^(?:first|second) = np\.array\(\[(.*?)\]\)", cell, re.M)
    assert given == [[float(x) for x in one.split(",")] for one in listed]
    first, second = np.array(given)
    view = lab("bootstrap")
    assert f"{first.mean():.2f}" in said(view)
    once = press(view, ".lab-buttons button:nth-child(1)", "Enter")
    images = [int(x) - 1 for x in re.findall(r"\d+", view.text_content(".lab-drawn").split(";")[0])]
    assert f"{first[images].mean():.3f}" in view.text_content(".lab-drawn")
    assert "Drawings: 1." in once
    view.focus(".lab-buttons button:nth-child(2)")
    for _ in range(20):
        view.keyboard.press("Enter")
    drawn = np.random.default_rng(0).choice(first, size=(20_000, 5)).mean(axis=1)
    expected = np.quantile(drawn, [0.025, 0.975])
    np.testing.assert_allclose(numbers(said(view).split("Drawings")[1])[1:3], expected, atol=0.03)
    press(view, "#lab-bootstrap-difference", "Space")
    assert f"{(first - second).mean():.2f}" in said(view)
    assert "clear of 0" in press(view, ".lab-buttons button:nth-child(2)", "Enter")
    press(view, "#lab-bootstrap-paired", "Space")
    assert "around 0" in press(view, ".lab-buttons button:nth-child(2)", "Enter")


def cheapest_cuts(edges: dict[str, float]) -> tuple[float, float, float]:
    """lambda 2 of a small graph, the least Ncut along its vector, and the least of all, as in the chapter."""
    names = sorted({name for edge in edges for name in edge})
    W = torch.zeros(len(names), len(names), dtype=torch.float64)
    for (one, other), weight in edges.items():
        i, j = names.index(one), names.index(other)
        W[i, j] = W[j, i] = weight
    degree = W.sum(1)

    def price(inside: torch.Tensor) -> float:
        cut = W[inside][:, ~inside].sum()
        return float(cut / degree[inside].sum() + cut / degree[~inside].sum())

    pairs = spectral.eigenpairs(W, 3)
    y = pairs.vectors[:, 1]
    along = [price(y > at) for at in y.sort().values[:-1]]
    every = [torch.tensor(side) for side in product([True, False], repeat=len(names))]
    return float(pairs.values[1]), min(along), min(price(s) for s in every if s.any() and not s.all())


def cuts_told(view) -> tuple[float, float, float]:
    """The same three, as the lab says them."""
    told = said(view)
    prices = [float(x) for x in re.findall(r"Ncut (\d\.\d+)", told)]
    return float(re.match(r"λ₂ = (\d\.\d+)", told)[1]), prices[0], prices[-1]


SIX = {"ab": 8, "ac": 6, "bc": 8, "cd": 3, "de": 8, "ef": 2}
LADDER = {"ab": 4, "bc": 4, "cd": 4, "de": 4, "fg": 4, "gh": 4, "hi": 4, "ij": 4}
LADDER |= {"af": 1, "bg": 1, "ch": 1, "di": 1, "ej": 1}


def test_cut_begins_with_the_chapters_graph_and_prices_it_as_python_does(lab) -> None:
    (source,) = (
        cell["source"] for path in NOTEBOOKS for cell in cells(path) if cell["source"].startswith("names = ")
    )
    assert f"edges = {json.dumps(SIX)}" in source
    view = lab("cut")
    assert cuts_told(view) == pytest.approx(cheapest_cuts(SIX), abs=6e-4)
    assert "abc | def" in said(view)
    assert "all 31 cuts none is cheaper" in said(view)
    # the chapter's question: the heaviest bridge is still the best cut
    assert "abc | def" in press(view, "#lab-cut-weight", "End")
    assert cuts_told(view) == pytest.approx(cheapest_cuts({**SIX, "cd": 10}), abs=6e-4)
    # without it the graph falls in two, and undo brings all of it back
    assert "in pieces" in press(view, "#lab-cut-weight", "Home")
    press(view, "#lab-cut-graph", "Control+z")
    assert cuts_told(view) == pytest.approx(cheapest_cuts(SIX), abs=6e-4)


def test_cut_knows_a_graph_whose_second_vector_misses_the_best_cut(lab) -> None:
    view = lab("cut")
    press(view, "#lab-cut-graph", "End")
    found = cheapest_cuts(LADDER)
    assert cuts_told(view) == pytest.approx(found, abs=6e-4)
    assert found[2] < 0.6 * found[1]
    assert "abcde | fghij" in said(view).split("511")[1]
    severed = "document.querySelectorAll('.lab-severed').length"
    view.select_option("#lab-cut-cut", "all")
    assert view.evaluate(severed) == 5
    # the third knows it
    press(view, "#lab-cut-vector", "ArrowDown")
    assert cuts_told(view)[1] == pytest.approx(found[2], abs=6e-4)
    assert "no threshold" in press(view, "#lab-cut-vector", "Home")
    # the triangle with w = 1: any cut is as good as another
    press(view, "#lab-cut-graph", "Home", "ArrowDown")
    view.focus("#lab-cut-vector")
    view.keyboard.press("End")
    assert "many" not in said(view)
    view.focus("#lab-cut-weight")
    for _ in range(8):
        view.keyboard.press("ArrowLeft")
    assert view.input_value("#lab-cut-weight") == "1"
    assert "one vector of many" in said(view)


def nodes_of(view) -> str:
    return "".join(view.locator(".lab-node text").all_text_contents())


def test_cut_is_drawn_by_keyboard(lab) -> None:
    view = lab("cut")
    node = view.get_by_role("button", name="node e")
    node.focus()
    before = node.get_attribute("transform")
    view.keyboard.press("ArrowRight")
    assert node.get_attribute("transform") != before
    assert node.evaluate("node => node === document.activeElement")
    view.keyboard.press("Control+z")
    assert node.get_attribute("transform") == before
    view.keyboard.press("Enter")
    assert (view.input_value("#lab-cut-end-0"), view.input_value("#lab-cut-end-1")) == ("d", "e")
    assert node.get_attribute("aria-pressed") == "true"
    view.keyboard.press("Delete")
    assert nodes_of(view) == "abcdf"
    assert "in pieces" in said(view)
    add = view.get_by_role("button", name="Add a node")
    add.focus()
    for _ in range(9):
        view.keyboard.press("Enter")
    assert nodes_of(view) == "abcdefghijkl"
    assert add.is_disabled()
    assert "all 2047 cuts" in said(view)
    remove = view.get_by_role("button", name="Remove")
    for _ in range(12):
        if remove.is_enabled():
            remove.press("Enter")
    assert len(nodes_of(view)) == 3
    reset = view.get_by_role("button", name="Reset")
    reset.press("Enter")
    assert nodes_of(view) == "abcdef"
    assert cuts_told(view) == pytest.approx(cheapest_cuts(SIX), abs=6e-4)


def test_cut_is_drawn_by_pointer(lab) -> None:
    view = lab("cut")
    centre = "node => ((r) => [r.x + r.width / 2, r.y + r.height / 2])(node.getBoundingClientRect())"
    view.locator(".lab-graph").scroll_into_view_if_needed()
    x, y = view.get_by_role("button", name="node f").locator("circle").evaluate(centre)
    view.mouse.move(x, y)
    view.mouse.down()
    view.mouse.move(x - 20, y + 40, steps=4)
    view.mouse.up()
    moved = view.get_by_role("button", name="node f").locator("circle").evaluate(centre)
    assert moved == pytest.approx([x - 20, y + 40], abs=1)
    assert view.input_value("#lab-cut-end-1") == "d"  # to move a node is not to choose it
    view.get_by_role("button", name="node a").click()
    view.get_by_role("button", name="node f").click()
    assert (view.input_value("#lab-cut-end-0"), view.input_value("#lab-cut-end-1")) == ("a", "f")
    assert "no edge" in view.text_content(".lab-slider")
    box = view.locator(".lab-paper").bounding_box()
    view.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.85 * box["height"])
    assert nodes_of(view) == "abcdefg"
    assert view.input_value("#lab-cut-weight") == "1"  # joined to the node that was chosen last
    assert cuts_told(view) == pytest.approx(cheapest_cuts({**SIX, "fg": 1}), abs=6e-4)
