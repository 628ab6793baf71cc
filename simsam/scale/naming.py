"""A name for what is made of each photo, another one for each, on any disk."""

from __future__ import annotations

import itertools
import os
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path


def output_names(paths: Sequence[Path], places: Sequence[str] = ()) -> list[str]:
    """A name for what is made of each path: its stem, where that is not another's too.

    Where stems agree, paths of one folder keep their suffix ("x.jpg", "x.png"), and those of several folders
    have the folder's name before their own ("a_x", "b_x"); where that is not enough either, the names of more
    folders, or a number ("x-2"). Names differ by more than their case: some disks ignore it.
    places: of each path, the subfolder for what is made of it ("" for none); the name begins with it.
    """
    homes = [Path(os.path.realpath(path.parent)) for path in paths]
    places = places or [""] * len(paths)
    files = Counter((_fold(place), _fold(path.stem)) for place, path in zip(places, paths))
    here = Counter((_fold(place), home, _fold(path.stem)) for place, home, path in zip(places, homes, paths))
    taken: set[str] = set()
    names = []
    for place, home, path in zip(places, homes, paths):
        beside = here[_fold(place), home, _fold(path.stem)]
        options = _options(path, home, beside == 1, files[_fold(place), _fold(path.stem)] == beside)
        full = (f"{place}/{name}" if place else name for name in options)
        name = next(name for name in full if _fold(name) not in taken)
        taken.add(_fold(name))
        names.append(name)
    return names


def _options(path: Path, home: Path, alone: bool, at_home: bool) -> Iterator[str]:
    """Names for a path, the shortest first. `alone`: no other of its folder has its stem; `at_home`: none of
    another folder has."""
    name = path.stem if alone else path.name
    folders = [folder.name for folder in (home, *home.parents) if folder.name]
    if not at_home and folders:
        name = f"{folders.pop(0)}_{name}"
    yield name
    longer = name
    for folder in folders:
        longer = f"{folder}_{longer}"
        yield longer
    yield from (f"{name}-{n}" for n in itertools.count(2))


def _fold(name: str) -> str:
    """The name as a disk sees it that ignores case and how accents are spelled."""
    return unicodedata.normalize("NFC", name).casefold()
