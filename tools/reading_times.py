"""How long each chapter takes to read, counted from what its page shows.

    python tools/reading_times.py                               # a line for each notebook
    python tools/reading_times.py --write notebooks/04_*.ipynb  # put the number into the chapter's own line

The count is 180 words a minute and 8 seconds for a line of code or an equation on a line of its own. Nothing
that is folded counts: cells tagged hide-input or hide-cell, outputs tagged hide-output, and what stands
between <details> and </details> apart from its summary. Pictures, exercises and sliders take as long as a
reader likes, and count nothing. The chapter's own line,

    **Time**: about 25 minutes to read, less than one to run.

gives this rounded up to five minutes. A chapter that takes more than 45 is too long for one sitting.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORDS_A_MINUTE, SECONDS_A_LINE = 180, 8
LONGEST = 45
TIME = re.compile(r"\*\*Time\*\*: about (\d+) minutes to read, less than one to run\.")

LISTING = re.compile(r"```python\n(.*?)\n```", re.S)
EQUATION = re.compile(r"\$\$(.+?)\$\$", re.S)
SUMMARY = re.compile(r"<details[^>]*>.*?<summary>(.*?)</summary>.*?</details>", re.S)
# tags, citations, and the addresses of links
NOT_READ = re.compile(r"<[^>]+>|\{[\w:]+\}`[^`]*`|!?\[(?=[^\]]*\]\()|\]\([^)]*\)")
WORD = re.compile(r"\w")


def minutes(notebook: dict) -> float:
    """The time that the page of a notebook (its JSON) takes, in minutes."""
    words = lines = 0
    for cell in notebook["cells"]:
        tags, text = set(cell["metadata"].get("tags", [])), "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            more_words, more_lines = prose(text)
            words, lines = words + more_words, lines + more_lines
        elif cell["cell_type"] == "code":
            if not tags & {"hide-input", "hide-cell", "remove-input", "remove-cell"}:
                lines += code(text)
            if not tags & {"hide-output", "hide-cell", "remove-output", "remove-cell"}:
                lines += sum(map(code, listings(cell)))
    return words / WORDS_A_MINUTE + lines * SECONDS_A_LINE / 60


def prose(text: str) -> tuple[int, int]:
    """Of Markdown: words, an inline equation being one, and lines, of equations and of code."""
    text = SUMMARY.sub(r" \1 ", text)
    lines = sum(map(code, LISTING.findall(text)))
    text = LISTING.sub(" ", text)
    lines += sum(equation.count(r"\\") + 1 for equation in EQUATION.findall(text))
    text = re.sub(r"\$[^$]+\$", " x ", EQUATION.sub(" ", text))
    return sum(1 for word in NOT_READ.sub(" ", text).split() if WORD.search(word)), lines


def code(text: str) -> int:
    """Lines that are read: neither empty ones nor the mark of the tests, which the page leaves out."""
    lines = (line.strip() for line in text.splitlines())
    return sum(1 for line in lines if line and line != "# NBVAL_CHECK_OUTPUT")


def listings(cell: dict) -> list[str]:
    """The source of the package that a code cell shows."""
    shown = (output.get("data", {}).get("text/markdown", "") for output in cell.get("outputs", []))
    return [listing for text in shown for listing in LISTING.findall("".join(text))]


def rounded(time: float) -> int:
    """Up to five minutes."""
    return 5 * math.ceil(time / 5)


def claimed(notebook: dict) -> int | None:
    """The minutes that the chapter itself gives, or None where it has no such line yet."""
    found = (TIME.search("".join(cell["source"])) for cell in notebook["cells"][:2])
    return next((int(match[1]) for match in found if match), None)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("notebooks", nargs="*", type=Path, help="all of notebooks/ unless given")
    parser.add_argument("--write", action="store_true", help="correct the line of chapters that have one")
    arguments = parser.parse_args()
    too_long = False
    for path in arguments.notebooks or sorted((ROOT / "notebooks").glob("*.ipynb")):
        text = path.read_text(encoding="utf-8")
        notebook = json.loads(text)
        time, said = minutes(notebook), claimed(notebook)
        too_long = too_long or rounded(time) > LONGEST
        if arguments.write and said is not None:
            said = rounded(time)
            line = f"**Time**: about {said} minutes to read, less than one to run."
            path.write_text(TIME.sub(line, text, count=1), encoding="utf-8")
        says = "has no line yet" if said is None else f"says {said}"
        print(f"{path.name:<32} {time:5.1f} minutes, {says}{' TOO LONG' * (rounded(time) > LONGEST)}")
    return int(too_long)


if __name__ == "__main__":
    sys.exit(main())
