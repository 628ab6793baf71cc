"""Kill a run again and again: what it leaves must be what a run makes that nobody killed.

    python tools/kills.py --photos 40 --kills 10 --seed 0

`simsam segment` on photos of scikit-image, by turns killed (SIGKILL) and asked to end (SIGTERM) after a
random number of masks and a random while, each time going on with --resume. After each kill no process may be
left; at the end every file must be byte for byte that of an uninterrupted run, with a line of the record each
and no unfinished file. Then the content of one photo, the recipe and the weights are changed: --resume must
make exactly what changed. Prints what happened; exit code 1 when anything was otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.torch import load_file, save_file
from skimage import data

TOKEN = "SIMSAM_KILLS"  # in the environment of all that a run starts
LONG = 600  # seconds for what takes a few: beyond it, it hangs
QUICK = ("--backbone", "classical", "--set", "size=112")


@dataclass
class Outcome:
    """How many runs were killed in their midst, how many masks there were each time, and what was wrong."""

    killed: int = 0
    masks: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class Runs:
    """`simsam segment` of one folder with the same options."""

    def __init__(self, photos: Path, options: Sequence[str]):
        self.photos, self.options = photos, options

    def start(self, out: Path, *more: str) -> tuple[subprocess.Popen, str]:
        """A run, and the mark that all of its processes bear."""
        mark = uuid.uuid4().hex
        command = [sys.executable, "-m", "simsam", "segment", str(self.photos), "-o", str(out)]
        options = ["--device", "cpu", "--workers", "1", "--quiet", *self.options, *more]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen([*command, *options], env=os.environ | {TOKEN: mark}, **pipes), mark

    def whole(self, out: Path, *more: str) -> str:
        """A run to its end; what it said that it should not have."""
        process, _ = self.start(out, *more)
        said = process.communicate(timeout=LONG)[1]
        return said if process.returncode == 0 else f"exit code {process.returncode}: {said}"


def make_photos(folder: Path, count: int, side: int = 240) -> Path:
    """Crops of scikit-image's photos, each another one."""
    folder.mkdir(parents=True)
    sources = [data.astronaut(), data.cat(), data.coffee(), data.rocket()]
    rng = np.random.default_rng(0)
    for i in range(count):
        photo = sources[i % len(sources)]
        height, width = side, side if i % 2 else side * 5 // 6
        top, left = (rng.integers(0, n - m + 1) for n, m in zip(photo.shape, (height, width)))
        Image.fromarray(photo[top : top + height, left : left + width]).save(folder / f"{i:02d}.bmp")
    return folder


def marked(mark: str) -> list[int]:
    """The processes whose environment bears the mark, by Linux's /proc; none elsewhere."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if f"{TOKEN}={mark}".encode() in (place / "environ").read_bytes():
                found.append(int(place.name))
        except OSError:  # ended, or another's
            continue
    return found


def wait(happened: Callable[[], bool]) -> bool:
    """Whether it happened, however long that takes on a busy machine."""
    end = time.monotonic() + LONG
    while not happened():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def masks(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.glob("*.png"))}


def kill_and_resume(
    photos: Path, home: Path, kills: int, seed: int, options: Sequence[str] = QUICK
) -> Outcome:
    """Kills at random, a resume after each, and one to the end; `home` gets the folders "whole" and "out"."""
    outcome, draw, runs = Outcome(), random.Random(seed), Runs(photos, options)
    count = len(list(photos.iterdir()))
    if said := runs.whole(home / "whole"):
        outcome.faults.append(f"the run without a kill said: {said}")
    expected, out = masks(home / "whole"), home / "out"
    for n in range(kills):
        number = (signal.SIGKILL, signal.SIGTERM)[n % 2]
        before = len(masks(out))
        # so that something is left for each kill, but for the last ones of many
        more = draw.randint(0, max(0, (count - before) // max(1, kills - n)))
        process, mark = runs.start(out, "--resume")
        enough = before + more
        wait(lambda run=process, enough=enough: run.poll() is not None or len(masks(out)) >= enough)
        time.sleep(draw.uniform(0, 0.05))  # anywhere in what comes next
        process.send_signal(number)
        said = process.communicate(timeout=LONG)[1]  # ends when nobody holds the pipes any more
        hit = process.returncode == (-number if number == signal.SIGKILL else 130)
        outcome.killed += hit
        outcome.masks.append(len(masks(out)))
        if not hit and process.returncode not in (0, -number):  # TERM before there is a handler: -15
            outcome.faults.append(f"exit code {process.returncode} after signal {number}: {said}")
        if "Traceback" in said:
            outcome.faults.append(said)
        if not wait(lambda mark=mark: not marked(mark)):
            outcome.faults.append(f"processes left: {marked(mark)}")
        for name, pixels in masks(out).items():
            if pixels != expected.get(name):
                outcome.faults.append(f"after kill {n}, {name} is not whole")
    if said := runs.whole(out, "--resume"):
        outcome.faults.append(f"the last run said: {said}")
    outcome.faults += differences(out, expected)
    return outcome


def differences(out: Path, expected: dict[str, bytes]) -> list[str]:
    """What a folder of results has otherwise than these masks, a record with a line each, nothing else."""
    found, faults = masks(out), []
    if found != expected:
        wrong = [name for name in expected | found if found.get(name) != expected.get(name)]
        faults.append(f"{len(wrong)} masks are not those of the run without a kill: {wrong[:5]}")
    rows = [json.loads(line)["name"] for line in (out / "simsam.jsonl").read_text().splitlines()]
    if rows != [name.removesuffix("_mask.png") for name in expected]:
        faults.append(f"the record has lines of {rows}")
    if extra := {path.name for path in out.iterdir()} - {*expected, "simsam.jsonl"}:
        faults.append(f"left behind: {sorted(extra)}")
    return faults


def change_and_resume(photos: Path, home: Path, out: Path, weights: Path | None = None) -> list[str]:
    """After a change of content, recipe and weights: was exactly that made again? `out` is whole, by `QUICK`.

    weights: a safetensors file of a vit_tiny_patch16_224, from which another one is made; None: the weights
    of a made backbone take the place of none.
    """
    changed = sorted(photos.iterdir())[1]
    with Image.open(changed) as image:
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(changed)
    faults = _remade(photos, out, home, QUICK, "content", {f"{changed.stem}_mask.png"})
    recipe = ("--recipe", "spectral", *QUICK)
    faults += _remade(photos, out, home, recipe, "recipe", None)
    if weights is not None:
        net = ("--backbone", "vit_tiny_patch16_224", "--set", "size=112", "--weights", str(weights))
        faults += _remade(photos, out, home, net, "another backbone", None)
        state = load_file(weights)
        state["pos_embed"] = state["pos_embed"] + 0.5
        save_file(state, weights)
        faults += _remade(photos, out, home, net, "weights of one name", None)
    return faults


def _remade(
    photos: Path, out: Path, home: Path, options: Sequence[str], what: str, names: set[str] | None
) -> list[str]:
    """Whether --resume writes just these files (None: all), as a fresh run makes them, and then none."""
    runs, faults = Runs(photos, options), []
    fresh = home / f"fresh {what}"
    for expected in (names, set()):
        before = {path.name: path.stat().st_ino for path in out.glob("*.png")}
        if said := runs.whole(out, "--resume"):
            faults.append(f"{what}: {said}")
        written = {path.name for path in out.glob("*.png") if path.stat().st_ino != before.get(path.name)}
        if written != (set(before) if expected is None else expected):
            faults.append(f"{what}: {len(written)} files were made again")
    runs.whole(fresh)
    return faults + [f"{what}: {one}" for one in differences(out, masks(fresh))]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--photos", type=int, default=40, help="how many (default: 40)")
    parser.add_argument("--kills", type=int, default=10, help="how many (default: 10)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: 0)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        photos = make_photos(home / "photos", args.photos)
        outcome = kill_and_resume(photos, home, args.kills, args.seed)
        print(
            f"{outcome.killed} of {args.kills} runs killed in their midst, masks then: {outcome.masks}",
            flush=True,
        )
        print("\n".join(outcome.faults) or "all as without a kill", flush=True)
        faults = outcome.faults + change_and_resume(photos, home, home / "out")
    print("\n".join(faults) or "exactly what changed was made again")
    return 1 if faults or not outcome.killed else 0


if __name__ == "__main__":
    sys.exit(main())
