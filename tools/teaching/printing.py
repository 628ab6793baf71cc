"""Pages as PDF by a Chromium without a window: one browser for all of them, and the same bytes every time."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from chromium import chromium, missing, opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# every font and every picture is there
SETTLED = "Promise.all([document.fonts.ready, ...[...document.images].map(i => i.decode())]).then(() => true)"
DATE = re.compile(rb"/(CreationDate|ModDate) \(D:\d{14}")


class Printer:
    """A running browser that prints files."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self._view = opened(browser, viewport={"width": 1280, "height": 720})

    def slides(self, page: Path, target: Path) -> Path:
        """A reveal.js deck, one page a slide, all steps of a slide on its page."""
        return self._print(f"{page.resolve().as_uri()}?print-pdf", "window.printable", target)

    def sheet(self, page: Path, target: Path) -> Path:
        """A page of its own size, which says that it is laid out by `window.ready`."""
        return self._print(page.resolve().as_uri(), "window.ready", target)

    def _print(self, address: str, ready: str, target: Path) -> Path:
        self._view.goto(address)
        self._view.wait_for_function(ready)
        self._view.evaluate(SETTLED)
        pdf = self._view.pdf(print_background=True, prefer_css_page_size=True)
        target.write_bytes(DATE.sub(rb"/\1 (D:20000101000000", pdf))  # the time of printing is left out
        return target


@contextlib.contextmanager
def printing(printer: Printer | None = None) -> Iterator[Printer | None]:
    """The printer that is given, else one of its own; None where there is no Chromium."""
    if printer or missing():
        yield printer
        return
    with chromium() as browser:
        yield Printer(browser)


def pages(pdf: Path) -> int:
    """The number of pages of a PDF as Chromium writes it."""
    return len(re.findall(rb"/Type\s*/Page\b", pdf.read_bytes()))
