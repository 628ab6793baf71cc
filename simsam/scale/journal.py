"""A long run that survives being killed: each result is a line of a file, and the next run goes on there.

FILE.partial.jsonl stands beside the FILE to be. Its first line says which run it belongs to; each further
line is one result. Further processes write FILE.partial.1.jsonl and so on. All go when FILE is there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from simsam.errors import SimsamError
from simsam.scale.distributed import gather, rank


class Journal:
    """The results of a run: those found at the start (of all processes), and those that this process adds.

    Without a file it only holds them in memory.
    """

    def __init__(self, file: Path | None, what: str, settings: object):
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
        self.file, self.header = file, {"run": what, "fingerprint": digest}
        # no process writes before all have read
        self.found: list[dict] = [row for rows in gather(self._read()) for row in rows]
        self.added: list[dict] = []
        self.stream = None if file is None else self._open()

    def add(self, row: dict) -> None:
        """Keep one result: it is on its way to the disk when this returns."""
        self.added.append(row)
        if self.stream is not None:
            self.stream.write(json.dumps(row) + "\n")
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
                fingerprint = [value["fingerprint"] for value in values[:1]]
            except (ValueError, KeyError, TypeError) as error:
                raise SimsamError(f"{path} is damaged ({error}): delete it to start anew.") from error
            if fingerprint not in ([], [self.header["fingerprint"]]):
                raise SimsamError(
                    f"{path} is a part of another run ({values[0].get('run')}; this one is "
                    f"{self.header['run']}): finish that one, delete the file, or write to another one."
                )
            rows += values[1:]
        return rows

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


@contextlib.contextmanager
def keep_journal(file: str | Path | None, what: str, settings: object) -> Iterator[Journal]:
    """The journal of a run that will write `file` (None: nothing is kept), removed when the block succeeds.

    `what` names the run for a reader; `settings`, anything JSON can hold, decides whether a journal that is
    there already belongs to this run. Raises `SimsamError` when it does not, is damaged or not writable.
    """
    journal = Journal(None if file is None else Path(file), what, settings)
    try:
        yield journal
    except BaseException:
        journal.leave()
        raise
    gather(None)  # the first process has written the file
    journal.remove()
