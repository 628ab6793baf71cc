"""The playground's scripts and photos, made while the book is built: `_static/playground/` of the site.

    playground.js         the modules of book/playground as one script, with the package's recipes inside
    page.js, labs.js ...  one script for each folder of modules in it; its style sheets as they are
    photos/NAME.js        the prepared photos, on the features that the book runs on (SIMSAM_BACKBONE)
    network/              the network itself, for the reader's own photo, which the page loads on a click

A page that holds an element with `data-playground` gets playground.js, the first photo and page.js, before
all other scripts and not deferred: it computes while the rest is read. One with `data-lab` gets playground.js
and labs.js. What is up to date is left alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

import playground_bundle as bundle
import playground_photos as photos
import playground_recipes as recipes
from sphinx.application import Sphinx
from sphinx.util import logging

from simsam.data import atomic_write
from simsam.pipeline import RECIPES

EXT = Path(__file__).resolve().parent
SOURCES = EXT.parent / "playground"
TOOLS = EXT.parents[1] / "tools"
PACKAGE = EXT.parents[1] / "simsam"
ENGINE = "playground.js"
MARKS = {"data-playground": "page", "data-lab": "labs"}  # what a page holds, and the script that it then gets
AT_ONCE = {"priority": 100}  # Sphinx's own scripts have 200
LATER = {"loading_method": "defer"}
NO_NETWORK = {"built": False, "why": "this site was made without it"}
log = logging.getLogger(__name__)


def backbone_name() -> str:
    """On whose features the book runs, as `simsam.drawing.claims.begin` reads it."""
    return os.environ.get("SIMSAM_BACKBONE") or RECIPES["simsam"].backbone


def generated(network: dict[str, object]) -> str:
    """The module generated.js: what the page has to know of the package, the photos and the network."""
    listed = [{"name": photo.name, "title": photo.title} for photo in photos.PHOTOS]
    known = {
        "FIELDS": recipes.fields(),
        "RECIPES": recipes.presets(backbone_name(), photos.SIZE),
        "PHOTOS": listed,
        "NETWORK": network,
    }
    return "".join(f"export const {name} = {json.dumps(value)};\n" for name, value in known.items())


def make_scripts(target: Path, network: dict[str, object] = NO_NETWORK) -> None:
    """The scripts and style sheets, in `target`. `network`: what `make_network` gives."""
    modules = bundle.read_modules(SOURCES, {"generated": generated(network)})
    write(target / ENGINE, bundle.engine_script(modules))
    for folder in sorted(path for path in SOURCES.iterdir() if path.is_dir()):
        if modules := bundle.read_modules(folder):
            write(target / f"{folder.name}.js", bundle.folder_script(modules))
        for sheet in sorted(folder.glob("*.css")):
            write(target / sheet.name, sheet.read_text(encoding="utf-8"))


def make_photos(target: Path) -> None:
    """The prepared photos, in `target`/photos; nothing where they are there as this code would make them."""
    stamp = target / "photos" / "made.txt"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == fingerprint():
        return
    from simsam.weights import load_backbone  # late: it takes torch, and most builds find the photos made

    log.info("making the playground's photos on %s", backbone_name())
    backbone = load_backbone(backbone_name(), device="cpu")
    for photo in photos.PHOTOS:
        for file, text in photos.scripts(photo.name, photos.prepared(photo, backbone)):
            write(target / "photos" / file, text)
    write(stamp, fingerprint())


def make_network(target: Path) -> dict[str, object]:
    """The network for the reader's own photo, in `target`/network; what the page is told of it."""
    sys.path.append(str(TOOLS))
    try:
        import playground_network
    finally:
        sys.path.pop()
    from simsam.weights import load_backbone

    result = playground_network.build(target / "network", load_backbone(backbone_name(), device="cpu"))
    if isinstance(result, str):
        log.info("the playground takes no photo of the reader's own: %s", result)
    return playground_network.manifest(result)


def fingerprint() -> str:
    """Of all that decides what the photos hold: whose features, and the code that reads them."""
    files = [
        EXT / "playground_photos.py",
        PACKAGE / "features.py",
        *sorted((PACKAGE / "weights").glob("*.py")),
    ]
    parts = [backbone_name().encode(), *(file.read_bytes() for file in files)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def write(path: Path, text: str) -> None:
    """A file as it should be, untouched where it is so already."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def make(app: Sphinx) -> None:
    if app.builder.format == "html":
        target = Path(app.outdir) / "_static" / "playground"
        make_scripts(target, make_network(target))
        make_photos(target)


def add_scripts(app: Sphinx, page: str, template: str, context: dict[str, object], _: object) -> None:
    """To the pages that ask for them, and to no other."""
    target = Path(app.outdir) / "_static" / "playground"
    asked = [name for mark, name in MARKS.items() if mark in str(context.get("body", ""))]
    for name in asked:
        first = [f"photos/{photos.PHOTOS[0].name}.js"] if name == "page" else []
        for file in (ENGINE, *first, f"{name}.js"):
            if (target / file).is_file():
                app.add_js_file(f"playground/{file}", **(AT_ONCE if name == "page" else LATER))
        if (target / f"{name}.css").is_file():
            app.add_css_file(f"playground/{name}.css")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", make)
    app.connect("html-page-context", add_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
