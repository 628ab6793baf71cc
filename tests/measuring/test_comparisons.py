"""The paired comparison of two results, by hand; what does not belong together is refused or named."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from PIL import Image

from simsam.cli import main
from simsam.cli.compare import remarks
from simsam.data.datasets import open_dataset
from simsam.measuring.comparisons import compare
from simsam.measuring.others import evaluate_masks
from simsam.measuring.rows import truth_digest

TRUTHS = {"1": "a" * 12, "2": "b" * 12, "3": "c" * 12}


def made(values, **more):
    keys = {"dataset": "ecssd", "task": "object", "recipe": "simsam", "changed": {}, "backbone": "b"}
    return keys | {"images": len(values), "per_image": values} | more


def test_the_digest_tells_truths_apart():
    truth = np.array([[True, False], [False, True]])
    void = np.array([[False, True], [False, False]])
    labels = truth.astype(np.uint8)
    different = [
        truth_digest(truth),
        truth_digest(~truth),
        truth_digest(truth, void),
        truth_digest(truth.reshape(1, 4)),
        truth_digest(labels + 1),
    ]
    assert len(set(different)) == 5
    assert truth_digest(truth) == truth_digest(truth.copy()) == truth_digest(labels)
    assert truth_digest(truth ^ void, void) == truth_digest(truth, void)  # there it counts nowhere
    assert all(len(digest) == 12 for digest in different)


def test_another_truth_is_refused(refused):
    values = {"1": 0.5, "2": 0.25, "3": 0.75}
    a = made(values, truths=TRUTHS)
    with refused("2 of 3 common images have another truth", "the first 2"):
        compare(a, made(values, truths=TRUTHS | {"2": "x", "3": "y"}))
    alone = {"1": 0.5, "4": 0.5}
    found = compare(a, made(alone, truths={"1": TRUTHS["1"], "4": "elsewhere"}))
    assert (found["images"], found["same_truth"]) == (1, True)
    assert compare(a, made(values))["same_truth"] is None


def test_two_folders_of_one_name_are_told_apart(tmp_path, refused, capsys):
    """Sets of one's own with the same ids: other truth is refused, the same truth is as good as one place."""
    draw = np.random.default_rng(0)
    for name in ("a", "b", "copy of a"):
        for n in range(3):
            for kind in ("images", "masks"):
                path = tmp_path / name / kind / f"{n}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                pixels = draw.integers(0, 2, (8, 9), dtype=np.uint8) * 255
                Image.fromarray(pixels).save(path)
                if name == "copy of a":
                    path.write_bytes((tmp_path / "a" / kind / path.name).read_bytes())
    found = {}
    for name in ("a", "b", "copy of a"):
        file = tmp_path / f"{name}.json"
        evaluate_masks(open_dataset("folder", tmp_path / name), tmp_path / "a" / "masks", file=file)
        found[name] = json.loads(file.read_text())
    with refused("3 of 3 common images have another truth", "two sets with the same names"):
        compare(found["a"], found["b"])
    assert main(["compare", str(tmp_path / "a.json"), str(tmp_path / "copy of a.json")]) == 0
    said = capsys.readouterr().out
    assert f"different folders: {tmp_path / 'a' / 'images'} and " in said
    assert "each image has one truth in both" in said


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ({"sha256": "1"}, {"sha256": "1"}, True),
        ({"sha256": "1"}, {"sha256": "2"}, False),
        ({"sha256": "1"}, {"sha256": "1", "backbone": "another name of it"}, True),
        ({"sha256": "", "backbone": "classical"}, {"sha256": "", "backbone": "classical"}, True),
        ({"sha256": "", "backbone": "classical"}, {"sha256": "", "backbone": "untrained_vits14"}, False),
        ({"sha256": "1"}, {"masks": "theirs"}, None),
        ({"masks": "ours"}, {"masks": "theirs"}, None),
    ],
)
def test_weights_are_told_apart(ours, theirs, same):
    result = compare(made({"1": 0.5}, **ours), made({"1": 0.5}, **theirs))
    assert result["same_weights"] is same
    assert any("weights: " in one for one in remarks(result)) is (same is not True)


def test_remarks_name_whose_weights_and_which_images():
    a = made({"1": 0.5, "2": 0.5}, sha256="0123456789abcdef", labels="none")
    b = made({"1": 0.5, "3": 0.5, "4": 0.5}, sha256="", labels="masks", backbone="c")
    assert remarks(compare(a, b)) == [
        "different weights: b (labels: none, SHA-256 0123456789ab) and c (labels: masks); the difference is "
        "theirs as well as the recipes'",
        "images left out, since the other has none of them: 1 of A, 2 of B",
    ]
    assert remarks(compare(a, a)) == []


@pytest.mark.parametrize("missing", ["dataset", "task", "images", "per_image"])
def test_a_result_of_masks_needs_no_recipe_but_the_rest(missing, tmp_path, capsys):
    result = {"dataset": "ecssd", "task": "object", "masks": "theirs", "images": 1, "per_image": {"1": 0.5}}
    file = tmp_path / "a.json"
    file.write_text(json.dumps(result))
    assert main(["compare", str(file), str(file)]) == 0
    file.write_text(json.dumps({k: v for k, v in result.items() if k != missing}))
    capsys.readouterr()
    assert main(["compare", str(file), str(file)]) == 2
    assert f"it has no {missing}" in capsys.readouterr().err


@pytest.mark.parametrize("more", [{"truths": ["a"]}, {"masks": 3}, {"images": "many"}, {"labels": 3}])
def test_damaged_keys_are_one_sentence(more, tmp_path, capsys):
    file = tmp_path / "a.json"
    file.write_text(json.dumps(made({"1": 0.5}) | more))
    assert main(["compare", str(file), str(file)]) == 2
    told = capsys.readouterr().err
    assert "is a damaged evaluation" in told
    assert told.count("\n") == 1


# --- the comparison itself ---


def test_compare_by_hand():
    a = {str(i): i / 20 for i in range(14)} | {"only a": 1.0}
    b = {str(i): 0.3 for i in range(14)} | {"only b": 0.0}
    found = compare(made(a), made(b, recipe="dsm"))
    assert found["images"] == 14
    assert found["a"] == {
        "recipe": "simsam",
        "changed": {},
        "backbone": "b",
        "sha256": None,
        "labels": None,
        "masks": None,
        "images": 15,
        "miou": 0.325,
    }
    assert found["difference"] == pytest.approx(0.325 - 0.3)
    assert found["interval"][0] < 0 < found["interval"][1]
    assert [row["id"] for row in found["largest"]][:3] == ["13", "0", "12"]
    assert len(found["largest"]) == 10
    assert found["largest"][0] == pytest.approx(
        {"id": "13", "a": 0.65, "b": 0.3, "difference": 0.35}, abs=1e-9
    )
    same = compare(made(a), made(a))
    assert (same["difference"], same["interval"]) == (0, [0, 0])


def test_compare_refuses_what_is_not_the_same(refused):
    with refused("dataset ecssd", "duts"):
        compare(made({"1": 1.0}), made({"1": 1.0}, dataset="duts"))
    with refused("task object", "semantic"):
        compare(made({"1": 1.0}), made({"1": 1.0}, task="semantic"))
    with refused("no image in common"):
        compare(made({"1": 1.0}), made({"2": 1.0}))


def test_compare_on_the_command_line(tmp_path, capsys):
    a, b, out = (tmp_path / f"{name}.json" for name in "abc")
    a.write_text(json.dumps(made({"1": 0.5, "2": 0.75})))
    b.write_text(json.dumps(made({"1": 0.25, "2": 0.75}, changed={"kappa": 0})))
    assert main(["compare", str(a), str(b), "--json", str(out)]) == 0
    told = capsys.readouterr().out
    assert re.search(r"A - B +\+12\.50 +\[\+0\.00, \+25\.00\]", told)
    assert "simsam (kappa=0), b, 2 images" in told
    assert json.loads(out.read_text())["difference"] == 0.125


@pytest.mark.parametrize(
    ("text", "part"),
    [(None, "No such file"), ("{", "is not JSON"), ("[]", "is no evaluation"), ('{"dataset": 1}', "no task")],
)
def test_compare_refuses_other_files(tmp_path, capsys, text, part):
    path = tmp_path / "a.json"
    if text is not None:
        path.write_text(text)
    assert main(["compare", str(path), str(path)]) == 2
    told = capsys.readouterr().err
    assert part in told
    assert told.count("\n") == 1
