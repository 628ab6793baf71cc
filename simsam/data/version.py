"""Which code made a number: the version, in a checkout the commit; and where the project lives."""

from __future__ import annotations

import functools
import subprocess
from pathlib import Path

__version__ = "0.1.0"

# The project's public address: the only place that decides it; tests keep every other mention in step.
REPOSITORY = "https://github.com/simsam-book/simsam"

FOLDER = Path(__file__).parents[1]  # of the package


@functools.cache
def code_version() -> str:
    """The version, in a checkout with the commit, and ".modified" if the package's code differs from that:
    "0.1.0", "0.1.0+1727b02c0ffe", "0.1.0+1727b02c0ffe.modified"."""
    if not _git("ls-files", "__init__.py"):  # installed, if perhaps below somebody else's checkout
        return __version__
    modified = ".modified" if _git("status", "--porcelain", "--", "*.py") else ""
    return f"{__version__}+{_git('rev-parse', '--short=12', 'HEAD')}{modified}"


def _git(*arguments: str) -> str:
    """What git says of the package's folder; nothing without git, or outside a checkout."""
    command = ["git", "--no-optional-locks", "-C", str(FOLDER), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
