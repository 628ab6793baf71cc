"""A photo of the reader's own on the page: chosen, dropped, pasted, and read by the real network."""

from __future__ import annotations

import base64
import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("onnxscript", reason="the export needs the extra `book`")

from browser import opened
from PIL import Image
from sites import add_network
from skimage import data
from test_page import PAGE, READY

GIVE = """([kind, name, text]) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)), given = new DataTransfer();
    if (name) given.items.add(new File([bytes], name, { type: "image/png" }));
    else given.setData("text/plain", "no photo");
    const how = { bubbles: true, cancelable: true };
    const event = kind === "paste"
        ? new ClipboardEvent(kind, { ...how, clipboardData: given })
        : new DragEvent(kind, { ...how, dataTransfer: given });
    const place = kind === "paste" ? document.body : document.querySelector("[data-part=own]");
    return !place.dispatchEvent(event);
}"""


@pytest.fixture(scope="module")
def view(browser, photos: Path, backbone, tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """The page from its file, on a site that has a network."""
    site = tmp_path_factory.mktemp("with-network")
    shutil.copytree(photos / "_static", site / "_static")
    add_network(site / "_static" / "playground", backbone)
    (site / "book").mkdir()
    (site / "book" / "playground.html").write_text(PAGE, encoding="utf-8")
    page, faults = opened(browser), []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.goto((site / "book" / "playground.html").as_uri())
    page.wait_for_selector(READY)
    yield page
    page.close()
    assert not faults


def as_png(image) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).resize((300, 200)).save(file, "PNG")
    return file.getvalue()


def give(view, kind: str, name: str = "", content: bytes = b"") -> bool:
    """Drop or paste a file; whether the page took the event for itself."""
    return view.evaluate(GIVE, [kind, name, base64.b64encode(content).decode()])


def told(view) -> str:
    return view.locator("[data-part=own] [role=status]").inner_text()


def shown(view, name: str) -> tuple[str, str]:
    """Wait until the page shows this photo; its mask and its graph."""
    view.wait_for_selector(f'.pg-photo img[alt="Your own photo: {name}"]')
    view.wait_for_selector(READY)
    assert (
        view.locator("[data-part=photo]").evaluate("list => list.selectedOptions[0].text") == f"Yours: {name}"
    )
    assert told(view) == f"{name} is the photo above now."
    picture = "canvas => canvas.toDataURL()"
    return tuple(view.locator(f"[data-view={kind}] canvas").evaluate(picture) for kind in ("mask", "matrix"))


def test_a_photo_is_chosen_dropped_and_pasted(view) -> None:
    coffee, rocket = as_png(data.coffee()), as_png(data.rocket())
    # nothing is loaded before a click; a photo that is dropped too early does not take the page's place
    assert give(view, "drop", "early.png", coffee)
    assert told(view) == "Load the transformer first: it reads your photo."
    view.get_by_role("button", name="Load the transformer").press("Enter")
    view.wait_for_selector("#pg-own-file:enabled")
    photo = {"name": "chosen.png", "mimeType": "image/png", "buffer": coffee}
    view.set_input_files("#pg-own-file", photo)
    chosen = shown(view, "chosen.png")
    assert give(view, "dragover")  # else the browser would open the file
    assert give(view, "drop", "dropped.png", rocket)
    dropped = shown(view, "dropped.png")
    assert not set(dropped) & set(chosen)
    give(view, "paste", "pasted.png", coffee)
    assert shown(view, "pasted.png") == chosen
    # what is no file, and what is no photo, leaves the page as it is
    give(view, "paste")
    give(view, "drop", "broken.png", b"no photo")
    view.wait_for_function(
        "document.querySelector('[data-part=own] [role=status]').textContent.includes('read')"
    )
    assert view.locator("[data-part=photo] [data-own]").count() == 3
    assert view.locator("#pg-own-file").is_enabled()
