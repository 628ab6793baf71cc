"""The playground's page, driven with the keyboard alone: every move reaches pictures, text and address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import opened, served
from conftest import ROOT
from matplotlib import colormaps

MARKDOWN = (ROOT / "book" / "playground.md").read_text(encoding="utf-8")
MODULES = ROOT / "book" / "playground" / "page"
BODY = "\n".join(re.findall(r"^```\{raw\} html\n(.*?)^```", MARKDOWN, re.M | re.S))
PAGE = f"""<!doctype html><html lang="en" data-theme="light"><meta charset="utf-8">
<title>The playground</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<link rel="stylesheet" href="../_static/playground/page.css">
<script defer src="../_static/playground/playground.js"></script>
<script defer src="../_static/playground/page.js"></script>
<main class="bd-article">{BODY}</main></html>"""
LIGHT = 3e6  # bytes before a click
READY = ".pg[data-ready]:not([aria-busy])"
COFFEE = "#photo=coffee&preset=spectral"


@pytest.fixture(scope="module")
def site(photos: Path) -> Path:
    """The playground's scripts and photos, with its page: the HTML of book/playground.md."""
    (photos / "book").mkdir()
    (photos / "book" / "playground.html").write_text(PAGE, encoding="utf-8")
    return photos


@pytest.fixture(scope="module")
def view(browser, site: Path) -> Iterator:
    """The page from its file, with everything that it asked for and complained of."""
    page = opened(browser, viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page.errors, page.asked = [], []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda said: page.errors.append(said.text) if said.type == "error" else None)
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto((site / "book" / "playground.html").as_uri() + COFFEE)
    page.wait_for_selector(READY)
    yield page
    page.close()


@pytest.fixture
def at(view) -> Iterator:
    """Bring the page to an address: `at("photo=cat&kappa=1")`; afterwards nothing may have gone wrong."""

    def go(address: str):
        view.evaluate(
            """address => location.hash.slice(1) === address || new Promise((done) => {
                addEventListener("hashchange", () => setTimeout(done), { once: true });
                location.hash = address;
            })""",
            address,
        )
        return settled(view)

    yield go
    assert view.errors == []
    assert view.locator("[data-part=error]").text_content() == ""


def settled(view):
    # what a key has begun is marked at once, before the event is over
    view.wait_for_selector(READY)
    return view


def press(view, *keys: str) -> None:
    for key in keys:
        view.keyboard.press(key)
    settled(view)


def pictures(view) -> list[str]:
    """What every view shows, as text."""
    return view.evaluate("[...document.querySelectorAll('.pg-map canvas')].map(canvas => canvas.toDataURL())")


def picture(view, name: str) -> str:
    return view.locator(f"[data-view={name}] canvas").first.evaluate("canvas => canvas.toDataURL()")


def address(view) -> str:
    return view.evaluate("location.hash")


def test_the_page_is_light_and_asks_nobody_else(view, site: Path) -> None:
    files = [url for url in view.asked if not url.startswith(("data:", "blob:"))]
    assert files
    assert all(url.startswith(site.as_uri()) for url in files), files
    sizes = [(site / url.removeprefix(site.as_uri() + "/").split("#")[0]).stat().st_size for url in files]
    assert sum(sizes) < LIGHT
    assert view.errors == []


def test_over_http_it_is_the_same(browser, site: Path, view, at) -> None:
    at(COFFEE[1:])
    with served(site) as base:
        other, asked = opened(browser, viewport={"width": 375, "height": 812}), []
        other.on("request", lambda request: asked.append(request.url))
        other.goto(f"{base}/book/playground.html{COFFEE}")
        settled(other)
        assert picture(other, "mask") == picture(view, "mask")
        assert all(url.startswith((base, "data:", "blob:")) for url in asked), asked
        assert other.evaluate("document.documentElement.scrollWidth") <= 375  # nothing scrolls sideways
        other.close()


def test_kappa_moves_pictures_and_address_and_can_be_undone(at) -> None:
    view = at("photo=coffee&preset=simsam")
    before, there = pictures(view), address(view)
    view.locator("[name=kappa]").focus()
    press(view, "ArrowRight")
    after = pictures(view)
    assert "kappa=0.3" in address(view)
    assert len([1 for old, new in zip(before, after) if old != new]) >= 5
    assert view.locator("[data-part=changes] li").all_inner_texts() == ["Head’s weight κ: 0.25 → 0.3"]
    press(view, "Control+z")
    assert (pictures(view), address(view)) == (before, there)
    press(view, "Control+Shift+z")
    assert pictures(view) == after
    view.locator("[data-part=reset]").focus()
    press(view, "Enter")
    assert (pictures(view), address(view)) == (before, there)


def test_a_slider_on_its_way_is_one_step_of_undo(at) -> None:
    view = at(COFFEE[1:])
    view.locator("[name=margin]").focus()
    press(view, "ArrowRight", "ArrowRight", "ArrowRight")
    assert "margin=0.25" in address(view)
    press(view, "Control+z")
    assert "margin" not in address(view)


def test_a_link_gives_the_same_pictures_again(at, browser, site: Path) -> None:
    view = at("photo=pelican&preset=spectral&laplacian=unnormalized&centroid=0&patch=3,20")
    fresh = opened(browser, viewport={"width": 1280, "height": 900})
    fresh.goto((site / "book" / "playground.html").as_uri() + address(view))
    settled(fresh)
    assert picture(fresh, "mask") == picture(view, "mask")
    assert pictures(fresh) == pictures(view)
    assert fresh.locator("[name=laplacian]").input_value() == "unnormalized"
    assert "row 3, column 20" in fresh.locator(".pg-said").inner_text()
    assert "IoU" in fresh.locator("[data-view=mask] .pg-value").inner_text()
    fresh.close()


def test_a_link_that_makes_no_sense_opens_the_page_all_the_same(browser, site: Path) -> None:
    fresh = opened(browser)
    fresh.goto((site / "book" / "playground.html").as_uri())
    nonsense = "#photo=nobody&preset=constructor&kappa=-3&laplacian=odd&patch=900,-1&step=99&k=x"
    fresh.evaluate("address => { location.hash = address }", nonsense)
    settled(fresh)
    assert fresh.locator("[data-part=preset]").input_value() == "simsam"
    assert fresh.locator("[data-part=changes] li").count() == 0
    fresh.close()


def test_a_preset_sets_all_controls_and_says_where_it_differs(at) -> None:
    view = at(COFFEE[1:])
    before = pictures(view)
    view.locator("[data-part=preset]").focus()
    press(view, "t")  # tokencut, by its first letter
    assert "preset=tokencut" in address(view)
    assert view.locator("[name=graph]").input_value() == "binary"
    assert view.locator("[name=kappa]").is_disabled()
    assert pictures(view) != before
    assert view.locator("[data-part=deviates] li").count() >= 2


def test_the_patch_walks_with_the_arrow_keys_and_the_text_follows(at) -> None:
    view = at(COFFEE[1:] + "&patch=9,14")
    grid, said = view.locator("[role=grid]"), view.locator(".pg-said")
    row = picture(view, "row")
    grid.focus()
    press(view, "ArrowRight", "ArrowDown")
    assert "row 10, column 15" in said.inner_text()
    assert re.search(r"on the (object’s|other) side.*similarity.*\d\.\d+ to the object", said.inner_text())
    assert "patch=10,15" in address(view)
    assert picture(view, "row") != row
    cell = view.locator(f"#{grid.get_attribute('aria-activedescendant')}")
    assert cell.get_attribute("role") == "gridcell"
    assert cell.get_attribute("aria-colindex") == "16"
    assert view.locator("[role=row]").get_attribute("aria-rowindex") == "11"
    press(view, "Home", "Control+End", "ArrowDown")  # the last cell, and no further
    h, w = int(grid.get_attribute("aria-rowcount")), int(grid.get_attribute("aria-colcount"))
    assert f"row {h - 1}, column {w - 1}" in said.inner_text()
    # one mark in each view, where the patch is
    marks = view.locator("[data-view=row] .pg-chosen, .pg-vector .pg-chosen, [data-view=mask] .pg-chosen")
    for mark in marks.all():
        inner, outer = mark.bounding_box(), mark.locator("..").bounding_box()
        assert abs(inner["x"] + inner["width"] - outer["x"] - outer["width"]) < 2
        assert abs(inner["y"] + inner["height"] - outer["y"] - outer["height"]) < 2


def test_pointing_at_a_patch_marks_it_everywhere(at) -> None:
    view = at(COFFEE[1:] + "&patch=9,14")
    view.locator("[data-view=score] .pg-map").hover(position={"x": 3, "y": 3})
    assert "To row 0, column 0" in view.locator("[data-view=row] .pg-value").inner_text()
    shown = "marks => marks.filter(mark => getComputedStyle(mark).visibility === 'visible').length"
    assert view.locator(".pg-pointed").evaluate_all(shown) == view.locator(".pg-map").count()
    view.mouse.move(0, 0)
    assert view.locator(".pg-pointed").evaluate_all(shown) == 0
    assert "patch=9,14" in address(view)


def test_the_tour_goes_through_the_chapters(at) -> None:
    view = at(COFFEE[1:])
    tour = view.locator("[data-part=tour]")
    start = tour.get_by_role("button", name="tour")
    count = int(re.search(r"\d+", start.inner_text()).group())
    start.focus()
    press(view, "Enter")
    chapters, seen = [], set()
    for step in range(1, count + 1):
        assert f"step={step}" in address(view)
        assert tour.inner_text().startswith(f"{step} of {count}")
        assert view.locator(".pg-looked").count() >= 1
        link = tour.locator("a").get_attribute("href")
        assert (ROOT / "notebooks" / Path(link).with_suffix(".ipynb").name).is_file()
        chapters.append(Path(link).name[:2])
        seen.add(address(view))
        press(view, "ArrowRight" if step < count else "ArrowLeft")
        assert view.locator("[data-part=error]").text_content() == ""
    assert (chapters[0], chapters[-1]) == ("01", "05")
    assert chapters == sorted(chapters)
    assert len(seen) == count
    assert f"step={count - 1}" in address(view)
    tour.get_by_role("button", name="End").focus()
    press(view, "Enter")
    assert "step" not in address(view)
    assert start.evaluate("button => button === document.activeElement")


def test_the_engine_takes_all_that_the_form_offers(at) -> None:
    view = at(COFFEE[1:])
    refused = view.evaluate("""() => {
        const { completeSettings } = SIMSAM_PLAYGROUND.modules.settings;
        const numbers = new Set(["epochs", "floor", "centroid", "kappa", "tau", "k", "margin"]), refused = [];
        const asked = (name, text) => {
            const list = name === "clusters" && text.split(",").map(Number);
            const value = list || (numbers.has(name) ? Number(text) : text);
            try { completeSettings({ [name]: value, readout: name === "readout" ? value : "fiedler" }); }
            catch (error) { refused.push(error.message); }
        };
        for (const select of document.querySelectorAll(".pg-row select"))
            for (const option of select.options) asked(select.name, option.value);
        for (const range of document.querySelectorAll(".pg-row input"))
            for (const end of [range.min, range.max]) asked(range.name, end);
        return refused;
    }""")
    assert refused == []
    for control in view.locator(".pg-row :is(select, input)").all():
        assert view.locator(f"label[for={control.get_attribute('id')}]").inner_text()


def test_a_link_can_be_copied(at) -> None:
    view = at("photo=coffee&preset=spectral&offset=none")
    view.locator("[data-part=copy]").focus()
    press(view, "Enter")
    view.wait_for_function("document.querySelector('[data-part=copied]').textContent")
    field = view.locator("[data-part=link]")  # seen where the browser lets no page copy
    assert not field.is_visible() or field.input_value() == view.url


def test_without_a_network_the_page_says_so(at) -> None:
    assert "without it" in at(COFFEE[1:]).locator("[data-part=own]").inner_text()


def test_a_setting_that_cannot_be_computed_is_told(view, at) -> None:
    at("photo=coffee&preset=spectral&k=3")
    assert "too few for a vote" in view.locator("[data-part=error]").inner_text()
    at(COFFEE[1:])


@pytest.mark.parametrize(("name", "table"), [("cividis", "CIVIDIS"), ("PuOr_r", "PUOR")])
def test_colours_are_the_books(name: str, table: str) -> None:
    source = (MODULES.parent / "colours.js").read_text(encoding="utf-8")
    text = re.search(rf"const {table} =\n(.*?);", source, re.S).group(1)
    found = "".join(re.findall(r'"([0-9a-f]+)"', text))
    stops = [found[i : i + 6] for i in range(0, len(found), 6)]
    for k, stop in enumerate(stops):
        red, green, blue, _ = colormaps[name](k / (len(stops) - 1), bytes=True)
        assert list(bytes.fromhex(stop)) == pytest.approx([int(red), int(green), int(blue)], abs=1)
