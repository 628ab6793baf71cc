"""How long each notebook took, read from the log of the book's build.

    python tools/notebook_times.py BUILD.log

Fails when a notebook took more than 60 seconds, or all of them together more than 6 minutes.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ONE, ALL = 60.0, 360.0
LINE = re.compile(
    r"(?P<page>notebooks/[^\s:]+?)(?:\.ipynb)?: Executed notebook in (?P<seconds>[\d.]+) seconds"
)


def main(log: Path) -> int:
    text = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text(encoding="utf-8"))
    times = {match["page"]: float(match["seconds"]) for match in LINE.finditer(text)}
    if not times:
        print(f"{log} tells of no executed notebook; was the book built from clean?")
        return 1
    for page, seconds in sorted(times.items()):
        print(f"{page:<40} {seconds:6.1f} s{' TOO SLOW' * (seconds > ONE)}")
    total = sum(times.values())
    print(f"{'all notebooks':<40} {total:6.1f} s{' TOO SLOW' * (total > ALL)}")
    return int(total > ALL or max(times.values()) > ONE)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
