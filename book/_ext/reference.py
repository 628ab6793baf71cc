"""A directive that shows a room of the package by its docstrings, which are Markdown at heart.

```{reference} simsam.spectral
```

A room's door shows its docstring and the names that it offers, wherever in the room they are defined; a file
shows what it defines. The front door, `simsam`, says of each name only the first paragraph and its room.
A dataclass of many fields, such as `Recipe`, gets a table of them: default, range and comment.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
import textwrap
import typing
from pathlib import Path
from types import ModuleType

import author_year
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from simsam.pipeline import Range, choices, known_settings

MANY = 12  # fields: more do not fit into a signature
ENDLESS = 2**53  # a number beyond it bounds nothing that a reader would type


class _Raw:
    """An annotation or a default written as its source has it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _raw(annotation: object) -> object:
    return _Raw(annotation) if isinstance(annotation, str) else annotation


def _named(default: object) -> object:
    """A function or a class as a default by its name, all else as it is."""
    empty = default is inspect.Parameter.empty
    return _Raw(default.__name__) if callable(default) and not empty else default


def signature(thing: object) -> str:
    """The signature of a function or class, its annotations as written, without `self`."""
    try:
        found = inspect.signature(thing)
    except (TypeError, ValueError):
        return "()"
    written = {field.name: _Raw(field.default) for field in fields(thing) if field.default}
    if len(written) > MANY:
        return "(...)"
    parameters = [
        p.replace(annotation=_raw(p.annotation), default=written.get(p.name, _named(p.default)))
        for p in found.parameters.values()
        if p.name != "self"
    ]
    result = inspect.Signature.empty if inspect.isclass(thing) else _raw(found.return_annotation)
    return str(inspect.Signature(parameters, return_annotation=result))


@dataclasses.dataclass(frozen=True)
class Field:
    """A field of a dataclass as its source has it.

    Above it may stand the name of a group, of one or two words; its own comment stands beside it, or above.
    """

    name: str
    default: str
    group: str
    comment: str


def fields(thing: object) -> list[Field]:
    """The fields of a dataclass in the order of its source; none for anything else."""
    if not (inspect.isclass(thing) and dataclasses.is_dataclass(thing)):
        return []
    source = textwrap.dedent(inspect.getsource(thing))
    lines, found, group = source.splitlines(), [], ""
    for node in ast.parse(source).body[0].body:
        if not isinstance(node, ast.AnnAssign):
            continue
        first = node.lineno - 1
        while first and lines[first - 1].lstrip().startswith("# "):
            first -= 1
        above = [line.lstrip("# ") for line in lines[first : node.lineno - 1]]
        beside = re.search(r"  # (.*)", "\n".join(lines[node.lineno - 1 : node.end_lineno]))
        if above and len(above[0].split()) <= 2:
            group = above.pop(0)
        comment = "; ".join(filter(None, [beside and beside[1], " ".join(above)]))
        found.append(Field(node.target.id, ast.unparse(node.value) if node.value else "", group, comment))
    return found


def number_range(hint: object) -> str:
    """Which numbers a setting takes, as its type says; "" where it does not."""
    if isinstance(hint, Range):
        return f"{hint.low:g} to {hint.high:g}" if hint.high < ENDLESS else f"{hint.low:g} or more"
    return next(filter(None, map(number_range, typing.get_args(hint))), "")


def field_table(thing: type) -> str:
    """A Markdown table of a dataclass's fields, a row in bold for each group."""
    hints = known_settings(thing)
    rows, group = ["| field | default | meaning |", "|---|---|---|"], ""
    for field in fields(thing):
        if field.group != group:
            group = field.group
            rows.append(f"| **{group}** | | |")
        hint = hints.get(field.name)
        words = ", ".join(f"`{choice}`" for choice in choices(hint))
        meaning = "; ".join(filter(None, [field.comment, words, number_range(hint)]))
        rows.append(f"| `{field.name}` | `{field.default}` | {meaning} |")
    return "\n".join(rows)


def markdown(doc: str) -> str:
    """A docstring as Markdown: each block of a session, `>>> ...`, fenced as code."""
    blocks = re.split(r"\n\s*\n", inspect.cleandoc(doc))
    return "\n\n".join(_fenced(block) if block.startswith(">>>") else block for block in blocks)


def _fenced(block: str) -> str:
    plain = re.sub(r"  # doctest: .*", "", block)
    return f"```pycon\n{plain}\n```"


def entry(title: str, thing: object) -> str:
    """One item of a definition list."""
    doc = markdown(thing.__doc__ or "")
    for field in fields(thing):  # a line "kappa: ..." of a dataclass's docstring is an item of a list
        doc = re.sub(rf"^(?={field.name}[:,])", "- ", doc, flags=re.M)
    if len(fields(thing)) > MANY:
        doc += "\n\n" + field_table(thing)
    return f"`{title}`\n:   {textwrap.indent(doc, ' ' * 4).strip()}\n"


def offered(module: ModuleType) -> list[str]:
    """The names of a door in its own order, those of a lazy one from its stub; of a file what it defines."""
    if not hasattr(module, "__path__"):
        return [name for name, thing in vars(module).items() if _home(thing) == module.__name__]
    stub = Path(module.__file__).with_suffix(".pyi")
    door = ast.parse((stub if stub.exists() else Path(module.__file__)).read_text(encoding="utf-8"))
    imports = [node for node in door.body if isinstance(node, ast.ImportFrom)]
    return [alias.asname or alias.name for node in imports for alias in node.names]


def _home(thing: object) -> str:
    return getattr(thing, "__module__", "")


def members(owner: ModuleType | type) -> list[tuple[str, object]]:
    """The public functions and classes of a module; the methods and properties of a class."""
    if inspect.ismodule(owner):
        named = [(name, getattr(owner, name)) for name in offered(owner) if not name.startswith("_")]
        # a function may be wrapped, as by functools.cache
        return [(n, t) for n, t in named if inspect.isclass(t) or inspect.isfunction(inspect.unwrap(t))]
    named = [(name, thing) for name, thing in vars(owner).items() if not name.startswith("_")]
    unwrapped = [(n, t.__func__ if isinstance(t, classmethod | staticmethod) else t) for n, t in named]
    return [(n, t) for n, t in unwrapped if inspect.isfunction(t) or isinstance(t, property)]


def page(module: ModuleType) -> str:
    """The Markdown of a module: what it is for, then each of its members."""
    parts = [markdown(module.__doc__ or ""), ""]
    if "." not in module.__name__:
        return "\n".join(parts + [summary(name, thing) for name, thing in members(module)])
    for name, thing in members(module):
        parts.append(entry(name + signature(thing), thing))
        for inner, method in members(thing) if inspect.isclass(thing) else []:
            if method.__doc__:
                arguments = "" if isinstance(method, property) else signature(method)
                parts.append(entry(f"{name}.{inner}{arguments}", method))
    return "\n".join(parts)


def summary(name: str, thing: object) -> str:
    """One name of the front door: what it is, and the room that says the rest."""
    said = " ".join(inspect.getdoc(thing).partition("\n\n")[0].split())
    room = ".".join(_home(thing).split(".")[:2])
    return f"`{name}{signature(thing)}`\n:   {said} More under `{room}`.\n"


class Reference(SphinxDirective):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        module = importlib.import_module(self.arguments[0])
        file = Path(inspect.getsourcefile(module))
        for source in file.parent.glob("*.py*") if file.stem == "__init__" else [file]:
            self.env.note_dependency(str(source))
        box = nodes.container(classes=["reference-of-module"])
        self.state.nested_parse(StringList(page(module).splitlines()), 0, box)
        return [box]


def setup(app: Sphinx) -> dict[str, bool]:
    author_year.register()
    app.add_directive("reference", Reference)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
