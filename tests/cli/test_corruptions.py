"""A hundred damaged photos through the whole command; `tools/corruptions.py` tries thousands."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import corruptions


def test_a_hundred_damaged_photos(tmp_path):
    (tmp_path / "p").mkdir()
    paths = corruptions.write_damaged(tmp_path / "p", 100, seed=1)
    outcome = corruptions.run(paths, tmp_path / "out")
    assert not outcome.faults, "\n".join(outcome.faults)
    assert outcome.done.total() + outcome.refused.total() == 100
    assert outcome.done.total() > 10
    assert outcome.refused.total() > 10


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda out, row: (out / ".simsam-x").touch(), "left behind"),
        (lambda out, row: (out / "a_mask.png").write_bytes(b"half"), "a.png is done, its mask whole: False"),
        (lambda out, row: (out / "simsam.jsonl").write_text(row), "b.png has no line"),
    ],
)
def test_what_it_looks_for_is_found(tmp_path, change, said):
    """The look that finds no fault finds those that are there."""
    from PIL import Image

    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    out = tmp_path / "out"
    out.mkdir()
    Image.new("L", (9, 9)).save(out / "a_mask.png")
    rows = [
        f'{{"photo": "{paths[0]}", "notes": []}}\n',
        f'{{"photo": "{paths[1]}", "error": "{paths[1]} is bad."}}\n',
    ]
    (out / "simsam.jsonl").write_text("".join(rows))
    told = f"simsam: {paths[1]} is bad.\n"
    assert not corruptions.look(paths, out, 2, told).faults
    assert "exit code 0" in corruptions.look(paths, out, 0, told).faults[0]
    assert "was told of as []" in corruptions.look(paths, out, 2, "").faults[0]
    assert "said besides: Traceback" in corruptions.look(paths, out, 2, told + "Traceback\n").faults[0]
    change(out, rows[0])
    assert said in " ".join(corruptions.look(paths, out, 2, told).faults)
