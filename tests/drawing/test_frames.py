"""Figures that move: the page's plain HTML, the kernel's widgets, and what tells the two apart."""

from __future__ import annotations

import io
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from simsam.drawing import frames, pictures
from simsam.drawing.frames import Frames, choose, explore
from simsam.errors import SimsamError

GRAY = np.full((12, 18, 3), 128, np.uint8)


def draw(value: object) -> tuple[np.ndarray, str]:
    return GRAY, f'A gray picture for value "{value}"'


def draw_token(i: int, j: int) -> tuple[np.ndarray, str]:
    return GRAY, f"A gray picture for token {i}, {j}"


class Tags(HTMLParser):
    """The tags of a page, each as (name, attributes)."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, name: str) -> list[dict]:
        return [attributes for tag, attributes in self.tags if tag == name]


def test_slider_page_has_a_label_and_an_alt_text_for_each_frame() -> None:
    page = explore(draw, [0.1, 0.2, 0.3], "kappa <>", start=1, text="{:.2f}".format)
    tags = Tags(page.html)
    (slider,) = tags.all("input")
    assert (slider["min"], slider["max"], slider["value"]) == ("0", "2", "1")
    assert slider["aria-valuetext"] == "0.20"
    assert [img["alt"] for img in tags.all("img")] == [draw(value)[1] for value in (0.1, 0.2, 0.3)]
    assert ["hidden" in img for img in tags.all("img")] == [True, False, True]
    assert "kappa &lt;&gt;" in page.html
    assert repr(page) == draw(0.2)[1]


def test_page_needs_nothing_from_elsewhere_and_is_the_same_again() -> None:
    page = explore(draw, range(3), "step")
    assert page == explore(draw, range(3), "step")
    tags = Tags(page.html)
    assert not tags.all("script")
    assert not [attributes for _, attributes in tags.tags if "id" in attributes]
    assert all(img["src"].startswith("data:image/webp;base64,") for img in tags.all("img"))
    assert "http" not in page.html


def test_grid_page_prepares_the_middles_of_equal_parts() -> None:
    page = choose(
        draw_token, GRAY, (6, 9), "token", alt="The picture to point at", cells=(2, 3), start=(5, 0)
    )
    photo, *shown = Tags(page.html).all("img")
    assert photo["alt"] == "The picture to point at"
    assert [img["data-value"] for img in shown] == [f"row {i}, column {j}" for i in (1, 4) for j in (1, 4, 7)]
    assert [k for k, img in enumerate(shown) if "hidden" not in img] == [3]
    # the mark stands on the token of the frame that is shown
    (mark,) = [tag for tag in Tags(page.html).all("span") if tag.get("class") == "chosen"]
    assert f"left:{shown[3]['data-left']};top:{shown[3]['data-top']}" in mark["style"]
    assert "background" not in mark["style"], "the patch stays in sight"
    assert (shown[3]["data-top"], shown[3]["data-left"]) == ("66.67%", "11.11%")


def test_grid_is_never_finer_than_the_tokens() -> None:
    page = choose(draw_token, GRAY, (2, 3), "token", alt="The picture to point at", cells=(6, 8))
    values = [img["data-value"] for img in Tags(page.html).all("img")[1:]]
    assert values == [f"row {i}, column {j}" for i in range(2) for j in range(3)]


@pytest.mark.parametrize("start", [-1, 3])
def test_explore_starts_at_one_of_its_values(start: int) -> None:
    with pytest.raises(SimsamError, match=f"start {start} and 3 values"):
        explore(draw, range(3), "step", start=start)


@pytest.mark.parametrize("token", [(6, 0), (0, 9), (-1, 0)])
def test_choose_starts_on_the_grid(token: tuple[int, int]) -> None:
    with pytest.raises(SimsamError, match=r"on the grid \(6, 9\)"):
        choose(draw_token, GRAY, (6, 9), "token", alt="The picture to point at", start=token)


def test_a_frame_must_say_what_it_shows() -> None:
    with pytest.raises(SimsamError, match="'a cat' says too little"):
        explore(lambda value: (GRAY, "a cat"), range(3), "step")


def test_widgets_draw_at_each_move(monkeypatch: pytest.MonkeyPatch) -> None:
    """In front of a reader: ipywidgets, which draw what is asked for and nothing else."""
    pytest.importorskip("ipywidgets")
    monkeypatch.setattr(frames, "live", lambda: True)
    drawn: list[object] = []

    def record(*value: object) -> tuple[np.ndarray, str]:
        drawn.append(value)
        return GRAY, "A gray picture for this test"

    slider, _ = explore(record, [0.1, 0.2, 0.3], "kappa", start=1).children
    assert drawn == [(0.2,)]
    slider.index = 2
    assert drawn == [(0.2,), (0.3,)]

    drawn.clear()
    row, column, _ = choose(record, GRAY, (6, 9), "token", alt="The picture to point at").children
    assert drawn == [(3, 4)]
    assert (row.max, column.max) == (5, 8)
    row.value = 5
    assert drawn[-1] == (5, 4)


@pytest.mark.parametrize("stdin", [False, True])
def test_a_front_end_that_can_ask_its_reader_gets_widgets(stdin: bool) -> None:
    """In real kernels: the book's build (nbclient) cannot, and says so; Jupyter and Colab can."""
    client = pytest.importorskip("nbclient").NotebookClient
    nbformat = pytest.importorskip("nbformat")
    cell = nbformat.v4.new_code_cell(
        "import numpy as np\nfrom simsam.drawing import explore\n"
        "explore(lambda v: (np.zeros((4, 4), np.uint8), 'A black square of pixels'), range(2), 'step')"
    )
    notebook = nbformat.v4.new_notebook(cells=[cell])
    runner = client(notebook, kernel_name="python3", timeout=300)
    with runner.setup_kernel():
        runner.kc.allow_stdin = stdin
        runner.execute_cell(cell, 0)
    data = cell.outputs[-1]["data"]
    assert ("application/vnd.jupyter.widget-view+json" in data) is stdin
    assert ("text/html" in data) is not stdin


def test_static_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMSAM_STATIC", "1")
    assert not frames.live()
    assert isinstance(explore(draw, range(2), "step"), Frames)


def test_a_picture_carries_its_alt_text() -> None:
    picture = pictures.show(GRAY, "A gray picture, nothing else")
    data, metadata = picture._repr_mimebundle_()
    assert data["text/plain"] == repr(picture) == "A gray picture, nothing else"
    assert metadata == {picture.mime: {"alt": "A gray picture, nothing else"}}
    assert Image.open(io.BytesIO(picture.data)).size == (18, 12)


def test_a_photo_becomes_jpeg_and_a_drawing_stays_png() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert pictures.show(noise, "Noise in three colours everywhere").mime == "image/jpeg"
    assert pictures.show(GRAY, "A gray picture, nothing else").mime == "image/png"


def test_a_drawn_figure_is_closed_so_that_it_is_shown_once() -> None:
    plt = pytest.importorskip("matplotlib.pyplot")
    figure, axes = plt.subplots(figsize=(2, 1))
    axes.plot([0, 1])
    assert pictures.as_image(figure).mode == "RGB"
    assert figure.number not in plt.get_fignums()


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        (np.zeros((4, 4)), "not \\(4, 4\\) float64"),
        (np.zeros(4, np.uint8), "not \\(4,\\) uint8"),
        ("cat.png", "cannot show a str"),
    ],
)
def test_what_is_no_picture_is_refused(figure: object, message: str) -> None:
    with pytest.raises(SimsamError, match=message):
        pictures.show(figure, "A picture that cannot be")
