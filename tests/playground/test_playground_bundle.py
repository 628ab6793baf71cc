"""Many modules in one script: what the bundler joins, what it refuses, and when it writes."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import playground as extension
import playground_bundle as bundle
import playground_recipes as recipes
import pytest

from simsam import RECIPES

FOLDERS = [extension.SOURCES, *sorted(path for path in extension.SOURCES.iterdir() if path.is_dir())]


def modules_of(folder: Path) -> dict[str, str]:
    known = extension.generated(extension.NO_NETWORK)
    return bundle.read_modules(folder, {"generated": known} if folder == extension.SOURCES else {})


def joined(**sources: str) -> str:
    bundle.check_names(sources)
    return bundle.flat(sources)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_names_are_unique_and_every_import_is_exported(folder: Path) -> None:
    bundle.check_names(modules_of(folder))


def test_each_module_comes_after_what_it_imports(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text('import { c } from "./c.js";\nexport const a = c + 1;\n')
    (tmp_path / "b.js").write_text('import {\n  a,\n} from "./a.js";\nconst b = a;\n')
    (tmp_path / "c.js").write_text("export const c = 1;\n")
    assert list(bundle.read_modules(tmp_path)) == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        ({"a": "const x = 1;", "b": "function x() {}"}, "a.js and b.js both declare x"),
        ({"a": "export function* x() {}", "b": "class x {}"}, "both declare x"),
        ({"a": "const y = 1, x = 2;"}, "one plain name"),
        ({"a": "const { x } = y;"}, "one plain name"),
        ({"a": "const x = 1;", "b": 'import { x } from "./a.js";'}, "which ./a.js does not export"),
        ({"a": "export const x = 1;", "b": 'import { x as y } from "./a.js";'}, "by its own name"),
        ({"a": "export default 3;"}, "that the bundler does not read"),
        ({"a": 'import * as b from "./b.js";'}, "that the bundler does not read"),
    ],
)
def test_what_would_break_the_script_is_refused(sources: dict[str, str], told: str) -> None:
    with pytest.raises(bundle.BundleError, match=re.escape(told)):
        joined(**sources)


def test_missing_modules_and_circles_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text('import { b } from "./b.js";\n')
    with pytest.raises(bundle.BundleError, match=r"a.js imports b, which is not there"):
        bundle.read_modules(tmp_path)
    (tmp_path / "b.js").write_text('import { a } from "./a.js";\n')
    with pytest.raises(bundle.BundleError, match="import each other"):
        bundle.read_modules(tmp_path)


def test_a_page_looks_up_the_modules_of_the_playground() -> None:
    script = bundle.folder_script({"main": 'import { combine } from "../affinity.js";\ncombine();\n'})
    assert "const { combine } = SIMSAM_PLAYGROUND.modules.affinity;" in script
    assert "import" not in script


def test_scripts_that_are_up_to_date_stay_as_they_are(tmp_path: Path) -> None:
    extension.make_scripts(tmp_path)
    script = tmp_path / "playground.js"
    before = script.stat()
    extension.make_scripts(tmp_path)
    assert (script.stat().st_mtime_ns, script.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    script.write_text("old")
    extension.make_scripts(tmp_path)
    assert script.stat().st_size == before.st_size


@pytest.mark.parametrize("name", recipes.PRESETS)
def test_presets_are_the_packages_recipes(name: str) -> None:
    preset = recipes.presets("focus_vits14", 392)[name]
    recipe = dataclasses.asdict(RECIPES[name])
    assert set(preset["settings"]) == set(recipes.fields())
    assert preset["settings"] == {field: recipe[field] for field in recipes.fields()}
    # what the playground does not have is told, wherever the recipe makes use of it
    told = " ".join(preset["deviates"])
    assert str(recipe["size"] or "own size") in told
    assert ("refines" in told) == (recipe["refine"] != "none")
    assert ("Small parts" in told) == (recipe["min_part"] > 0)
    assert recipe["color"] == "none"
    assert recipe["block"] == -1


def test_every_setting_of_a_recipe_is_there_or_named_as_absent() -> None:
    assert set(recipes.fields()) | recipes.ABSENT | {"name"} == {
        f.name for f in dataclasses.fields(RECIPES["simsam"])
    }
