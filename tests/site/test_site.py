"""The built site, as its readers meet it: `make book`, then `make site-check`."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

bs4 = pytest.importorskip("bs4", reason="the checks of the site need the test extra")
playwright_api = pytest.importorskip(
    "playwright.sync_api", reason="the checks of the site need the test extra"
)

from browser import CHROMIUM, LABS, READ_ALL, SITE, chromium, opened, parsed, served, toc_pages  # noqa: E402

from simsam import REPOSITORY  # noqa: E402

pytestmark = [
    pytest.mark.site,
    pytest.mark.skipif(
        not (SITE / "index.html").exists(), reason=f"there is no site at {SITE}: run make book"
    ),
]
PAGES = toc_pages()
BIBLIOGRAPHY = "book/bibliography.html"
every_page = pytest.mark.parametrize("page", PAGES)


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright_api.Browser]:
    if CHROMIUM is None:
        # what may be missing on a reader's machine must not be missing where the site is released
        (pytest.fail if os.environ.get("CI") else pytest.skip)("there is no Chromium on this machine")
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(SITE) as at:
        yield at


@every_page
def test_page_exists(page: str) -> None:
    assert (SITE / page).stat().st_size > 1000


def test_root_leads_to_the_title_page(browser, address) -> None:
    view = opened(browser)
    view.goto(f"{address}/index.html")
    view.wait_for_url(f"{address}/{PAGES[0]}")
    view.close()


@every_page
def test_code_is_shown_without_the_marks_of_the_tests(page: str) -> None:
    assert not [cell for cell in parsed(page).select("div.cell_input") if "NBVAL_CHECK" in cell.get_text()]


@every_page
def test_every_picture_has_alt_text(page: str) -> None:
    article = parsed(page).find("article")
    pictures = article.find_all("img")
    # sphinx puts the file's address where an author gave no text
    poor = [img.get("alt") for img in pictures if len((img.get("alt") or "").split()) < 4]
    assert not poor, f"{len(poor)} of {len(pictures)} pictures say too little: {poor[:5]}"


@every_page
@pytest.mark.parametrize("scheme", ["http", "file"])
def test_page_needs_nothing_from_elsewhere(page: str, scheme: str, browser, address) -> None:
    base = address if scheme == "http" else SITE.resolve().as_uri()
    view, foreign, errors = opened(browser), [], []
    view.on(
        "request", lambda request: foreign.append(request.url) if not request.url.startswith(base) else None
    )
    view.on("requestfailed", lambda request: errors.append(f"failed: {request.url}"))
    view.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    view.on("pageerror", lambda error: errors.append(str(error)))
    view.goto(f"{base}/{page}", wait_until="networkidle")
    view.wait_for_function("document.readyState === 'complete'")
    raw = view.evaluate(
        "[...document.querySelectorAll('.math')].filter(e => !e.querySelector('mjx-container')).length"
    )
    view.close()
    assert not [url for url in foreign if not url.startswith(("data:", "blob:"))]
    assert not errors
    assert raw == 0, f"{raw} formulas stayed raw LaTeX"


# What is wider than its place: the page itself, and inside it what a reader would have to push sideways.
TOO_WIDE = """kinds => [
    ...(document.documentElement.scrollWidth > innerWidth + 1 ? ["the page"] : []),
    ...[...document.querySelectorAll(kinds.map(kind => "article " + kind).join())]
        .filter(e => e.offsetParent && e.scrollWidth > e.clientWidth + 2)
        .filter(e => getComputedStyle(e).overflowX != "visible")
        .map(e => `${e.tagName} ${e.className}: ${e.scrollWidth} in ${e.clientWidth}: ${e.innerText}`)
        .map(text => text.slice(0, 99)),
    ...[...document.querySelectorAll("article mjx-container[display=true]")]
        .filter(e => e.offsetParent && e.firstElementChild.getBoundingClientRect().right > innerWidth + 1)
        .map(e => `an equation: ${e.innerText.replace(/\\s+/g, "")}`),
]"""
# A listing may be pushed on a phone, where its lines are those of the code; an equation or a table may not.
MUST_FIT = {1280: ["pre", "div.math", "table", ".pst-scrollable-table-container"], 390: ["div.math", "table"]}


@every_page
def test_nothing_has_to_be_pushed_sideways(page: str, browser, address) -> None:
    view = opened(browser, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    view.goto(f"{address}/{page}", wait_until="networkidle")
    found = {}
    for width, kinds in sorted(MUST_FIT.items()):  # the phone first, as it was opened
        view.set_viewport_size({"width": width, "height": 844})
        view.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        found[width] = view.evaluate(TOO_WIDE, kinds)
    view.close()
    assert not any(found.values()), found


def moved(view, frames, act) -> tuple[list[str], list[str]]:
    """The value of the visible frame, the one told and the one announced, before and after `act`."""
    state = """box => [
        [...box.querySelectorAll('.frame')].filter(f => f.offsetParent).map(f => f.dataset.value).join('|'),
        box.querySelector('output').textContent, box.querySelector('input').getAttribute('aria-valuetext')]"""
    before = frames.evaluate(state)
    act()
    return before, frames.evaluate(state)


@every_page
def test_moving_figures_move_by_keyboard(page: str, browser, address) -> None:
    view = opened(browser)
    view.goto(f"{address}/{page}", wait_until="networkidle")
    for frames in view.locator("figure.frames").all():
        slider = frames.locator("input[type=range]")
        assert frames.locator("label").inner_text().strip()
        at_end = slider.evaluate("s => s.value === s.max")
        slider.focus()
        key = "ArrowLeft" if at_end else "ArrowRight"
        before, after = moved(view, frames, lambda key=key: view.keyboard.press(key))
        # one frame is seen, it is the one that is told, and all three changed
        assert len(set(before)) == len(set(after)) == 1
        assert "|" not in after[0]
        assert before != after
        if frames.get_attribute("data-cols"):
            slider.evaluate("s => { s.value = 0; s.dispatchEvent(new Event('input')); }")
            before, after = moved(view, frames, lambda: view.keyboard.press("ArrowDown"))
            assert slider.input_value() == frames.get_attribute("data-cols")
            assert before != after
            # the last cell, by pointing at it
            box = frames.locator(".photo").bounding_box()
            at = {"x": box["width"] - 3, "y": box["height"] - 3}
            frames.locator(".photo").click(position=at)
            assert slider.input_value() == slider.get_attribute("max")
            before, after = moved(view, frames, lambda: view.keyboard.press("ArrowDown"))
            assert before == after  # below the last row there is nothing
    view.close()


@every_page
def test_links_inside_the_site_lead_somewhere(page: str) -> None:
    soup, dead = parsed(page), []
    for link in soup.find_all("a", href=True):
        parts = urlsplit(link["href"])
        if parts.scheme or parts.netloc or link["href"] == "#":
            continue
        if parts.fragment.startswith("photo="):  # no place in the page: a state of the playground
            continue
        target = ((SITE / page).parent / unquote(parts.path)).resolve() if parts.path else SITE / page
        if not target.is_file():
            dead.append(link["href"])
        elif parts.fragment and target.suffix == ".html":
            there = (
                soup
                if not parts.path
                else bs4.BeautifulSoup(target.read_text(encoding="utf-8"), "html.parser")
            )
            if not there.find(id=unquote(parts.fragment)):
                dead.append(link["href"])
    assert not dead


@pytest.mark.parametrize("words", ["eigenvector+sign", "laplacian", "cosine"])
def test_excerpts_of_the_search_show_no_latex(words: str, browser, address) -> None:
    view = opened(browser)
    view.goto(f"{address}/search.html?q={words}", wait_until="networkidle")
    view.wait_for_selector("#search-results p.context")
    excerpts = view.locator("#search-results p.context").all_inner_texts()
    view.close()
    assert len(excerpts) > 2
    assert not [text for text in excerpts if re.search(r"\\[()a-zA-Z]", text)]


@every_page
def test_links_to_elsewhere_are_well_formed(page: str) -> None:
    links = [link["href"] for link in parsed(page).find_all("a", href=re.compile(r"^\w+:"))]
    assert all(re.fullmatch(r"https://[\w.-]+\.[a-z]{2,}(/\S*)?", link) for link in links), links


@pytest.mark.skipif(BIBLIOGRAPHY not in PAGES, reason="no bibliography in the table of contents")
def test_bibliography_links_are_dois_or_arxiv_numbers() -> None:
    entries = parsed(BIBLIOGRAPHY).select("div.citation, dl.citation")
    assert entries
    for entry in entries:
        links = [link["href"] for link in entry.select("a.external")]
        good = re.compile(r"https://(doi\.org/10\.\d{4,}/\S+|arxiv\.org/abs/\d{4}\.\d{4,5})")
        assert links, entry.get_text()
        assert all(good.fullmatch(link) for link in links), links


# To the end of the page and back, so that labs and pictures that wait for the reader come too.
TEXT = {".html", ".css", ".js", ".json", ".svg"}  # what a host sends compressed


@every_page
def test_page_is_light_with_all_that_it_loads_before_a_click(page: str, browser, address) -> None:
    """Page, scripts, styles, fonts, pictures, labs: 3 MB as they travel, text compressed as hosts do."""
    view, asked = opened(browser), set()
    view.on("request", lambda request: asked.add(urlsplit(request.url)._replace(query="", fragment="")))
    view.goto(f"{address}/{page}", wait_until="networkidle")
    view.evaluate(READ_ALL)
    view.wait_for_function(LABS)
    view.wait_for_load_state("networkidle")
    view.close()
    files = {SITE / unquote(url.path).lstrip("/") for url in asked if url.scheme == "http"}
    assert SITE / page in files
    sizes = {file: len(gzip.compress(file.read_bytes(), 6)) for file in files if file.suffix in TEXT}
    sizes |= {file: file.stat().st_size for file in files if file.suffix not in TEXT}
    heaviest = {file.name: size for file, size in sorted(sizes.items(), key=lambda item: -item[1])[:5]}
    assert sum(sizes.values()) <= 3_000_000, f"{sum(sizes.values()) / 1e6:.1f} MB, most of it {heaviest}"


def test_playground_computes_while_the_rest_of_its_page_is_read() -> None:
    """Its scripts wait for no other, and the first photo comes with them."""
    scripts = parsed("book/playground.html").find_all("script", src=True)
    at_once = [urlsplit(script["src"]).path for script in scripts if not script.has_attr("defer")]
    first = [path.partition("_static/playground/")[2] for path in at_once[:3]]
    assert first[::2] == ["playground.js", "page.js"]
    assert first[1].startswith("photos/")
    assert (SITE / "_static" / "playground" / first[1]).is_file()


def test_icons_are_letters_of_a_font(browser, address) -> None:
    """The theme's own script would bring each icon that there is as a picture."""
    view = opened(browser, viewport={"width": 1280, "height": 900})
    view.goto(f"{address}/{PAGES[1]}", wait_until="networkidle")
    loaded = (
        "[...document.fonts].filter(({ family, status }) => /Awesome/.test(family) && status === 'loaded')"
    )
    assert view.evaluate(f"{loaded}.length") >= 1
    icons = "[...document.querySelectorAll('.btn i[class*=fa-]')].filter((icon) => icon.offsetParent)"
    shown = view.evaluate(f"{icons}.map((icon) => icon.offsetWidth)")
    view.close()
    assert shown
    assert min(shown) >= 8


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("notebooks/")])
def test_chapter_opens_elsewhere(page: str) -> None:
    """Colab, Binder and download buttons, each with the notebook's own path."""
    links = {link["href"] for link in parsed(page).find_all("a", href=True)}
    notebook, project = page.replace(".html", ".ipynb"), urlsplit(REPOSITORY).path
    assert f"https://colab.research.google.com/github{project}/blob/main/{notebook}" in links
    assert any(
        link.startswith(f"https://mybinder.org/v2/gh{project}/") and notebook in link for link in links
    )
    assert any(Path(link).name == Path(notebook).name and "_sources" in link for link in links)
