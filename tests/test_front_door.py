"""The front door: it opens at once, offers what its stub says, and is typed as README uses it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

import simsam

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {"torch", "timm", "torchvision", "sklearn", "matplotlib"}  # each takes a good part of a second
STUB = ROOT / "simsam" / "__init__.pyi"


def loaded_after(code: str) -> set[str]:
    """Which of the heavy packages a fresh Python has loaded at the end of `code`."""
    code += "\nimport sys; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return HEAVY & set(done.stdout.splitlines())


COMMAND = """
from simsam.cli import main
try:
    main([{!r}])
except SystemExit as done:
    assert not done.code
"""


@pytest.mark.parametrize(
    "code",
    [
        "import simsam; simsam.__version__, simsam.REPOSITORY",
        "import simsam.pipeline; assert 'dsm' in simsam.pipeline.RECIPES",
        COMMAND.format("--help"),
        COMMAND.format("--version"),
    ],
    ids=["simsam", "recipes", "--help", "--version"],
)
def test_it_opens_without_what_only_the_work_needs(code: str) -> None:
    assert not loaded_after(code)


def test_what_is_heavy_is_found_when_it_comes() -> None:
    assert "torch" in loaded_after("import simsam; simsam.segment")


def test_it_offers_what_its_stub_says() -> None:
    names = {alias.asname for node in ast.parse(STUB.read_text()).body for alias in node.names}
    assert set(dir(simsam)) == set(simsam.__all__) == names
    for name in names:
        assert getattr(simsam, name) is not None


def test_whoever_installs_it_gets_its_types() -> None:
    """Without the marker, type checkers take an installed package for untyped; here they see the source."""
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    stubs = {path.relative_to(ROOT / "simsam").as_posix() for path in (ROOT / "simsam").rglob("*.pyi")}
    assert {"py.typed", *stubs} <= set(package["simsam"])
    assert (ROOT / "simsam" / "py.typed").is_file()


@pytest.fixture
def mypy(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[str], str]:
    """`mypy(code)`: what mypy --strict says of the code, "" where it has nothing to say."""
    pytest.importorskip("mypy", reason="types need the test extra")
    kept = getattr(request.config, "cache", None)  # None: -p no:cacheprovider
    cache = tmp_path / "cache" if kept is None else kept.mkdir("mypy")  # what it knows of torch, for later

    def check(code: str) -> str:
        file = tmp_path / "code.py"
        file.write_text(code)
        strict = ["--strict", "--follow-imports=silent", "--no-error-summary", f"--cache-dir={cache}"]
        command = [sys.executable, "-m", "mypy", *strict, file]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert not done.stderr, done.stderr
        return done.stdout

    return check


@pytest.mark.slow
def test_readme_is_well_typed(mypy) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), flags=re.M | re.S)
    assert blocks
    said = mypy("\n".join(blocks))
    assert not said, said


@pytest.mark.slow
def test_one_photo_gives_a_result_and_a_list_gives_a_list(mypy) -> None:
    code = """
        import simsam

        simsam.segment("a.jpg").mask
        simsam.segment(["a.jpg"])[0].mask
        simsam.segment(["a.jpg"]).mask
        simsam.segment("a.jpg")[0]
        """
    wrong = re.findall(r"code\.py:(\d+): error", mypy(textwrap.dedent(code)))
    assert wrong == ["6", "7"]


@pytest.mark.slow
def test_every_kind_of_photo_is_typed(mypy) -> None:
    code = """
        import io
        from pathlib import Path
        from typing import assert_type

        import numpy as np
        import torch
        from PIL import Image

        import simsam
        from simsam import Recipe, Result, SimsamError

        assert_type(simsam.segment(Path("a.jpg"), "dsm", kappa=0.5), Result)
        assert_type(simsam.segment(b"bytes"), Result)
        assert_type(simsam.segment(io.BytesIO()), Result)
        assert_type(simsam.segment(open("a.jpg", "rb")), Result)
        assert_type(simsam.segment(Image.new("L", (9, 9))), Result)
        assert_type(simsam.segment(np.zeros((9, 9), np.uint8)), Result)
        assert_type(simsam.segment(torch.zeros(3, 9, 9)), Result)
        assert_type(simsam.segment([Path("a.jpg")], Recipe()), list[Result])
        assert_type(simsam.segment((np.zeros((9, 9)), "a.jpg")), list[Result])
        for path, result in simsam.segment_folder("photos"):
            assert_type(path, Path)
            assert_type(result, Result | SimsamError)
        """
    said = mypy(textwrap.dedent(code))
    assert not said, said
