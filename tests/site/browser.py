"""What the checks of the built site share: its pages, a server on loopback, and tools/chromium.py."""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import bs4
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from chromium import CHROMIUM, chromium, opened  # noqa: E402, F401

SITE = Path(os.environ.get("SIMSAM_SITE", ROOT / "_build" / "html"))
# Scrolls through a page, since labs and pictures come when they are reached; and whether every lab is there.
READ_ALL = """async () => {
    document.documentElement.style.scrollBehavior = "auto";
    for (let y = 0; y < document.documentElement.scrollHeight; y += innerHeight / 2) {
        scrollTo(0, y);
        await new Promise((done) => setTimeout(done, 20));
    }
}"""
LABS = "[...document.querySelectorAll('[data-lab]')].every((lab) => lab.querySelector('.lab'))"


def toc_pages() -> list[str]:
    """The pages that the table of contents promises, as addresses inside the site."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [chapter for part in toc.get("parts", [toc]) for chapter in part.get("chapters", [])]
    sections = [section for chapter in chapters for section in chapter.get("sections", [])]
    return [f"{entry}.html" for entry in [toc["root"], *(entry["file"] for entry in chapters + sections)]]


def parsed(page: str) -> bs4.BeautifulSoup:
    """A page of the site as its file has it, before any script ran."""
    return bs4.BeautifulSoup((SITE / page).read_text(encoding="utf-8"), "html.parser")


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback, as long as the block lasts; yields the address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None: ...

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
