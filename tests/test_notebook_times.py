"""The book's build tells how long each notebook took, and fails for no time: a busy machine is no fault."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

import notebook_times
import run_notebooks

LINE = "\x1b[2K{}/notebooks/{}: \x1b[34mExecuted notebook in {} seconds\x1b[39;49;00m [mystnb]\n"


def log(tmp_path: Path, times: dict[str, float]) -> Path:
    path = tmp_path / "book.log"
    lines = [LINE.format("/a book", name, seconds) for name, seconds in times.items()]
    path.write_text("reading sources...\n" + "".join(lines) + "build succeeded.\n")
    return path


@pytest.mark.parametrize("slow", [60.4, 4000.0])
def test_a_notebook_that_takes_long_is_told_and_no_failure(tmp_path, capsys, slow):
    assert notebook_times.main(log(tmp_path, {"00_first_look.ipynb": 12.5, "10_scale.ipynb": slow})) == 0
    first, second, total = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"notebooks/00_first_look +12\.5 s", first)
    assert re.fullmatch(rf"notebooks/10_scale +{slow:.1f} s  \(over 60 s\)", second)
    assert re.fullmatch(rf"all notebooks +{12.5 + slow:.1f} s", total)


def test_a_build_that_ran_no_notebook_is_none(tmp_path, capsys):
    assert notebook_times.main(log(tmp_path, {})) == 1
    assert "no executed notebook" in capsys.readouterr().out


def test_running_them_by_hand_fails_for_no_time_either(tmp_path, capsys, monkeypatch):
    import nbformat

    path = tmp_path / "chapter.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")]), path)
    monkeypatch.setattr(run_notebooks, "run", lambda notebook: 4000.0)  # an hour, which no test can wait for
    monkeypatch.setattr(sys, "argv", ["run_notebooks.py", str(path)])
    assert run_notebooks.main() == 0
    assert "4000.0 s   0.00 MB  (over 60 s)" in capsys.readouterr().out
