"""The rules of the house (CONTRIBUTING.md, "One idea, one room"), held by reading every import.

Read, not run: imports inside functions and those for type checkers alone count as well.
"""

from __future__ import annotations

import ast
import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HOUSE = ROOT / "simsam"
FILES = sorted(HOUSE.rglob("*.py"))
VISITORS = [
    *sorted((ROOT / "notebooks").glob("*.ipynb")),
    *sorted((ROOT / "tools").glob("*.py")),
    *sorted((ROOT / "book" / "_ext").glob("*.py")),
]

# From the ground up: a room imports from the floors below its own, and from no room beside it.
FLOORS = (
    {"errors"},
    {"data"},
    {"weights"},
    {"features"},
    {"siamese", "affinity", "spectral"},
    {"objects"},
    {"pipeline"},
    {"scale"},
    {"semantics"},
    {"measuring"},
    {"cli"},
)
BELOW = {room: set().union(*FLOORS[:floor]) for floor, rooms in enumerate(FLOORS) for room in rooms}
BELOW |= {
    "drawing": {"errors", "data", "weights"},  # what notebooks draw with: nothing of the package needs it
    "__main__": {"cli"},  # python -m simsam
}
ROOMS = set(BELOW) - {"__main__"}


@dataclass(frozen=True)
class Import:
    """`from module import name`; without a name `import module`."""

    line: int
    module: str
    name: str = ""

    @property
    def room(self) -> str:
        """The room it asks, "" for the front door."""
        return self.module.split(".")[1] if "." in self.module else ""

    @property
    def beyond(self) -> bool:
        """Whether it goes past the room's door."""
        return self.module.count(".") > 1

    def __str__(self) -> str:
        what = f"from {self.module} import {self.name}" if self.name else f"import {self.module}"
        return f"line {self.line}: {what}"


def code(path: Path) -> str:
    """The Python of a file, or of a notebook's code cells, their magics left out."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = ["".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    return re.sub(r"^(\s*)[%!].*$", r"\1pass", "\n".join(cells), flags=re.M)


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(code(path), str(path))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[Import]:
    """What a file imports of the package, wherever it does so; `from simsam import room` imports the room."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found = [Import(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{label(path)}, line {node.lineno}: name the room that is meant"
            rooms = ROOMS if node.module == "simsam" else set()
            found = [
                Import(node.lineno, f"simsam.{alias.name}")
                if alias.name in rooms
                else Import(node.lineno, node.module, alias.name)
                for alias in node.names
            ]
        else:
            continue
        yield from (one for one in found if one.module.split(".")[0] == "simsam")


def room_of(path: Path) -> str:
    """The room a file stands in; "" for the front door and for files outside the house."""
    if not path.is_relative_to(HOUSE) or path == HOUSE / "__init__.py":
        return ""
    return path.relative_to(HOUSE).parts[0].removesuffix(".py")


@functools.cache
def offered(room: str) -> dict[str, str]:
    """The names at a room's door, each with the module it is from; a lazy door has them in its stub."""
    stub = HOUSE / room / "__init__.pyi"
    door = tree(stub if stub.exists() else stub.with_suffix(".py"))
    names = {node.name: "" for node in door.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for node in door.body:
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: node.module or f"simsam.{room}" for alias in node.names}
    return names


def defined(path: Path) -> set[str]:
    """The functions and classes that a file defines."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return {node.name for node in tree(path).body if isinstance(node, kinds)}


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


def told(wrong: list[Import]) -> str:
    return "\n".join(map(str, wrong))


every_file = pytest.mark.parametrize("path", FILES, ids=label)


def test_the_plan_names_every_room() -> None:
    assert {room_of(path) for path in FILES} - {""} == set(BELOW)


@every_file
def test_nobody_inside_imports_from_the_front_door(path: Path) -> None:
    wrong = [one for one in imports(path) if not one.room]
    assert not wrong, told(wrong)


@pytest.mark.parametrize("path", [*FILES, *VISITORS], ids=label)
def test_past_a_door_only_the_rooms_own_files_go(path: Path) -> None:
    def at_the_door(one: Import) -> bool:
        is_file = (HOUSE / f"{one.room}.py").exists()
        return not one.beyond and (is_file or not one.name or one.name in offered(one.room))

    wrong = [one for one in imports(path) if one.room != room_of(path) and not at_the_door(one)]
    assert not wrong, told(wrong)


@every_file
def test_arrows_run_one_way(path: Path) -> None:
    room = room_of(path)
    wrong = [one for one in imports(path) if room and one.room not in BELOW[room] | {room}]
    assert not wrong, told(wrong)


def test_files_import_each_other_in_no_circle() -> None:
    modules = {module_of(path) for path in FILES}
    graph = {}
    for path in FILES:
        reached = [f"{one.module}.{one.name}" if one.name else one.module for one in imports(path)]
        graph[module_of(path)] = {name if name in modules else name.rpartition(".")[0] for name in reached}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


@every_file
def test_no_file_bears_the_name_of_what_it_defines(path: Path) -> None:
    """Else `from simsam.room import name` gives the file or the function, by what was imported before."""
    assert path.stem not in defined(path)


@pytest.mark.parametrize("room", ["", *sorted(room for room in ROOMS if (HOUSE / room).is_dir())])
def test_no_door_offers_a_name_that_a_file_bears(room: str) -> None:
    files = {path.stem for path in (HOUSE / room).glob("*.py")}
    others = {name for name, module in offered(room).items() if module != f"simsam.{room}"}
    assert not files & others


def test_the_first_level_is_taken_in_at_a_glance() -> None:
    names = {path.name for path in HOUSE.iterdir()} - {"__pycache__"}
    assert len(names) <= 18, sorted(names)


@every_file
def test_no_file_is_long(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= 280, f"{lines} lines: two ideas share a file"
