"""A run that is killed leaves whole files, no process and, after the next run, nothing else.

The same functions as in `tools/kills.py`, which kills more often.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from simsam.data.files import TEMPORARY

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import kills

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's"),
]
COUNT = 10


@pytest.fixture
def photos(tmp_path) -> Path:
    return kills.make_photos(tmp_path / "photos", COUNT)


def test_kills_and_resumes(photos, tmp_path):
    outcome = kills.kill_and_resume(photos, tmp_path, 3, seed=1)
    assert not outcome.faults, "\n".join(outcome.faults)
    assert outcome.killed, "no run was killed in its midst"
    assert len(kills.masks(tmp_path / "out")) == COUNT
    # and the check finds what is wrong
    masks = kills.masks(tmp_path / "whole")
    (tmp_path / "out" / f"{TEMPORARY}stray").touch()
    assert "left behind" in kills.differences(tmp_path / "out", masks)[0]
    (tmp_path / "out" / "00_mask.png").write_bytes(b"half")
    assert "1 masks are not those" in kills.differences(tmp_path / "out", masks)[0]
    # a run that has nothing to do but this one mask takes the stray file away
    assert not kills.Runs(photos, kills.QUICK).whole(tmp_path / "out", "--resume")
    assert not kills.differences(tmp_path / "out", masks)


def test_exactly_what_changed_is_made_again(photos, tmp_path):
    assert not kills.Runs(photos, kills.QUICK).whole(tmp_path / "out")
    assert not kills.change_and_resume(photos, tmp_path, tmp_path / "out")
