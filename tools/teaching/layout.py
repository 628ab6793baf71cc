"""How the parts of a slide share its frame: a picture as large as can be, the rest below or beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .chapters import Chapter
from .deck import Part
from .media import Shelf
from .shown import shown

WIDTH, HEIGHT = 1176, 550  # of what stands below the title
BESIDE = 450  # the width that text beside a picture takes, with the gap
LINE = 44  # the height of a line of text


def arranged(chapter: Chapter, parts: Sequence[Part], shelf: Shelf) -> str:
    """The parts of a slide in their order, pictures first, as one block of HTML."""
    blocks = [(part, shown(chapter, part, shelf)) for part in parts]
    pictures = [block for part, block in blocks if part.kind == "picture"]
    rest = [block for part, block in blocks if part.kind != "picture"]
    below = f'<div class="rest">{"".join(rest)}</div>' if rest else ""
    if not pictures:
        return f'<div class="shown no-picture">{below}</div>'
    beside = bool(rest) and better_beside(pictures, rest)
    row = f'<div class="pictures">{"".join(pictures)}</div>'
    return f'<div class="shown{" beside" if beside else ""}">{row}{below}</div>'


def better_beside(pictures: Sequence[str], rest: Sequence[str]) -> bool:
    """Whether the pictures come out larger with the rest at their side than with it below them."""
    aspect = sum(float(re.search(r"--aspect:([\d.]+)", picture)[1]) for picture in pictures)
    wide, narrow = (sum(_height(block, columns) for block in rest) for columns in (64, 22))
    if narrow > HEIGHT or any(
        _longest(block) > 26 for block in rest if not block.startswith('<div class="text"')
    ):
        return False
    return min((WIDTH - BESIDE) / aspect, HEIGHT) > min(WIDTH / aspect, HEIGHT - wide - 18)


def first_beside(aspect: float, title: str, question: str) -> bool:
    """Whether the picture of the first slide comes out larger beside the title than below it."""
    words = 62 * -(-len(title) // 34) + 47 * -(-len(question) // 54)
    return min((WIDTH - 560) / aspect, 590) > min(WIDTH / aspect, 560 - words)


def _height(block: str, columns: int) -> float:
    """About how high a block is where a line has so many characters."""
    if "equation" in block:
        return 90 * block.count('class="equation"')
    lines = re.sub(r"</(?:p|li|tr)>", "\n", block)
    lines = re.sub(r"<[^>]+>", "", lines).strip().splitlines()
    return LINE * sum(-(-len(line) // columns) or 1 for line in lines)


def _longest(block: str) -> int:
    """The characters of the longest line; an equation counts as long."""
    if "equation" in block or "<table" in block:
        return 99
    return max(len(line) for line in re.sub(r"<[^>]+>", "", block).splitlines())
