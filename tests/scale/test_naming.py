"""What is made of each photo has a name of its own, on any disk."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from simsam.scale.naming import output_names


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["a/x.jpg", "b/y.png"], ["x", "y"]),
        (["x.jpg", "x.png", "y.png"], ["x.jpg", "x.png", "y"]),
        (["n/a/x.jpg", "n/b/x.jpg", "n/b/y.jpg"], ["a_x", "b_x", "y"]),
        (["a/x.jpg", "a/x.png", "b/x.jpg"], ["a_x.jpg", "a_x.png", "b_x"]),
        (["n/a/x.jpg", "m/a/x.jpg"], ["a_x", "m_a_x"]),
        (["n/a/x.jpg", "n/b/x.jpg", "c/a_x.jpg"], ["a_x", "b_x", "c_a_x"]),
        (["a/X.jpg", "a/x.png"], ["X.jpg", "x.png"]),
        (["a/X.jpg", "a/x.jpg"], ["X.jpg", "a_x.jpg"]),
        (["n/A/x.jpg", "n/a/x.jpg"], ["A_x", "n_a_x"]),
        (["m/x.jpg", "m/x.png", "n/x.jpg.png"], ["x.jpg", "x.png", "n_x.jpg"]),
    ],
)
def test_names(paths, names):
    assert output_names([Path(path) for path in paths]) == names


def test_names_that_run_out_of_folders_are_numbered():
    assert output_names([Path("/x.jpg"), Path("/x.jpg"), Path("/x.jpg")]) == ["x.jpg", "x.jpg-2", "x.jpg-3"]


def test_accents_spelled_in_two_ways_are_one_name_on_some_disks():
    one, other = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))
    assert output_names([Path(f"a/{one}.jpg"), Path(f"a/{other}.png")]) == [f"{one}.jpg", f"{other}.png"]


def test_names_of_mirrored_folders():
    paths = [Path("p/x.jpg"), Path("p/sub/x.jpg"), Path("p/sub/x.png"), Path("q/sub/x.jpg")]
    places = ["", "sub", "sub", "sub"]
    assert output_names(paths, places) == ["x", "sub/sub_x.jpg", "sub/sub_x.png", "sub/sub_x"]
