"""The project's own files agree with each other: one address, one version, one set of pins."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import simsam

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="not in a checkout")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def project() -> dict:
    return tomllib.loads(read("pyproject.toml"))


def name_of(requirement: str) -> str:
    return re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-").replace(".", "-")


def requirements() -> list[str]:
    """Every requirement of the package and its extras, but for the package itself."""
    found = list(project()["project"]["dependencies"])
    for extra in project()["project"]["optional-dependencies"].values():
        found += extra
    return [requirement for requirement in found if name_of(requirement) != "simsam"]


def pins() -> dict[str, str]:
    lines = [line for line in read("constraints.txt").splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.!+-]+", line) for line in lines)
    return {name_of(line): line.split("==")[1] for line in lines}


def test_the_address_is_the_same_everywhere() -> None:
    assert project()["project"]["urls"]["Repository"] == simsam.REPOSITORY
    assert yaml.safe_load(read("_config.yml"))["repository"]["url"] == simsam.REPOSITORY
    assert yaml.safe_load(read("CITATION.cff"))["repository-code"] == simsam.REPOSITORY
    git = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    address = re.compile(r"https://github\.com/[\w-]+/simsam\b")
    for name in git.stdout.splitlines():
        if name.endswith((".md", ".ipynb", ".py", ".yml", ".toml", ".cff")) and (ROOT / name).exists():
            others = set(address.findall(read(name))) - {simsam.REPOSITORY}
            assert not others, f"{name} names {others}"


def test_the_version_is_the_same_everywhere() -> None:
    assert project()["project"]["version"] == simsam.__version__
    assert yaml.safe_load(read("CITATION.cff"))["version"] == simsam.__version__
    assert f"## {simsam.__version__}" in read("CHANGELOG.md")


def test_every_requirement_is_pinned_within_its_bound() -> None:
    from packaging.requirements import Requirement

    pinned = pins()
    for requirement in map(Requirement, requirements()):
        name = name_of(requirement.name)
        assert name in pinned, f"constraints.txt does not pin {name}"
        assert requirement.specifier.contains(pinned[name]), f"{requirement} does not admit {pinned[name]}"


def test_requirements_leave_an_environment_as_it_is() -> None:
    """Only loose lower bounds, so that Colab keeps its torch; jupyter-book 2 is another program."""
    for requirement in requirements():
        assert "==" not in requirement
        assert "<" not in requirement or name_of(requirement) == "jupyter-book"


def test_platform_libraries_are_left_to_torch() -> None:
    assert not [name for name in pins() if name.startswith(("nvidia-", "cuda-", "triton"))]


def test_conda_installs_the_same_and_repeats_no_pin() -> None:
    dependencies = yaml.safe_load(read("environment.yml"))["dependencies"]
    (pip,) = [entry["pip"] for entry in dependencies if isinstance(entry, dict)]
    assert pip == ["-c constraints.txt", "-e .[book,test]"]
    assert [entry for entry in dependencies if not isinstance(entry, dict)] == ["python=3.11", "pip"]


def test_every_workflow_and_target_calls_what_is_there() -> None:
    makefile = read("Makefile")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.M))
    workflows = [str(path.relative_to(ROOT)) for path in (ROOT / ".github/workflows").glob("*.yml")]
    assert len(workflows) == 4
    for name in (".ci/run", *workflows, "README.md"):
        used = set(re.findall(r"^(?:.*[ `$(])?make ([a-z-]+)", read(name), flags=re.M))
        assert used <= targets, f"{name} calls {used - targets}"


def test_the_package_imports_without_what_only_notebooks_need() -> None:
    """Every room but `drawing`, which is what notebooks draw with, and all that is behind its door."""
    files = [path.relative_to(ROOT).with_suffix("") for path in (ROOT / "simsam").rglob("*.py")]
    names = [".".join(file.parts).removesuffix(".__init__") for file in files]
    modules = [name for name in names if not name.startswith("simsam.drawing")]
    code = (
        f"import sys, {', '.join(modules)}\n"
        "loaded = {'matplotlib', 'ipywidgets', 'skimage', 'IPython'} & set(sys.modules)\n"
        "sys.exit(f'loaded {loaded}' if loaded else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_reference_has_a_doi_or_an_arxiv_number() -> None:
    entries = re.findall(r"@\w+\{(\S+?),(.*?)\}\}\s*(?=@|\Z|%)", read("book/references.bib"), flags=re.S)
    assert len(entries) > 20
    for key, body in entries:
        doi = re.search(r"\bdoi = \{10\.\d{4,}/[^\s}]+", body + "}")
        arxiv = re.search(r"\beprint = \{\d{4}\.\d{4,5}\}, archiveprefix = \{arXiv", body)
        assert doi or arxiv, f"{key} has neither"


def test_the_vendored_mathjax_comes_with_its_licence() -> None:
    vendored = ROOT / "book/_static/vendor/mathjax"
    assert "Apache License" in (vendored / "LICENSE").read_text()
    assert (vendored / "tex-chtml.js").stat().st_size > 1_000_000
    assert len(list(vendored.glob("output/chtml/fonts/woff-v2/*.woff"))) > 20


def test_pages_of_the_table_of_contents_are_there() -> None:
    toc = yaml.safe_load(read("_toc.yml"))
    files = [toc["root"]] + [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    for name in files:
        assert any((ROOT / f"{name}{suffix}").exists() for suffix in (".md", ".ipynb")), name
