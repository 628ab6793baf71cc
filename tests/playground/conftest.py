"""The playground as a page has it, in a folder of its own, and a headless Chromium that looks at it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("bs4", reason="the playground's tests need the test extra")
pytest.importorskip("playwright.sync_api", reason="the playground's tests need the test extra")
pytest.importorskip("sphinx", reason="the playground is made by the book's extensions")

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / folder) for folder in ("tests/site", "book/_ext", "tools")]

from browser import CHROMIUM, chromium, opened, served  # noqa: E402
from sites import EMPTY  # noqa: E402


@pytest.fixture(scope="session")
def playground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with the playground's scripts and no photo; its only page is index.html."""
    import playground as extension

    site = tmp_path_factory.mktemp("site")
    extension.make_scripts(site / "_static" / "playground")
    (site / "index.html").write_text(EMPTY, encoding="utf-8")
    return site


@pytest.fixture(scope="session")
def photos(playground: Path) -> Path:
    """The same site, with its photos."""
    import playground as extension

    extension.make_photos(playground / "_static" / "playground")
    return playground


@pytest.fixture(scope="session")
def browser() -> Iterator:
    if CHROMIUM is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("there is no Chromium on this machine")
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def page(browser, playground: Path) -> Iterator:
    """The page, opened from its file; `engine` is a worker that stays."""
    view = opened(browser)
    view.goto((playground / "index.html").as_uri())
    view.evaluate("window.engine = SIMSAM_PLAYGROUND.engine()")
    yield view
    view.close()


@pytest.fixture(scope="session")
def address(playground: Path) -> Iterator[str]:
    with served(playground) as at:
        yield at
