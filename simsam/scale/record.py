"""The record of a folder of results, `simsam.jsonl`: what made each file, a line a photo.

A line is added when its photo is finished, by one write at the end of the file: a kill leaves whole lines. Of
several lines of one name the last counts; `tidy` leaves one each.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from simsam.data import RECORD, atomic_write, code_version
from simsam.errors import SimsamError
from simsam.weights import Backbone

# what a result depends on beside the content of its photo
MAKING = ("task", "recipe_sha256", "backbone", "weights_sha256")


def making(task: str, recipe: object, backbone: Backbone) -> dict[str, str]:
    """What a line says of how its outputs are made: task, recipe (its name) and recipe_sha256 (of all other
    settings), backbone, weights (their source) and weights_sha256, version (of the code).

    recipe: a frozen dataclass with a name, such as `Recipe`.
    """
    settings = dataclasses.asdict(recipe)
    name = settings.pop("name")
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    weights = {"backbone": backbone.name, "weights": backbone.source, "weights_sha256": backbone.sha256}
    return {"task": task, "recipe": name, "recipe_sha256": digest, **weights, "version": code_version()}


def digest_of(path: Path) -> str:
    """The SHA-256 of a file's content; "" where it cannot be read, or is a pipe or a device without end."""
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return ""


class Record:
    """The record of one folder. `rows`: those that were there when it was opened, by name."""

    def __init__(self, folder: Path):
        self.folder, self.path = folder, folder / RECORD
        self.rows = self._read()
        if self._is_cut():  # else the next line would be lost with the last
            self.tidy()

    def add(
        self, name: str, photo: Path, sha256: str, outputs: Iterable[Path] = (), **fields: object
    ) -> None:
        """Add a line: the name that its files have, the photo's path, bytes and sha256, further fields, and
        the hash of each of the outputs, by its name in the folder. Raises `SimsamError` where it cannot."""
        try:
            size = photo.stat().st_size
        except (OSError, ValueError):
            size = None
        made = {path.relative_to(self.folder).as_posix(): digest_of(path) for path in outputs}
        row = {"name": name, "photo": str(photo), "bytes": size, "sha256": sha256, **fields, "outputs": made}
        try:
            with self.path.open("ab", buffering=0) as file:
                file.write(_line(row))
        except OSError as error:
            why = f"cannot write {self.path}: {error.strerror}; choose another folder."
            raise SimsamError(why) from error

    def holds(self, name: str, photo: Path, outputs: Iterable[Path], made: dict[str, str]) -> bool:
        """Whether the same content was made into these outputs in the same way, and all are whole."""
        row = self.rows.get(name, {})
        if "error" in row or any(row.get(key) != made[key] for key in MAKING):
            return False
        kept = row.get("outputs", {})
        names = {path.relative_to(self.folder).as_posix(): path for path in outputs}
        if not row.get("sha256") or not names.keys() <= kept.keys() or row["sha256"] != digest_of(photo):
            return False
        return all(kept[name] and kept[name] == digest_of(path) for name, path in names.items())

    def tidy(self) -> None:
        """One line a name, sorted by name, written whole or not at all."""
        rows = self._read()
        if self.path.exists():
            with atomic_write(self.path) as temporary:
                temporary.write_bytes(b"".join(_line(rows[name]) for name in sorted(rows)))

    def _is_cut(self) -> bool:
        """Whether the file ends in the middle of a line."""
        try:
            return not self.path.read_bytes().endswith(b"\n")
        except OSError:
            return False

    def _read(self) -> dict[str, dict]:
        """The last row of each name. A line that is none, as a full disk leaves it, counts for nothing."""
        try:
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise SimsamError(f"cannot read {self.path}: {error.strerror}; choose another folder.") from error
        rows: dict[str, dict] = {}
        for line in lines:
            try:
                row = json.loads(line)
                rows[os.fspath(row["name"])] = row
            except (ValueError, KeyError, TypeError):
                continue
        return rows


def _line(row: dict) -> bytes:
    return json.dumps(row).encode() + b"\n"
