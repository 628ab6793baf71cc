"""Whose photos a picture shows, read from the code that draws it.

A name of a notebook leads back to a photo if what it was made of does: `photo = data.cat()`, then
`draw(photo)`. Only pictures that look like photos are asked about; a curve or a map of numbers that was
computed from a photo does not show it.
"""

from __future__ import annotations

import ast
import io
import re

from PIL import Image

from .chapters import Chapter
from .pictures import Picture

OWN = "CC BY 4.0"
GPL = "GPL-2.0-or-later (data set cutouts; book/licences.md)"
PHOTOS = {  # scikit-image's, as book/licences.md has them
    "astronaut": ("NASA: Eileen Collins", "public domain"),
    "cat": ("Stefan van der Walt", "CC0"),
    "coffee": ("Rachel Michetti, courtesy of Pikolo Espresso Bar", "CC0"),
    "grass": ("linolafett, on DeviantArt", "CC0"),
    "rocket": ("SpaceX", "public domain"),
}
CUTOUTS = ("load_cutouts", "open_dataset")
MAGIC = re.compile(r"^(\s*)[%!].*$", re.M)  # what Jupyter reads and Python does not
COLOURS = 140  # of 4096: photos have more, most drawings and maps in one scale of colours have fewer
WORDS = {"astronaut": "astronaut", "cat": "cat", "cat's": "cat", "cup": "coffee", "rocket": "rocket"}


def origins(chapter: Chapter) -> dict[str, set[str]]:
    """The photos that each cell's pictures may come from, by the cell's id: "cat", ..., "cutouts"."""
    known: dict[str, set[str]] = {}
    found = {}
    for cell in chapter.cells:
        if cell["cell_type"] == "code":
            tree = ast.parse(MAGIC.sub(r"\1pass", cell["source"]))
            found[cell["id"]] = set()
            for statement in tree.body:
                _learn(statement, known)
                found[cell["id"]] |= _sources(statement, known) if _shows(statement) else set()
    return found


def shown_in(picture: Picture, found: set[str]) -> set[str]:
    """The photos that a picture shows: those that its code leads back to, or else that its alt text names."""
    if not photographic(picture):
        return set()
    words = picture.alt.lower().replace(",", " ").replace(".", " ").split()
    named = {WORDS[word] for word in words if word in WORDS} if {"photo", "photos"} & set(words) else set()
    return found or named


def photographic(picture: Picture) -> bool:
    """Whether a picture has the many colours of a photo."""
    if picture.suffix == ".svg":
        return False
    with Image.open(io.BytesIO(picture.data)) as image:
        pixels = image.convert("RGB").point([value & 0xF0 for value in range(256)] * 3)
    return len(pixels.getcolors(pixels.width * pixels.height)) > COLOURS


def rights(photos: set[str]) -> tuple[str, str]:
    """What the index says of a picture that shows these photos: where they come from, and its licence."""
    named = [
        f"{name}: {by}, {terms}, ships with scikit-image"
        for name, (by, terms) in PHOTOS.items()
        if name in photos
    ]
    if "cutouts" in photos:
        named.append("cutouts: simsam/data/cutouts, of Debian's tuxpaint-stamps and mate-backgrounds")
    return "; ".join(named), GPL if "cutouts" in photos else OWN


def _shows(statement: ast.stmt) -> bool:
    """Whether a statement of a cell may show a picture, or draw what the next one shows."""
    return not isinstance(statement, ast.FunctionDef | ast.Import | ast.ImportFrom)


def _learn(statement: ast.stmt, known: dict[str, set[str]]) -> None:
    """What the names that a statement binds lead back to from here on."""
    if isinstance(statement, ast.FunctionDef):
        known[statement.name] = _sources(statement, known)
    elif isinstance(statement, ast.Assign | ast.For):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        value = statement.value if isinstance(statement, ast.Assign) else statement.iter
        for target in targets:
            _bind(target, _sources(value, known), known)
    elif isinstance(statement, ast.AugAssign):
        for name in {node.id for node in ast.walk(statement.target) if isinstance(node, ast.Name)}:
            known[name] = known.get(name, set()) | _sources(statement.value, known)
    for block in ("body", "orelse"):
        if not isinstance(statement, ast.FunctionDef | ast.ClassDef):
            for inner in getattr(statement, block, []):
                _learn(inner, known)


def _bind(target: ast.expr, sources: set[str], known: dict[str, set[str]]) -> None:
    """A name is bound anew; what is put into something joins what is there."""
    for node in ast.walk(target):
        if isinstance(node, ast.Name):
            anew = isinstance(node.ctx, ast.Store)
            known[node.id] = sources if anew else known.get(node.id, set()) | sources


def _sources(tree: ast.AST, known: dict[str, set[str]]) -> set[str]:
    """The photos that the names in a piece of code lead back to; names of its own lead nowhere."""
    nodes = list(ast.walk(tree))
    own: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.comprehension):
            own |= {name.id for name in ast.walk(node.target) if isinstance(name, ast.Name)}
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            own |= {argument.arg for argument in node.args.args}
            own |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in own:
            found |= {"cutouts"} if node.id in CUTOUTS else known.get(node.id, set())
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "data":
            found |= {node.attr} & PHOTOS.keys()
    return found
