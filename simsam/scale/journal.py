"""A long run that survives being killed: each result is a line of a file, and the next run goes on there.

FILE.partial.jsonl stands beside the FILE to be. Its first line says which run it belongs to, a hash a
setting; each further line is one result, with a hash of the image it is of. Further processes write
FILE.partial.1.jsonl and so on. All go when FILE is there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO

from simsam.errors import SimsamError
from simsam.scale.distributed import gather, rank


class Journal:
    """The results of a run: those found at the start (of all processes), and those that this process adds.

    Without a file it only holds them in memory.
    """

    def __init__(
        self,
        file: Path | None,
        what: str,
        settings: Mapping[str, object],
        images: Mapping[str, object] | None = None,
    ):
        of = {name: _digest(value) for name, value in settings.items()}
        self.file, self.header = file, {"run": what, "settings": of}
        self.images = None if images is None else {name: _digest(image) for name, image in images.items()}
        # no process writes before all have read
        self.found: list[dict] = [row for rows in gather(self._read()) for row in rows]
        self.added: list[dict] = []
        self.stream = None if file is None else self._open()

    def add(self, row: dict) -> None:
        """Keep one result: it is on its way to the disk when this returns."""
        self.added.append(row)
        if self.stream is not None:
            of = {} if self.images is None else {"of": self.images[row["id"]]}
            self.stream.write(json.dumps(row | of) + "\n")
            self.stream.flush()

    def rows(self) -> list[dict]:
        """The results of all processes, those found first; a process that asks waits for all others."""
        return self.found + [row for rows in gather(self.added) for row in rows]

    def close(self) -> None:
        if self.stream is not None:
            self.stream.close()

    def leave(self) -> None:
        """Close; delete this process's file if there is no result in it. Those of others are theirs."""
        self.close()
        if self.stream is not None:
            path = Path(self.stream.name)
            if path.exists() and path.read_bytes().count(b"\n") < 2:
                path.unlink()

    def remove(self) -> None:
        """Delete the files of all processes."""
        self.close()
        for path in self._paths():
            path.unlink(missing_ok=True)

    def _paths(self) -> list[Path]:
        if self.file is None or not self.file.parent.is_dir():
            return []
        pattern = re.compile(re.escape(self.file.name) + r"\.partial(\.\d+)?\.jsonl")
        return sorted(path for path in self.file.parent.iterdir() if pattern.fullmatch(path.name))

    def _read(self) -> list[dict]:
        rows = []
        for path in self._paths():
            # what follows the last newline is a line that a kill cut short
            lines = path.read_bytes().split(b"\n")[:-1]
            try:
                values = [json.loads(line) for line in lines]
                theirs = [(value.get("run"), dict(value.get("settings", {}))) for value in values[:1]]
                of = [value.pop("of", None) for value in values[1:]]
            except (ValueError, TypeError, AttributeError) as error:
                raise SimsamError(f"{path} is damaged ({error}): delete it to start anew.") from error
            for run, settings in theirs:
                self._check(path, run, settings)
            images = self.images
            rows += [
                row for row, image in zip(values[1:], of) if images is None or images.get(row["id"]) == image
            ]
        return rows

    def _check(self, path: Path, run: str, settings: dict[str, str]) -> None:
        """Raise `SimsamError`, which names what differs, unless a journal has the settings of this one."""
        ours = self.header["settings"]
        other = sorted(name for name in ours | settings if ours.get(name) != settings.get(name))
        if other:
            raise SimsamError(
                f"{path} is a part of another run ({run}; this one is {self.header['run']}), with another "
                f"{', another '.join(other)}: finish that one, delete the file to start anew, or write to "
                "another one."
            )

    def _open(self) -> TextIO:
        path = self.file.with_name(f"{self.file.name}.partial{f'.{rank()}' if rank() else ''}.jsonl")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            whole = path.read_bytes().rfind(b"\n") + 1 if path.exists() else 0
            stream = path.open("a", encoding="utf-8")
            stream.truncate(whole)
            if not whole:
                stream.write(json.dumps(self.header) + "\n")
                stream.flush()
        except OSError as error:
            raise SimsamError(f"cannot write {path}: {error.strerror}; choose another folder.") from error
        return stream


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


@contextlib.contextmanager
def keep_journal(
    file: str | Path | None,
    what: str,
    settings: Mapping[str, object],
    images: Mapping[str, object] | None = None,
) -> Iterator[Journal]:
    """The journal of a run that will write `file` (None: nothing is kept), removed when the block succeeds.

    `what` names the run for a reader; `settings`, a name -> anything JSON can hold, decide whether a journal
    that is there already belongs to this run. Raises `SimsamError` when it does not, is damaged or not
    writable. images: id -> anything that says which image it is: results whose image is gone, or another
    one now, count for nothing.
    """
    journal = Journal(None if file is None else Path(file), what, settings, images)
    try:
        yield journal
    except BaseException:
        journal.leave()
        raise
    gather(None)  # the first process has written the file
    journal.remove()
