"""A directive that shows a module of the package by its docstrings, which are Markdown at heart.

```{reference} simsam.spectral
```
"""

from __future__ import annotations

import importlib
import inspect
import textwrap
from types import ModuleType

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class _Raw:
    """An annotation written as its source has it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _raw(annotation: object) -> object:
    return _Raw(annotation) if isinstance(annotation, str) else annotation


def signature(thing: object) -> str:
    """The signature of a function or class, its annotations as written, without `self`."""
    try:
        found = inspect.signature(thing)
    except (TypeError, ValueError):
        return "()"
    parameters = [
        p.replace(annotation=_raw(p.annotation)) for p in found.parameters.values() if p.name != "self"
    ]
    result = inspect.Signature.empty if inspect.isclass(thing) else _raw(found.return_annotation)
    return str(inspect.Signature(parameters, return_annotation=result))


def entry(title: str, thing: object) -> str:
    """One item of a definition list."""
    doc = inspect.cleandoc(thing.__doc__ or "")
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
    parts = [inspect.cleandoc(module.__doc__ or ""), ""]
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
    app.add_directive("reference", Reference)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
