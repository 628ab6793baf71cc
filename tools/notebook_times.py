"""How long each notebook took, read from the log of the book's build.

    python tools/notebook_times.py BUILD.log

Times are told and not judged, for a busy machine is no fault of the book. Fails when the log tells of none.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

LONG = 60.0  # seconds: what takes longer on a machine at rest asks too much of a reader
LINE = re.compile(
    r"(?P<page>notebooks/[^\s:]+?)(?:\.ipynb)?: Executed notebook in (?P<seconds>[\d.]+) seconds"
)


def remark(seconds: float) -> str:
    """What is said of a notebook that took long, nothing of any other."""
    return f"  (over {LONG:.0f} s)" if seconds > LONG else ""


def main(log: Path) -> int:
    text = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text(encoding="utf-8"))
    times = {match["page"]: float(match["seconds"]) for match in LINE.finditer(text)}
    if not times:
        print(f"{log} tells of no executed notebook; was the book built from clean?")
        return 1
    for page, seconds in sorted(times.items()):
        print(f"{page:<40} {seconds:6.1f} s{remark(seconds)}")
    print(f"{'all notebooks':<40} {sum(times.values()):6.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
