"""The system's Chromium, without a window: what the checks of the site and the teaching pack share."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in NAMES if (path := shutil.which(name))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def missing() -> str:
    """What is missing to drive a Chromium, as the end of a sentence; "" if nothing is."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "playwright is not installed"
    return "" if CHROMIUM else "there is no Chromium on this machine"


_driver: Playwright | None = None  # of this process, while a block of `driver` lasts


@contextlib.contextmanager
def driver() -> Iterator[Playwright]:
    """Playwright's driver. A process can have one only, so a block inside another block shares it."""
    global _driver
    from playwright.sync_api import sync_playwright

    if _driver is not None:
        yield _driver
        return
    with sync_playwright() as _driver:
        try:
            yield _driver
        finally:
            _driver = None


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, without a window, as long as the block lasts."""
    with driver() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def opened(browser: Browser, **options: object) -> Page:
    """A new page of the browser, which gives up only on what never comes: a busy machine is no failure."""
    page = browser.new_page(**options)
    page.set_default_timeout(300_000)
    return page
