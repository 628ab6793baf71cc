"""Many small modules as one classic script: what a page can load from `file://`, where modules cannot be.

The modules of a folder are put one after the other, in the order of their imports, inside one function; so
their names must differ. Of ES modules it reads what the playground uses: named imports, and exports of
functions, classes and constants where they are declared.
"""

from __future__ import annotations

import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

IMPORT = re.compile(r'^import\s*\{([^}]*)\}\s*from\s*"([^"]+)";[ \t]*(?:\n|\Z)', re.M)
EXPORT = re.compile(r"^export ((?:async )?(?:function\*?|class|const)) +(\w+)", re.M)
TOP = re.compile(r"^(?:export )?(?:async )?(?:function\*?|class|const|let|var) +(\w+|[{\[].*?[}\]])", re.M)
MORE = re.compile(r"^(?:const|let|var) [^;\n(\[{]*, *\w+ *=", re.M)
OUTSIDE = "SIMSAM_PLAYGROUND.modules"


class BundleError(ValueError):
    """What the bundler cannot put together, in one sentence."""


def read_modules(folder: Path, generated: dict[str, str] | None = None) -> dict[str, str]:
    """The modules of a folder (not of those inside it), name -> source, in the order of their imports.
    `generated`: further modules by their source."""
    found = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.js"))}
    found |= generated or {}
    graph = {}
    for name, source in found.items():
        inside = [Path(file).stem for _, file in IMPORT.findall(source) if file.startswith("./")]
        if missing := set(inside) - set(found):
            raise BundleError(f"{name}.js imports {', '.join(sorted(missing))}, which is not there.")
        graph[name] = inside
    try:
        return {name: found[name] for name in TopologicalSorter(graph).static_order()}
    except CycleError as error:
        raise BundleError(f"These modules import each other: {', '.join(error.args[1])}.") from None


def exports(source: str) -> list[str]:
    """The names that a module exports."""
    return [name for _, name in EXPORT.findall(source)]


def top_names(source: str) -> list[str]:
    """The names that a module declares outside of its functions."""
    names = TOP.findall(source)
    if odd := [name for name in names if not name.isidentifier()] + MORE.findall(source):
        raise BundleError(f"At its top a module declares one plain name a statement, not {odd[0]!r}.")
    return names


def check_names(modules: dict[str, str]) -> None:
    """Raise `BundleError` where two modules declare one name, or import what is not exported."""
    owner: dict[str, str] = {}
    for module, source in modules.items():
        for name in top_names(source):
            if name in owner:
                raise BundleError(f"{owner[name]}.js and {module}.js both declare {name}: rename one.")
            owner[name] = module
    for module, source in modules.items():
        for names, file in IMPORT.findall(source):
            if not file.startswith("./"):
                continue
            offered = exports(modules[Path(file).stem])
            for name in _names(names):
                if name not in offered:
                    raise BundleError(f"{module}.js imports {name}, which {file} does not export.")


def flat(modules: dict[str, str]) -> str:
    """The modules as one text without imports and exports; what lies outside the folder is looked up."""
    check_names(modules)
    outside: dict[str, list[str]] = {}
    parts = []
    for module, source in modules.items():
        for names, file in IMPORT.findall(source):
            if file.startswith("../"):
                wanted = outside.setdefault(Path(file).stem, [])
                wanted += [name for name in _names(names) if name not in wanted]
        text = EXPORT.sub(r"\1 \2", IMPORT.sub("", source))
        if re.search(r"^(import|export)\b", text, re.M):
            raise BundleError(f"{module}.js has an import or export that the bundler does not read.")
        parts.append(f"// ---- {module}.js\n{text.strip()}\n")
    looked_up = [
        f"const {{ {', '.join(names)} }} = {OUTSIDE}.{module};\n" for module, names in outside.items()
    ]
    return "\n".join([*looked_up, *parts])


def _names(listed: str) -> list[str]:
    names = [name.strip() for name in listed.split(",") if name.strip()]
    if odd := [name for name in names if not name.isidentifier()]:
        raise BundleError(f"The bundler takes an import by its own name, not {odd[0]!r}.")
    return names


def engine_script(modules: dict[str, str]) -> str:
    """The playground's own script. It is the worker's too: the function's text travels to a Blob."""
    offered = "".join(f"  {name}: {{ {', '.join(exports(source))} }},\n" for name, source in modules.items())
    return f"""function simsamPlayground() {{
"use strict";
{flat(modules)}
const modules = {{
{offered}}};
if (typeof document === "undefined") startWorker(self);
else window.SIMSAM_PLAYGROUND = openPlayground(modules, `(${{simsamPlayground}})()`);
}}
simsamPlayground();
"""


def folder_script(modules: dict[str, str]) -> str:
    """The script of a folder of modules that use the playground's: a page, or labs."""
    return '(function () {\n"use strict";\n' + flat(modules) + "\n})();\n"
