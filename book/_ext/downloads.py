"""What the site offers as one file: the pack for teachers, where `make teaching` has made it, and the site
itself, for reading without a network.

A page marks the place in its HTML: <span data-archive="NAME">what stands there without the archive</span>
becomes a link that tells the size of the archive.
"""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path

from sphinx.application import Sphinx

from simsam.data import atomic_write

ROOT = Path(__file__).resolve().parents[2]
TEACHING = "simsam-teaching.zip"
OFFLINE = "simsam-book.zip"
WORDS = {TEACHING: "Download the teaching pack", OFFLINE: "Download the book"}
MARK = re.compile(r'<span data-archive="([\w.-]+)">.*?</span>', re.DOTALL)
# The network of the playground needs a server: no browser lets a file read another one of 30 MB.
LEFT_OUT = ("_sources", "_static/playground/network", TEACHING, OFFLINE)
DATE = (2024, 1, 1, 0, 0, 0)  # of every member, so that the same site makes the same archive


def offline(site: Path) -> None:
    """The site as one archive, in the site."""
    with atomic_write(site / OFFLINE) as path, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(site.rglob("*")):
            name = file.relative_to(site).as_posix()
            if file.is_file() and not name.startswith(LEFT_OUT):
                member = zipfile.ZipInfo(f"simsam-book/{name}", DATE)
                archive.writestr(member, file.read_bytes(), zipfile.ZIP_DEFLATED)


def linked(page: Path, site: Path) -> str:
    """A page's HTML with links to the archives that are there."""
    up = "../" * (len(page.relative_to(site).parts) - 1)

    def link(mark: re.Match[str]) -> str:
        file = site / mark[1]
        if not file.is_file():
            return mark[0]
        size = file.stat().st_size / 1e6
        return f'<a class="archive" href="{up}{file.name}" download>{WORDS[file.name]}</a> ({size:.0f} MB)'

    return MARK.sub(link, page.read_text(encoding="utf-8"))


def offer(app: Sphinx, failed: Exception | None) -> None:
    """Put the archives into the site, and their links where pages ask for them."""
    if failed or app.builder.format != "html":
        return
    site = Path(app.outdir)
    (site / TEACHING).unlink(missing_ok=True)
    if (ROOT / "dist" / TEACHING).is_file():
        shutil.copyfile(ROOT / "dist" / TEACHING, site / TEACHING)
    offline(site)
    for page in site.rglob("*.html"):
        page.write_text(linked(page, site), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("build-finished", offer)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
