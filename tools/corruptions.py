"""Damaged photos through the whole command: `simsam segment` must end in order, whatever the files hold.

    python tools/corruptions.py --count 2000 --seed 0

Photos of scikit-image, 160 pixels wide, are saved in every common format and damaged: bytes flipped, the end
cut off, blocks swapped, bytes inserted, ranges zeroed. Each part of them goes through one command, and this
must hold: exit code 0 or 2, no traceback, one sentence for each file that failed, a mask for each other, a
line of the record for each, no unfinished file. Prints what became of each format; exit code 1 when anything
was otherwise.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

SIDE = 160  # pixels, the longer side
QUICK = ("--backbone", "classical", "--set", "size=112", "--device", "cpu", "--quiet")
LIMIT = 20  # seconds a photo, far more than any needs, and as much again for the start of each part
FORMATS: dict[str, tuple[dict, ...]] = {
    "jpg": ({"quality": 85}, {"progressive": True, "exif": True}, {"mode": "CMYK"}, {"mode": "L"}),
    "png": ({}, {"mode": "P"}, {"mode": "RGBA"}, {"mode": "I;16"}),
    "webp": ({"quality": 80}, {"lossless": True, "mode": "RGBA"}),
    "tif": (
        {},
        {"compression": "tiff_lzw"},
        {"compression": "tiff_adobe_deflate", "mode": "P"},
        {"compression": "jpeg"},
        {"mode": "I;16"},
    ),
    "avif": ({"quality": 60}, {"quality": 60, "mode": "RGBA"}),
    "gif": ({}, {"mode": "L", "interlace": 0}, {"frames": 3}),
}


# --- damage -------------------------------------------------------------------------------------------------


def flip(good: bytes, rng: np.random.Generator) -> bytes:
    """A few bytes drawn anew, half of the times near the start, where headers are."""
    bad = bytearray(good)
    reach = len(bad) if rng.random() < 0.5 else min(len(bad), 400)
    for at in rng.integers(0, reach, rng.integers(1, 9)):
        bad[at] = rng.integers(0, 256)
    return bytes(bad)


def truncate(good: bytes, rng: np.random.Generator) -> bytes:
    return good[: rng.integers(0, len(good))]


def swap(good: bytes, rng: np.random.Generator) -> bytes:
    """Two blocks of one length in each other's place."""
    length = int(rng.integers(1, max(2, min(512, len(good) // 3))))
    one, other = sorted(rng.integers(0, len(good) - length + 1, 2))
    other = max(other, one + length)
    middle = good[one + length : other]
    return (
        good[:one] + good[other : other + length] + middle + good[one : one + length] + good[other + length :]
    )


def insert(good: bytes, rng: np.random.Generator) -> bytes:
    at = int(rng.integers(0, len(good) + 1))
    return good[:at] + rng.bytes(int(rng.integers(1, 65))) + good[at:]


def zero(good: bytes, rng: np.random.Generator) -> bytes:
    """Zeros for a range, as a disk leaves them that lost a block."""
    at, length = int(rng.integers(0, len(good))), int(rng.integers(1, 1025))
    return good[:at] + bytes(len(good[at : at + length])) + good[at + length :]


DAMAGES: dict[str, Callable[[bytes, np.random.Generator], bytes]] = {
    kind.__name__: kind for kind in (flip, truncate, swap, insert, zero)
}


# --- files --------------------------------------------------------------------------------------------------


def photos() -> list[Image.Image]:
    """Small RGB photos."""
    found = [Image.fromarray(photo()) for photo in (data.astronaut, data.cat, data.coffee, data.rocket)]
    for image in found:
        image.thumbnail((SIDE, SIDE))
    return found


def encode(image: Image.Image, suffix: str, options: dict) -> bytes:
    """The bytes of a good file; mode, exif and frames are options of our own."""
    options = dict(options)
    mode, frames = options.pop("mode", "RGB"), options.pop("frames", 1)
    if options.pop("exif", False):
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = 6
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    elif mode == "RGBA":
        image.putalpha(image.convert("L"))
    else:
        image = image.convert(mode)
    if frames > 1:
        options |= {"save_all": True, "append_images": [image.rotate(90 * i) for i in range(1, frames)]}
    out = io.BytesIO()
    image.save(out, Image.registered_extensions()[f".{suffix}"], **options)
    return out.getvalue()


def write_damaged(folder: Path, count: int, seed: int) -> list[Path]:
    """`count` damaged files, formats and kinds of damage in turn, all drawn from `seed`."""
    kinds = [(suffix, options) for suffix, each in FORMATS.items() for options in each]
    good = {
        (n, i): encode(photo.copy(), *kind)
        for n, photo in enumerate(photos())
        for i, kind in enumerate(kinds)
    }
    suffixes, paths = list(FORMATS), []
    for i in range(count):
        rng = np.random.default_rng([seed, i])
        suffix, damage = suffixes[i % len(suffixes)], list(DAMAGES)[i // len(suffixes) % len(DAMAGES)]
        kind = rng.choice([k for k, (one, _) in enumerate(kinds) if one == suffix])
        path = folder / f"{i:05d}_{damage}.{suffix}"
        path.write_bytes(DAMAGES[damage](good[int(rng.integers(0, 4)), int(kind)], rng))
        paths.append(path)
    return paths


# --- the command, and what is asked of it -------------------------------------------------------------------


@dataclass
class Outcome:
    """What became of the files of each format, and what was not as it must be."""

    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    sentences: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0  # seconds a photo, of the slowest part

    def add(self, other: Outcome) -> None:
        for name in ("done", "refused", "sentences"):
            getattr(self, name).update(getattr(other, name))
        self.faults += other.faults
        self.slowest = max(self.slowest, other.slowest)


def run(paths: Sequence[Path], out: Path, options: Sequence[str] = QUICK) -> Outcome:
    """Segment the files in one command, and look at all that it left."""
    command = [sys.executable, "-m", "simsam", "segment", *map(str, paths), "-o", str(out), *options]
    start = time.monotonic()
    try:
        ended = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LIMIT * (len(paths) + 1),
            check=False,
        )
    except subprocess.TimeoutExpired:
        at = [path.name for path in paths if f'"{path.stem}"' not in _text(out / "simsam.jsonl")]
        return Outcome(faults=[f"no end after {LIMIT} s a photo; not done: {', '.join(at)}"])
    outcome = look(paths, out, ended.returncode, ended.stderr)
    outcome.slowest = (time.monotonic() - start) / len(paths)
    return outcome


def look(paths: Sequence[Path], out: Path, code: int, said: str) -> Outcome:
    """What a run left of these files: its exit code, what it said on stderr, its folder."""
    outcome, faults = Outcome(), []
    rows = {row["photo"]: row for row in map(json.loads, _text(out / "simsam.jsonl").splitlines())}
    lines = said.splitlines()
    notes = {note for row in rows.values() for note in row.get("notes", ())}
    for path in paths:
        row, suffix, mask = rows.get(str(path)), path.suffix[1:], out / f"{path.stem}_mask.png"
        told = [
            line for line in lines if f"simsam: {path}" in line and line.removeprefix("simsam: ") not in notes
        ]
        if row is None:
            faults.append(f"{path.name} has no line in the record")
        elif "error" in row:
            outcome.refused[suffix] += 1
            outcome.sentences[row["error"].replace(str(path), "FILE")] += 1
            if told != [f"simsam: {row['error']}"] or not row["error"].endswith("."):
                faults.append(f"{path.name} failed, and was told of as {told}")
            if mask.exists():
                faults.append(f"{path.name} failed and has a mask")
        else:
            outcome.done[suffix] += 1
            if told or not _is_whole(mask):
                faults.append(f"{path.name} is done, its mask whole: {_is_whole(mask)}, told of: {told}")
        lines = [line for line in lines if line not in told]
    rest = [
        line
        for line in lines
        if line.removeprefix("simsam: ") not in notes and "more such photos" not in line
    ]
    if rest:
        faults.append("said besides: " + "\n".join(rest[:20]))
    if code != (2 if outcome.refused else 0):
        faults.append(f"exit code {code} with {outcome.refused.total()} refused")
    names = {path.name for path in out.iterdir()} if out.is_dir() else set()
    extra = names - {f"{path.stem}_mask.png" for path in paths} - {"simsam.jsonl"}
    if extra:
        faults.append(f"left behind: {sorted(extra)}")
    outcome.faults = faults
    return outcome


def _is_whole(mask: Path) -> bool:
    try:
        with Image.open(mask) as image:
            return set(np.unique(image)) <= {0, 255}
    except OSError:
        return False


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=2000, help="files (default: 2000)")
    parser.add_argument("--seed", type=int, default=0, help="of all damage (default: 0)")
    parser.add_argument("--part", type=int, default=100, help="files to a command (default: 100)")
    parser.add_argument("--keep", metavar="DIR", type=Path, help="write the files there, and keep them")
    args = parser.parse_args()
    total = Outcome()
    with tempfile.TemporaryDirectory() as temporary:
        home = args.keep or Path(temporary)
        (home / "photos").mkdir(parents=True, exist_ok=True)
        paths = write_damaged(home / "photos", args.count, args.seed)
        for start in range(0, len(paths), args.part):
            one = run(paths[start : start + args.part], home / f"out{start}")
            total.add(one)
            for fault in one.faults:
                print(fault, file=sys.stderr, flush=True)
    for suffix in FORMATS:
        print(f"{suffix:5} {total.done[suffix]:5} read  {total.refused[suffix]:5} refused")
    everything = total.done.total() + total.refused.total()
    print(f"{everything} of {args.count} files; faults: {len(total.faults)}; {total.slowest:.2f} s a photo")
    return 1 if total.faults or everything != args.count else 0


if __name__ == "__main__":
    sys.exit(main())
