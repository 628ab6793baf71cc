"""Which minutes of a chapter's plan belong to which of its sections."""

from __future__ import annotations

import functools
import re

import yaml

from .chapters import ROOT, Chapter

STEP = re.compile(r"(.*?)\((\d+)(?: minutes)?\)", re.S)


def steps(chapter: Chapter) -> list[tuple[str, int]]:
    """The steps of the plan that have minutes: what is done, and for how long."""
    found = STEP.findall(" ".join(chapter.plan()["plan"]))
    return [(_last_sentence(text), int(number)) for text, number in found]


def minutes(chapter: Chapter) -> dict[str, str]:
    """What to write below a heading ("## Which offset?") of the teacher's notebook; the top has its own cell.

    Raises ValueError where teaching/minutes.yml and the plan have a different number of steps.
    """
    places = _places()[chapter.name]
    if len(places) != len(steps(chapter)):
        raise ValueError(f"{chapter.name}: {len(steps(chapter))} steps in the plan, {len(places)} places")
    notes: dict[str, list[str]] = {}
    for place, (text, number) in zip(places, steps(chapter)):
        if place != "top":
            what = "" if text == place.lower() else f": {text}"
            end = "" if what.endswith("?") else "."
            notes.setdefault(f"## {place}", []).append(f"In class, {number} minutes{what}{end}")
    return {heading: " ".join(lines) for heading, lines in notes.items()}


def _last_sentence(text: str) -> str:
    """The step in brackets' own sentence, with a small letter."""
    sentence = re.split(r"(?<=[.?!]) ", text.strip(" ,:."))[-1].removeprefix("and ")
    return sentence[:1].lower() + sentence[1:]


@functools.cache
def _places() -> dict[str, list[str]]:
    return yaml.safe_load((ROOT / "teaching" / "minutes.yml").read_text(encoding="utf-8"))
