"""The book's notebooks on features that are not the page's, each alone in an empty folder.

No weights are to be had there: a cell that would load the default in silence fails.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "chapter" in metafunc.fixturenames:
        metafunc.parametrize("chapter", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture
def run_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A function: run a notebook on a backbone, and give it with its outputs."""
    from run_notebooks import run

    monkeypatch.setenv("SIMSAM_CACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # where nobody answers

    def execute(path: Path, backbone: str) -> nbformat.NotebookNode:
        notebook = nbformat.read(path, as_version=4)
        run(notebook, backbone)  # raises the first error of a cell
        return notebook

    return execute
