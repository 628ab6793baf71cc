"""Which code made a number: the version, and in a checkout the commit."""

from __future__ import annotations

import functools
import subprocess
from pathlib import Path

from simsam import __version__

FOLDER = Path(__file__).parent


@functools.cache
def code_version() -> str:
    """The version, in a checkout with the commit, and ".modified" if the package's code differs from that:
    "0.1.0", "0.1.0+1727b02c0ffe", "0.1.0+1727b02c0ffe.modified"."""
    if not _git("ls-files", Path(__file__).name):  # installed, if perhaps below somebody else's checkout
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
