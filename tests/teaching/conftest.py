"""The browser that prints the teaching pack and looks at it, one for a run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))


@pytest.fixture(scope="session")
def printer() -> Iterator:
    pytest.importorskip("markdown_it", reason="the slides need the book extra")
    from chromium import missing
    from teaching.printing import printing

    if missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing())
    with printing() as running:
        yield running
