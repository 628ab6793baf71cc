"""The decks of teaching/slides, as they are written: what is shown between the first slide and the last ones.

    ## A short title that says the idea

    {picture six-nodes}

    One line, two at most.

    Note: What the lecturer says, asks, and waits for.

A line `---` parts the slides. `{picture NAME}`, `{equations NAME}` (`{equations NAME 2}`: the second alone),
`{code NAME}` and `{output NAME}` take something from the cell of the chapter that is tagged `slide-NAME`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .chapters import ROOT, Chapter

SLIDES = ROOT / "teaching" / "slides"
REFERENCE = re.compile(r"^\{(picture|equations|code|output) ([a-z0-9-]+)(?: (\d+))?\}$")


@dataclass(frozen=True)
class Part:
    """Something on a slide: `text` (Markdown), or what `kind` names of the cell tagged `slide-NAME`."""

    kind: str  # "text", "picture", "equations", "code", "output"
    text: str = ""
    name: str = ""
    number: int = 0  # of the equation, counted from 1; 0 for all


@dataclass(frozen=True)
class Slide:
    title: str
    parts: list[Part]
    note: str


def read_deck(chapter: Chapter, folder: Path = SLIDES) -> list[Slide]:
    """The slides of a chapter; none where it has no deck. ValueError for a slide that is not as above."""
    path = folder / f"{chapter.name}.md"
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8").strip()
    return [_slide(part.strip(), path.name) for part in re.split(r"^---[ \t]*$", text, flags=re.M)]


def _slide(text: str, where: str) -> Slide:
    found = re.fullmatch(r"## ([^\n]+)\n\n(.*?)\n\nNote: (.+)", text, re.S)
    if not found:
        raise ValueError(f"{where}: a slide is a title, what is shown, and a note, not {text[:60]!r}")
    title, shown, note = found.groups()
    parts = [_part(block.strip()) for block in re.split(r"\n{2,}", shown) if block.strip()]
    return Slide(title.strip(), parts, note.strip())


def _part(block: str) -> Part:
    reference = REFERENCE.match(block)
    if not reference:
        if block.startswith("{"):
            raise ValueError(f"{block!r} is no reference that a deck knows")
        return Part("text", text=block)
    kind, name, number = reference.groups()
    return Part(kind, name=name, number=int(number or 0))
