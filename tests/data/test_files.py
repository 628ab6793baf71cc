"""Files whole or not at all, and nothing left of runs that were killed, but for what a live one is at."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from simsam.data import files
from simsam.data.files import TEMPORARY, atomic_write, clear_strays, make_folder

WRITER = """
import sys
from simsam.data.files import atomic_write
with atomic_write(sys.argv[1]) as temporary:
    temporary.write_text("half")
    print("ready", flush=True)
    sys.stdin.read()
"""


def temporaries(folder):
    return sorted(folder.glob(f"{TEMPORARY}*"))


def test_a_stray_goes_and_the_file_of_a_live_writer_stays(tmp_path):
    (tmp_path / f"{TEMPORARY}stray").write_text("of a run that was killed")
    with atomic_write(tmp_path / "mask.png") as temporary:
        temporary.write_text("pixels")
        make_folder(tmp_path)
        assert temporaries(tmp_path) == [temporary]
    assert (tmp_path / "mask.png").read_text() == "pixels"
    assert not temporaries(tmp_path)


@pytest.mark.parametrize("how", ["kill", "terminate"])
def test_a_writer_in_another_process_is_alive_until_it_dies(tmp_path, how):
    command = [sys.executable, "-c", WRITER, str(tmp_path / "mask.png")]
    writer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert writer.stdout.readline() == b"ready\n"
        clear_strays(tmp_path)
        assert len(temporaries(tmp_path)) == 1
    finally:
        getattr(writer, how)()
        writer.communicate()
    assert len(temporaries(tmp_path)) == 1
    clear_strays(tmp_path)
    assert not list(tmp_path.iterdir())


def test_sweeping_while_many_files_are_written_loses_none(tmp_path):
    def sweep():
        while not done.is_set():
            clear_strays(tmp_path)

    done = threading.Event()
    sweeper = threading.Thread(target=sweep)
    sweeper.start()
    try:
        for i in range(200):
            with atomic_write(tmp_path / str(i)) as temporary:
                temporary.write_text(str(i))
    finally:
        done.set()
        sweeper.join()
    assert sorted(int(path.read_text()) for path in tmp_path.iterdir()) == list(range(200))


def test_without_locks_age_tells(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "fcntl", None)
    old, new = tmp_path / f"{TEMPORARY}old", tmp_path / f"{TEMPORARY}new"
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))
    clear_strays(tmp_path)
    assert temporaries(tmp_path) == [new]
    with atomic_write(tmp_path / "mask.png") as temporary:
        temporary.write_text("pixels")
    assert (tmp_path / "mask.png").read_text() == "pixels"


def test_other_hidden_files_are_not_ours(tmp_path):
    for name in (".hidden", "simsam-notes", ".simsam"):
        (tmp_path / name).touch()
    clear_strays(tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
