"""A run that is killed leaves whole files, no process and, after the next run, nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simsam.data.files import TEMPORARY

COUNT = 12
LONG = 600  # seconds, for machines that are busy; nothing here waits for time to pass


@pytest.fixture
def photos(tmp_path) -> Path:
    """More and larger photos than a reader may hand over before somebody takes them."""
    (tmp_path / "p").mkdir()
    for i in range(COUNT):
        pixels = np.random.default_rng(i).integers(0, 256, (300, 400, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "p" / f"{i}.bmp")
    return tmp_path / "p"


def start(photos: Path, out: Path, *more: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "simsam", "segment", str(photos), "-o", str(out), "--device", "cpu"]
    quick = ["--recipe", "dsm", "--set", "size=84", "--workers", "1", "--quiet", *more]
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([*command, *quick], env=env, **pipes)


def wait_for(process: subprocess.Popen, happened) -> None:
    end = time.monotonic() + LONG
    while process.poll() is None and not happened() and time.monotonic() < end:
        time.sleep(0.005)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_kills_and_resumes(photos, tmp_path, backbone):
    whole = start(photos, tmp_path / "whole")
    assert whole.communicate(timeout=LONG)[1] == ""
    out, killed = tmp_path / "out", 0
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
        before = len(list(out.glob("*.png")))
        process = start(photos, out, "--resume")
        wait_for(process, lambda before=before: len(list(out.glob("*.png"))) > before)
        process.send_signal(number)
        said = process.communicate(timeout=LONG)[1]  # ends when no process holds the pipes: no reader is left
        killed += process.returncode == (130 if number == signal.SIGTERM else -number)
        if process.returncode == 130:
            assert said == "simsam: interrupted; what is finished is kept, the same command goes on.\n"
    assert killed, "no run was killed in its midst"
    (out / f"{TEMPORARY}stray").touch()
    done = start(photos, out, "--resume")
    assert done.communicate(timeout=LONG)[1] == ""
    assert done.returncode == 0
    masks = {path.name: path.read_bytes() for path in (tmp_path / "whole").glob("*.png")}
    assert len(masks) == COUNT
    assert sorted(path.name for path in out.iterdir()) == sorted([*masks, "simsam.jsonl"])
    assert {path.name: path.read_bytes() for path in out.glob("*.png")} == masks
