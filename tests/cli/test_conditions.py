"""The whole command under conditions that people have: odd names, full disks, changing folders, company."""

from __future__ import annotations

import concurrent.futures
import json
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import simsam
from simsam.cli import main
from simsam.data import files
from simsam.scale import batches

OPTIONS = ["--device", "cpu", "--set", "size=70", "--backbone", "classical", "--quiet"]
LONG = 600  # seconds, for machines that are busy


def run(*arguments, command="segment") -> int:
    return main([command, *map(str, arguments), *OPTIONS])


def photo(path: Path, seed: int = 0, shape: tuple[int, int] = (60, 90)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def photos(folder: Path, count: int) -> list[Path]:
    return [photo(folder / f"{i}.png", i, (60, 90) if i % 2 else (90, 60)) for i in range(count)]


def made(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.png"))}


def rows(folder: Path) -> dict[str, dict]:
    return {row["name"]: row for row in map(json.loads, (folder / "simsam.jsonl").read_text().splitlines())}


# --- names ---

NAMES = ["ü 猫 🐱", "a\nb", "it's", 'say "cheese"', "-o", "100%", "$HOME", "a;b", " x ", "[1]", "*", "a\\b"]


@pytest.mark.skipif(os.name != "posix", reason="names that Windows does not allow")
def test_names_of_any_kind(tmp_path, capsys):
    for i, name in enumerate(NAMES):
        photo(tmp_path / "p" / f"{name}.png", i)
    (tmp_path / "p" / "bad\nname.png").write_text("no image")
    assert run(tmp_path / "p", "-o", tmp_path / "out") == 2
    assert made(tmp_path / "out").keys() == {f"{name}_mask.png" for name in NAMES}
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1  # the newline is spelled out
    assert r"bad\nname.png is not an image" in lines[0]
    assert rows(tmp_path / "out").keys() == {*NAMES, "bad\nname"}


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text")
def test_names_that_no_encoding_holds(tmp_path):
    """In a terminal that knows nothing but ASCII, too."""
    folder = os.fsencode(tmp_path) + b"/p\xff"
    os.mkdir(folder)  # noqa: PTH102 (bytes)
    photo(Path(os.fsdecode(folder)) / "ä.png")
    command = [sys.executable, "-m", "simsam", "segment", folder, "-o", folder + b"/out"]
    env = os.environ | {"PYTHONIOENCODING": "ascii:strict"}
    done = subprocess.run([*command, *OPTIONS[:-1]], capture_output=True, env=env, timeout=LONG, check=False)
    assert done.returncode == 0, done.stderr
    assert b"1 of 1 done, in" in done.stdout
    assert b"Traceback" not in done.stderr
    assert made(Path(os.fsdecode(folder)) / "out").keys() == {"ä_mask.png"}


# --- the same bytes ---


def test_the_same_bytes_whatever_runs_together(tmp_path):
    photos(tmp_path / "p", 6)
    threads = torch.get_num_threads()
    for i, (count, workers, batch) in enumerate([(1, 0, 1), (2, 1, 1), (4, 2, 1), (1, 0, 3), (3, 1, 6)]):
        torch.set_num_threads(count)
        assert run(tmp_path / "p", "-o", tmp_path / f"{i}", "--workers", workers, "--batch", batch) == 0
    torch.set_num_threads(threads)
    for i in range(1, 5):
        assert made(tmp_path / f"{i}") == made(tmp_path / "0")


def test_two_runs_into_one_folder(tmp_path):
    photos(tmp_path / "p", 6)
    command = [sys.executable, "-m", "simsam", "segment", str(tmp_path / "p"), "-o", str(tmp_path / "out")]
    both = [subprocess.Popen([*command, *OPTIONS], stderr=subprocess.PIPE, text=True) for _ in range(2)]
    assert [one.communicate(timeout=LONG)[1] for one in both] == ["", ""]
    assert [one.returncode for one in both] == [0, 0]
    assert run(tmp_path / "p", "-o", tmp_path / "alone") == 0
    assert made(tmp_path / "out") == made(tmp_path / "alone")
    assert list(rows(tmp_path / "out")) == list(rows(tmp_path / "alone"))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*made(tmp_path / "alone"), "simsam.jsonl"}


# --- disks ---

SMALL_DISK = """
import resource, signal, sys
from simsam.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing beyond the limit is an error, as on a full disk
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
@pytest.mark.parametrize("limit", [0, 60, 700])
def test_a_disk_that_takes_no_more(tmp_path, limit):
    """No byte, not a whole mask, or not the whole record: it is said, nothing is left half."""
    photos(tmp_path / "p", 4)
    out = tmp_path / "out"
    arguments = ["segment", str(tmp_path / "p"), "-o", str(out), "--workers", "0", *OPTIONS]
    command = [sys.executable, "-c", SMALL_DISK, str(limit), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONG, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    lines = done.stderr.splitlines()
    assert lines
    assert all(line.startswith("simsam: cannot write ") and line.endswith(".") for line in lines), lines
    assert not list(out.glob(".simsam-*"))
    assert run(tmp_path / "p", "-o", out, "--resume") == 0  # with room again
    assert run(tmp_path / "p", "-o", tmp_path / "fresh") == 0
    assert made(out) == made(tmp_path / "fresh")
    assert list(rows(out)) == ["0", "1", "2", "3"]


def test_a_folder_that_cannot_be_written(tmp_path, capsys, monkeypatch):
    """Told before the work; as root sees it as well, who may write anywhere."""

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    photos(tmp_path / "p", 1)
    monkeypatch.setattr(files.tempfile, "TemporaryFile", refuse)
    monkeypatch.setattr("simsam.cli.segment.run_folder", refuse)
    assert run(tmp_path / "p", "-o", tmp_path / "out") == 2
    assert "cannot write to" in capsys.readouterr().err


def test_photos_deleted_during_the_run(tmp_path, capsys, monkeypatch):
    """All but those that were read already, and one that became a folder."""
    paths = photos(tmp_path / "p", 6)
    promised = batches._promised_grid

    def vanish(sample, *rest):
        grid = promised(sample, *rest)
        if sample.path == paths[-1]:  # all are listed and planned
            paths[1].unlink()
            paths[2].unlink()
            paths[2].mkdir()
        return grid

    monkeypatch.setattr(batches, "_promised_grid", vanish)
    assert run(tmp_path / "p", "-o", tmp_path / "out") == 2
    assert made(tmp_path / "out").keys() == {f"{i}_mask.png" for i in (0, 3, 4, 5)}
    told = capsys.readouterr().err.splitlines()
    assert [line.rpartition("p/")[2][:26] for line in told] == [
        "1.png does not exist; give",
        "2.png is a directory, but ",
    ]
    assert [name for name, row in rows(tmp_path / "out").items() if "error" in row] == ["1", "2"]


def test_an_output_folder_deleted_during_the_run_is_made_again(tmp_path, monkeypatch):
    photos(tmp_path / "p", 4)
    promised, out = batches._promised_grid, tmp_path / "out"

    def vanish(sample, *rest):
        shutil.rmtree(out, ignore_errors=True)
        return promised(sample, *rest)

    monkeypatch.setattr(batches, "_promised_grid", vanish)
    assert run(tmp_path / "p", "-o", out) == 0
    assert len(made(out)) == 4


# --- company ---


def mask_of(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    return simsam.segment(pixels, backbone="classical", device="cpu", size=70).mask.tobytes()


def test_threads():
    expected = [mask_of(seed) for seed in range(4)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(mask_of, [0, 1, 2, 3] * 2, timeout=LONG)) == expected * 2


def test_the_command_in_a_thread(tmp_path):
    """Where no signal arrives."""
    photos(tmp_path / "p", 2)
    codes = []
    thread = threading.Thread(target=lambda: codes.append(run(tmp_path / "p", "-o", tmp_path / "out")))
    thread.start()
    thread.join(LONG)
    assert codes == [0]


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="there is no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_that_is_forked_after_use():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # OpenMP's threads do not survive a fork, in anybody's program
    expected = mask_of(0)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map_async(mask_of, [0, 0]).get(LONG) == [expected] * 2
    torch.set_num_threads(threads)


def test_results_recipes_and_errors_are_pickled(cat):
    result = simsam.segment(cat, backbone="classical", device="cpu", size=70)
    again = pickle.loads(pickle.dumps(result))
    np.testing.assert_array_equal(again.mask, result.mask)
    assert torch.equal(again.eigenvectors, result.eigenvectors)
    assert again.recipe == result.recipe
    error = pickle.loads(pickle.dumps(simsam.SimsamError("a\nb.")))
    assert type(error) is simsam.SimsamError
    assert str(error) == r"a\nb."
