"""What the site offers as one file, and the link at the foot of each page."""

from __future__ import annotations

import zipfile
from urllib.parse import parse_qs, urlparse

import pytest

pytest.importorskip("bs4", reason="the checks of the site need the test extra")
pytest.importorskip("playwright.sync_api", reason="the checks of the site need the test extra")

from browser import SITE, parsed, toc_pages

from simsam import REPOSITORY

pytestmark = [
    pytest.mark.site,
    pytest.mark.skipif(
        not (SITE / "index.html").exists(), reason=f"there is no site at {SITE}: run make book"
    ),
]


def test_the_site_is_one_archive() -> None:
    (link,) = parsed("book/index.html").select("a.archive")
    file = (SITE / "book" / link["href"]).resolve()
    assert f"({file.stat().st_size / 1e6:.0f} MB)" in link.next_sibling
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
        assert {f"simsam-book/{page}" for page in [*toc_pages(), "index.html"]} <= names
        assert not [name for name in names if name.endswith((".zip", ".onnx", ".wasm"))]


def test_the_teaching_pack_is_offered_where_it_was_made_and_the_instructors_is_not() -> None:
    page = parsed("book/teaching.html")
    file = SITE / "simsam-teaching.zip"
    if file.is_file():
        (link,) = page.select("a.archive")
        assert (SITE / "book" / link["href"]).resolve() == file.resolve()
        assert f"({file.stat().st_size / 1e6:.0f} MB)" in link.next_sibling
        names = zipfile.ZipFile(file).namelist()
        assert names
        assert not [name for name in names if "instructor" in name or "exam" in name]
    else:
        assert "make teaching" in page.select_one("span[data-archive]").text
    assert not [*SITE.rglob("*instructor*")]


@pytest.mark.parametrize("name", toc_pages())
def test_each_page_can_be_corrected(name: str) -> None:
    (link,) = parsed(name).select("a.erratum")
    assert link["href"].startswith(f"{REPOSITORY}/issues/new?")
    assert parse_qs(urlparse(link["href"]).query)["page"] == [name.removesuffix(".html")]
