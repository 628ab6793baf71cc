"""The reader's own photo: every way in which it may come, and what is said when it does not."""

from __future__ import annotations

import io
import sys
import types
from datetime import UTC, datetime

import numpy as np
import pytest
from PIL import Image

from simsam.drawing import notebook
from simsam.drawing.notebook import NOBODY, on_colab, own_photo, source, uploaded
from simsam.errors import SimsamError

PHOTO = np.zeros((6, 9, 3), np.uint8) + np.array([200, 30, 90], np.uint8)


def draw(photo: np.ndarray) -> tuple[np.ndarray, str]:
    return photo, f"A photo of {photo.shape[0]} by {photo.shape[1]} pixels."


def png() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PHOTO).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_path_is_drawn(tmp_path) -> None:
    (tmp_path / "photo.png").write_bytes(png())
    assert own_photo(draw, tmp_path / "photo.png").alt == "A photo of 6 by 9 pixels."


def test_a_path_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(SimsamError, match=r"missing\.png"):
        own_photo(draw, tmp_path / "missing.png")


def test_without_a_reader_the_cell_says_what_it_is_for() -> None:
    assert repr(own_photo(draw)) == NOBODY
    assert not on_colab()


@pytest.mark.parametrize(
    "value",
    [
        {"photo.png": {"metadata": {}, "content": png()}},  # ipywidgets 7
        ({"name": "photo.png", "type": "image/png", "content": memoryview(png())},),  # ipywidgets 8
    ],
    ids=["ipywidgets 7", "ipywidgets 8"],
)
def test_uploads_of_both_ipywidgets(value) -> None:
    assert uploaded(value) == {"photo.png": png()}


def test_the_button_draws_what_comes(monkeypatch) -> None:
    shown = []
    monkeypatch.setattr(notebook, "live", lambda: True)
    monkeypatch.setattr("IPython.display.display", shown.append)
    box = own_photo(draw)
    button = box.children[0]
    button.value = (
        {
            "name": "a.png",
            "type": "image/png",
            "size": 1,
            "content": png(),
            "last_modified": datetime.now(UTC),
        },
    )
    assert shown[-1].alt == "A photo of 6 by 9 pixels."


def test_colab_asks_in_its_own_way(monkeypatch) -> None:
    colab = types.ModuleType("google.colab")
    colab.files = types.SimpleNamespace(upload=lambda: {"photo.png": png()})
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    monkeypatch.setattr(notebook, "live", lambda: True)
    monkeypatch.setattr(notebook, "on_colab", lambda: True)
    assert own_photo(draw).alt == "A photo of 6 by 9 pixels."
    colab.files.upload = dict
    assert repr(own_photo(draw)) == "No file came."


def test_a_file_that_is_no_image_is_named() -> None:
    assert "song.mp3 is no image" in repr(notebook._drawn(draw, {"song.mp3": b"la la la"}))


def test_an_error_of_the_package_is_shown_as_its_sentence() -> None:
    def refuse(photo: np.ndarray) -> tuple[np.ndarray, str]:
        raise SimsamError("too small a photo: give a larger one.")

    assert repr(notebook._drawn(refuse, {"a.png": png()})) == "too small a photo: give a larger one."


def test_source_is_that_of_the_package_and_shows_itself_as_code() -> None:
    shown = source(on_colab, uploaded)
    assert shown.startswith("def on_colab() -> bool:")
    assert "def uploaded(" in shown
    assert repr(shown) == str(shown)
    assert shown._repr_markdown_() == f"```python\n{shown}\n```"
