"""A directive that shows a module of the package by its docstrings, which are Markdown at heart.

```{reference} simsam.spectral
```

A dataclass of many fields, such as `Recipe`, gets a table of them, with default and comment from its source.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
import sys
import textwrap
from types import ModuleType

import author_year
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

MANY = 20  # fields: more do not fit into a signature


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
    """A field of a dataclass as its source has it: the comment above its group, its own comment."""

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
        above = lines[node.lineno - 2].strip()
        group = above.removeprefix("# ") if above.startswith("#") else group
        comment = re.search(r"  # (.*)", lines[node.end_lineno - 1])
        default = ast.unparse(node.value) if node.value else ""
        found.append(Field(node.target.id, default, group, comment[1] if comment else ""))
    return found


def field_table(thing: type) -> str:
    """A Markdown table of a dataclass's fields, a row in bold for each group."""
    choices = getattr(sys.modules[thing.__module__], "CHOICES", {})
    rows, group = ["| field | default | meaning |", "|---|---|---|"], ""
    for field in fields(thing):
        if field.group != group:
            group = field.group
            rows.append(f"| **{group}** | | |")
        said = [field.comment, ", ".join(f"`{choice}`" for choice in choices.get(field.name, ()))]
        meaning = "; ".join(filter(None, said))
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


def members(owner: ModuleType | type) -> list[tuple[str, object]]:
    """The public functions, classes, methods and properties of `owner`, as they stand in its source."""
    named = [(name, thing) for name, thing in vars(owner).items() if not name.startswith("_")]
    if inspect.ismodule(owner):
        kinds = (inspect.isfunction, inspect.isclass)
        return [(n, t) for n, t in named if any(k(t) for k in kinds) and t.__module__ == owner.__name__]
    unwrapped = [(n, t.__func__ if isinstance(t, classmethod | staticmethod) else t) for n, t in named]
    return [(n, t) for n, t in unwrapped if inspect.isfunction(t) or isinstance(t, property)]


def page(module: ModuleType) -> str:
    """The Markdown of a module: what it is for, then each of its members."""
    parts = [markdown(module.__doc__ or ""), ""]
    for name, thing in members(module):
        parts.append(entry(name + signature(thing), thing))
        for inner, method in members(thing) if inspect.isclass(thing) else []:
            if method.__doc__:
                arguments = "" if isinstance(method, property) else signature(method)
                parts.append(entry(f"{name}.{inner}{arguments}", method))
    return "\n".join(parts)


class Reference(SphinxDirective):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        module = importlib.import_module(self.arguments[0])
        self.env.note_dependency(inspect.getsourcefile(module))
        box = nodes.container(classes=["reference-of-module"])
        self.state.nested_parse(StringList(page(module).splitlines()), 0, box)
        return [box]


def setup(app: Sphinx) -> dict[str, bool]:
    author_year.register()
    app.add_directive("reference", Reference)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
