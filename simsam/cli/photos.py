"""The photos that a command is given, and what is said of them at its end."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from simsam.data import HEIC, list_images, local_path, placed_folders, skipped
from simsam.errors import SimsamError

NAMED = 5  # doubtful photos that a summary names


@dataclass
class Found:
    """The photos; places, of each the folder below the one that was given ("" where it lies in that); failed,
    what cannot be one -> why; skipped, how many other files of each suffix lie in the folders given;
    doubtful, those in which nothing was found that can be trusted."""

    paths: list[Path] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    failed: dict[Path, str] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    doubtful: list[Path] = field(default_factory=list)


def find_photos(given: list[str], recursive: bool = False, leave_out: Collection[Path] = ()) -> Found:
    """All photos, and what cannot be one: a wrong name must not keep the others from their masks.

    A file counts once, however often and by whatever way it is given; links of several names are several.
    `recursive`: those of the folders below too, but for `leave_out` and folders of results.
    """
    found = Found()
    seen: set[tuple[str, str]] = set()
    for name in given:
        try:
            if name == "-":
                name = str(_spooled())
            for folder, place in _folders(local_path(name), recursive, leave_out):
                for path in list_images(folder):
                    key = (os.path.realpath(path), path.name)
                    if key not in seen:
                        seen.add(key)
                        found.paths.append(path)
                        found.places.append(place)
                if os.path.isdir(folder):  # noqa: PTH112 (a name may be none that a path can have)
                    found.skipped += skipped(folder)
        except SimsamError as error:
            found.failed[Path(name)] = str(error)
    if recursive:
        del found.skipped["folder"]
    return found


def _spooled() -> Path:
    """What comes in on stdin, as a file named stdin that is deleted when the process ends."""
    data = sys.stdin.buffer.read()
    if not data:
        raise SimsamError("standard input is empty: send an image, as in simsam segment - < photo.jpg.")
    folder = tempfile.mkdtemp(prefix="simsam-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder, "stdin")
    path.write_bytes(data)
    return path


def _folders(name: Path, recursive: bool, leave_out: Collection[Path]) -> Sequence[tuple[Path, str]]:
    """A name as it is; if it is a folder and `recursive`, all of its folders, with their place in it."""
    if not (recursive and os.path.isdir(name)):  # noqa: PTH112 (the same)
        return [(name, "")]
    return placed_folders(name, leave_out)


def report(found: Found, summary: str, quiet: bool) -> int:
    """Say what went wrong, one sentence a file, and what was left out; the exit code: 0 if nothing went
    wrong, else 2."""
    for why in found.failed.values():
        print(f"simsam: {why}", file=sys.stderr)
    if not quiet:
        print(summary + _left_out(found.skipped))
        if found.doubtful:
            print(_doubt(found.doubtful))
    return 2 if found.failed else 0


def _doubt(photos: list[Path]) -> str:
    """What a summary says of photos that seem to show no object."""
    names = ", ".join(path.name for path in photos[:NAMED]) + (", ..." if len(photos) > NAMED else "")
    return f"nothing found that can be trusted in {len(photos)} of them ({names}): look at their masks."


def _left_out(skipped: Counter[str]) -> str:
    """What a summary says of other files: "; 3 skipped (2 .txt, 1 folder: --recursive)"."""
    if not skipped:
        return ""
    hints = {"folder": ": --recursive"} | dict.fromkeys(HEIC, ": pip install 'simsam[heic]'")
    parts = [f"{count} {kind}{hints.get(kind, '')}" for kind, count in sorted(skipped.items())]
    return f"; {skipped.total()} skipped ({', '.join(parts)})"
