"""The tables of results: read, chosen from, put into words and shown; README in step with them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from simsam.measuring.results import (
    baseline_of,
    gained,
    list_results,
    load_results,
    measured_backbones,
    measured_on,
    pick,
    reported,
    sentence,
    table,
    verdict,
)

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import readme_tables  # noqa: E402

TEXT = """\
setting,recipe,baseline,n,miou,difference,difference_low,difference_high,version
"head=sgd, kappa=1.0",simsam,spectral,40,71.25,1.5,0.25,2.75,0.1
no head,spectral,spectral,40,69.75,0.0,0.0,0.0,0.1
dsm,dsm,spectral,40,60.0,-9.75,-12.0,-7.5,0.1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for backbone, name, text in (
        ("focus_vits14", "recipes_toy", TEXT),
        ("focus_vits14", "empty", "setting,miou\n"),
        ("classical", "recipes_toy", TEXT.replace("40,", "39,")),
    ):
        (tmp_path / backbone).mkdir(exist_ok=True)
        (tmp_path / backbone / f"{name}.csv").write_text(text, encoding="utf-8")
    return tmp_path


def test_numbers_are_floats_and_names_text(folder: Path) -> None:
    rows = load_results("recipes_toy", folder)
    assert [row["recipe"] for row in rows] == ["simsam", "spectral", "dsm"]
    assert rows[0]["miou"] == 71.25
    assert rows[0]["setting"] == "head=sgd, kappa=1.0"
    assert rows[0]["version"] == "0.1"  # not a number, though it looks like one
    assert list_results(folder) == ["empty", "recipes_toy"]


def test_each_backbone_has_its_own_tables(folder: Path, refused) -> None:
    assert measured_backbones(folder) == ["focus_vits14", "classical"]
    assert load_results("recipes_toy", folder, "classical")[0]["n"] == 39
    assert load_results("recipes_toy", folder)[0]["n"] == 40
    with refused("empty", "on classical", "recipes_toy"):
        load_results("empty", folder, "classical")


def test_another_backbone_is_told_as_soon_as_it_is_measured(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMSAM_RESULTS", str(folder))
    assert measured_on("dino_vits16", "ranking_toy", recipe="dsm") == "not measured yet"
    (folder / "dino_vits16").mkdir()
    table = "split,recipe,miou,low,high\n1 mod 4,dsm,10,9,11\n3 mod 4,dsm,70.25,68,72\n"
    (folder / "dino_vits16" / "ranking_toy.csv").write_text(table, encoding="utf-8")
    assert measured_on("dino_vits16", "ranking_toy", recipe="dsm") == "70.2 [68.0, 72.0]"


def test_another_folder_by_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMSAM_RESULTS", str(folder))
    assert len(load_results("recipes_toy")) == 3


def test_a_missing_table_names_those_that_are_there(folder: Path, tmp_path: Path, refused) -> None:
    with refused("recipes_tyo", "empty, recipes_toy"):
        load_results("recipes_tyo", folder)
    with refused("make results"):
        load_results("recipes_toy", tmp_path / "nowhere")
    with refused("empty"):
        load_results("empty", folder)


def test_pick(folder: Path, refused) -> None:
    rows = load_results("recipes_toy", folder)
    assert pick(rows, recipe="dsm") == rows[2:]
    with refused("dsn", "dsm, simsam, spectral"):
        pick(rows, recipe="dsn")


def test_reported_are_images_that_no_setting_was_chosen_on() -> None:
    rows = [{"split": split} for split in ("all", "1 mod 4", "3 mod 8")]
    assert reported(rows) == [{"split": "3 mod 8"}]
    assert reported(rows[:2]) == [{"split": "all"}]


def test_the_baseline_is_found_among_those_of_its_name() -> None:
    rows = [
        {"split": "all", "setting": name, "baseline": "spectral", "miou": mean, "difference": gain}
        for name, mean, gain in [
            ("spectral", 82.3, 0.0),
            ("spectral, refine=none", 80.4, 0.0),
            ("dsm", 46.0, -34.4),
            ("lost", 46.0, -30.0),
        ]
    ]
    named = [baseline_of(row, rows) for row in rows]
    assert named == ["spectral", "spectral, refine=none", "spectral, refine=none", "spectral"]


def test_a_verdict_is_that_of_the_interval(folder: Path) -> None:
    rows = load_results("recipes_toy", folder)
    assert [verdict(row) for row in rows] == ["higher", "not distinguishable", "lower"]
    assert sentence(rows[0], "A", "B") == "A is higher than B: +1.50 [+0.25, +2.75] on 40 images"
    assert gained(rows[1]) == "is the baseline"
    assert sentence(rows[2]).startswith("dsm is lower than spectral: -9.75")
    touching = rows[0] | {"difference_low": 0.0}
    assert sentence(touching, "A", "B").endswith("[+0.00, +2.75] on 40 images, the interval touches zero")


def test_a_table_as_markdown_and_as_html(folder: Path, refused) -> None:
    rows = load_results("recipes_toy", folder)
    shown = table(rows[:2], {"<setting>": "{setting}", "mean | IoU": "{miou:.1f}"}, "what & where")
    assert table(rows[:1], {"gain": gained}).cells == (("+1.50 [+0.25, +2.75]",),)
    assert shown.markdown().splitlines() == [
        "| <setting> | mean \\| IoU |",
        "| --- | ---: |",
        "| head=sgd, kappa=1.0 | 71.2 |",
        "| no head | 69.8 |",
        "",
        "what & where",
    ]
    page = shown._repr_html_()
    assert "what &amp; where" in page
    assert "&lt;setting&gt;" in page
    assert page.count("<tr>") == 3
    with refused("no rows"):
        table([], {"a": "{a}"})


def test_every_table_of_the_package_says_what_made_it() -> None:
    tables = [(name, backbone) for backbone in measured_backbones() for name in list_results(None, backbone)]
    assert tables
    for name, backbone in tables:
        for row in load_results(name, None, backbone):
            assert row["command"], name
            assert row["backbone"] == backbone, (name, row)
            assert row["labels"], (name, row)
            assert "sha256" in row, (name, row)
            assert row["version"], name
            if "miou" in row:
                assert 0 <= row["low"] <= row["miou"] <= row["high"] <= 100, (name, row)
            if row.get("difference_low", "") != "":
                middle = row.get("difference", row.get("difference_to_baseline"))
                assert row["difference_low"] <= middle <= row["difference_high"], (name, row)


def test_blocks_are_replaced_between_their_marks_and_nowhere_else(refused) -> None:
    text = "a\n<!-- begin: speed -->\nold\n<!-- end: speed -->\nb\n"
    new = readme_tables.replace_block(text, "speed", "new\nlines")
    assert new == "a\n<!-- begin: speed -->\nnew\nlines\n<!-- end: speed -->\nb\n"
    assert readme_tables.replace_block(new, "speed", "new\nlines") == new
    with refused("quality"):
        readme_tables.replace_block(text, "quality", "x")


def test_readme_is_in_step_with_the_tables() -> None:
    missing = set(readme_tables.NEEDED) - set(list_results())
    if missing:
        pytest.skip(f"not measured yet: {', '.join(sorted(missing))}")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme_tables.update(text) == text, "run: python tools/readme_tables.py"
