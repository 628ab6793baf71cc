"""The reader's own photo, end to end in a page: against the package's own features, eigenvectors and masks.

The photos were chosen by two margins, which a test holds: the third eigenvalue is ten times the second or
more, and few pixels lie near the score's cut. There the rounding of weights to 8 bits may move a border and
no more. The astronaut has no such margin (the two eigenvalues lie near each other, and the mask may jump), so
its eigenvector alone is compared.
"""

from __future__ import annotations

import base64
import functools
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("onnxscript", reason="the export needs the extra `book`")

import playground as extension
import playground_network as building
from browser import opened, served
from sites import EMPTY, add_network
from skimage import data
from twins import cosine, overlap, unpacked

from simsam import RECIPES
from simsam.data import load_cutouts
from simsam.features import Features, Geometry, extract
from simsam.pipeline import segment_features
from simsam.weights import Backbone

SIZE = 392
PHOTOS = ("cat", "coffee", "rocket", "001_bird", "036_vehicle")
JUMPY = "astronaut"
DESCRIBE = """async ([text, settings]) => {
    const blob = await (await fetch("data:application/octet-stream;base64," + text)).blob();
    const found = await network.features(blob);
    engine.addPhoto("own", { title: "own", alt: "own", truth: null, ...found });
    const { eigenvectors, mask } = await engine.run("own", settings);
    const packed = (array) => {
        const all = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
        let out = "";
        for (let i = 0; i < all.length; i += 32768) out += String.fromCharCode(...all.subarray(i, i + 32768));
        return { type: array.constructor.name, bytes: btoa(out) };
    };
    const { grid, shape, picture, milliseconds, output, keys, attention } = found;
    const arrays = { output, keys, attention, eigenvectors, mask };
    for (const name in arrays) arrays[name] = packed(arrays[name]);
    return { grid, shape, milliseconds, picture, ...arrays };
}"""


@pytest.fixture(scope="module")
def site(backbone: Backbone, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with the playground's scripts and its network, no photo."""
    folder = tmp_path_factory.mktemp("own")
    add_network(folder / "_static" / "playground", backbone)
    (folder / "index.html").write_text(EMPTY, encoding="utf-8")
    return folder


class Opened:
    """The page at one address; keeps what it asked for."""

    def __init__(self, browser, base: str) -> None:
        self.asked: list[str] = []
        self.errors: list[str] = []
        self.known: dict[bytes, dict[str, object]] = {}
        # a context of its own: nothing of another test is kept
        self.view = opened(browser)
        self.view.on("request", lambda request: self.asked.append(request.url))
        self.view.on("pageerror", lambda error: self.errors.append(str(error)))
        self.view.goto(f"{base}/index.html")
        self.view.evaluate(
            "window.network = SIMSAM_PLAYGROUND.network; window.engine = SIMSAM_PLAYGROUND.engine()"
        )

    def describe(self, content: bytes) -> dict[str, object]:
        """A file's tokens, and what the engine makes of them by the recipe `spectral`."""
        if content not in self.known:
            settings = self.view.evaluate("SIMSAM_PLAYGROUND.PRESETS.spectral.settings")
            found = self.view.evaluate(DESCRIBE, [base64.b64encode(content).decode(), settings])
            self.known[content] = unpacked(found)
        return self.known[content]

    def refused(self, content: bytes) -> str:
        """The sentence with which a file is refused."""
        ask = """async (text) => {
            const blob = await (await fetch("data:application/octet-stream;base64," + text)).blob();
            return network.features(blob).then(() => "", (error) => error.message);
        }"""
        return self.view.evaluate(ask, base64.b64encode(content).decode())


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with served(site) as at:
        yield at


@pytest.fixture(scope="module")
def by_http(browser, address: str) -> Iterator[Opened]:
    page = Opened(browser, address)
    yield page
    page.view.close()


@pytest.fixture(scope="module")
def by_file(browser, site: Path) -> Iterator[Opened]:
    page = Opened(browser, site.as_uri())
    yield page
    page.view.close()


@functools.cache
def photo(name: str) -> np.ndarray:
    if name[0].isdigit():
        return next(cutout.image for cutout in load_cutouts() if cutout.id == name)
    return getattr(data, name)()


def as_file(image: np.ndarray, kind: str = "PNG", **how: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, **how)
    return file.getvalue()


@functools.cache
def packaged(name: str, backbone: Backbone):
    """The package's own result, on its own tokens, with a mask as large as the page's picture."""
    image = photo(name)
    found = extract(image, backbone, "output", -1, SIZE)
    scale = min(1, 480 / max(image.shape[:2]))
    H, W = (round(side * scale) for side in image.shape[:2])
    where = Geometry((H, W), (0, 0, H, W), found.grid)
    batch = Features(
        *(part[None] for part in (found.tokens, found.cls, found.attention)),
        *(found.grid, found.patch, [where], "output", -1, backbone.name),
    )
    recipe = replace(RECIPES["spectral"], tokens="output", refine="none", min_part=0.0)
    return segment_features(batch, [np.zeros((H, W, 3), np.uint8)], recipe)[0]


@pytest.mark.parametrize("name", PHOTOS)
def test_photos_have_a_margin(name: str, backbone: Backbone) -> None:
    result = packaged(name, backbone)
    assert result.eigenvalues[2] >= 10 * result.eigenvalues[1]
    score = np.abs(np.asarray(result.score))
    assert (score < score.mean() / 10).mean() <= 0.04


@pytest.mark.parametrize("name", [*PHOTOS, JUMPY])
def test_own_photo_is_segmented_as_in_python(name: str, by_http: Opened, backbone: Backbone) -> None:
    found, expected = by_http.describe(as_file(photo(name))), packaged(name, backbone)
    assert tuple(found["grid"]) == expected.features.grid
    second = found["eigenvectors"].reshape(-1, len(expected.eigenvectors))[1]
    assert cosine(second, np.asarray(expected.eigenvectors[:, 1])) >= 0.999
    if name != JUMPY:
        assert overlap(found["mask"].reshape(found["shape"]), np.asarray(expected.mask)) >= 0.97


def test_keys_and_attention_are_the_package_s(by_http: Opened, backbone: Backbone) -> None:
    found, keys = by_http.describe(as_file(photo("cat"))), extract(photo("cat"), backbone, "keys", -1, SIZE)
    pairs = zip(found["keys"].reshape(keys.tokens.shape), np.asarray(keys.tokens))
    assert min(cosine(a, b) for a, b in pairs) >= 0.99
    assert cosine(found["attention"], np.asarray(keys.attention)) >= 0.99


def test_photo_many_times_too_large_is_read_in_tiles(by_http: Opened, backbone: Backbone) -> None:
    image = np.asarray(Image.fromarray(photo("cat")).resize((2256, 1500), Image.Resampling.BICUBIC))
    found, expected = by_http.describe(as_file(image)), extract(image, backbone, "output", -1, SIZE)
    pairs = zip(found["output"].reshape(expected.tokens.shape), np.asarray(expected.tokens))
    assert np.mean([cosine(a, b) for a, b in pairs]) >= 0.999
    assert max(found["shape"]) == 480


def test_page_from_a_file_gives_the_same(by_file: Opened, by_http: Opened) -> None:
    content = as_file(photo("coffee"))
    by_hand, served = by_file.describe(content), by_http.describe(content)
    for kind in ("output", "keys", "mask"):
        np.testing.assert_array_equal(by_hand[kind], served[kind])


def test_photo_is_turned_upright(by_http: Opened) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn it by 90 degrees
    found = by_http.describe(as_file(photo("cat"), "JPEG", exif=exif, quality=95))
    assert found["grid"] == [28, 19]
    assert found["shape"] == [451, 300]


@pytest.mark.parametrize("content", [b"", b"no photo", as_file(np.zeros((50, 50, 3), np.uint8))[:60]])
def test_bad_file_is_refused_in_a_sentence(content: bytes, by_http: Opened) -> None:
    assert by_http.refused(content) == "This browser cannot read the file as a photo."


def test_tiny_photo_is_refused_in_a_sentence(by_http: Opened) -> None:
    message = by_http.refused(as_file(np.zeros((5, 50, 3), np.uint8)))
    assert message == "The photo has 50 × 5 pixels: it needs 14 at least on either side."


def test_damaged_piece_is_told_and_loaded_again(browser, address: str) -> None:
    page = Opened(browser, address)
    damaged = 'SIMSAM_PLAYGROUND.network.piece("worker-1.js", "H4sIAAAA");'
    page.view.route(
        "**/worker-1.js", lambda route: route.fulfill(body=damaged, content_type="text/javascript")
    )
    ask = "network.load().then(() => '', (error) => error.message)"
    assert page.view.evaluate(ask) == "What was loaded is damaged: load it again."
    page.view.unroute("**/worker-1.js")
    assert page.view.evaluate(ask) == ""
    page.view.close()


def test_progress_counts_the_bytes_that_were_told(browser, address: str, site: Path) -> None:
    page = Opened(browser, address)
    before = len(page.asked)
    assert not [url for url in page.asked if "/network/" in url], "the network must wait for a click"
    steps = page.view.evaluate(
        "async () => { const all = []; await network.load((...step) => all.push(step)); return all; }"
    )
    on_disk = sum(file.stat().st_size for file in (site / "_static/playground/network").glob("*.js"))
    assert steps[-1] == [1, on_disk, on_disk]
    assert page.view.evaluate("network.megabytes") == pytest.approx(on_disk / 1e6)
    assert [share for share, *_ in steps] == sorted(share for share, *_ in steps)
    # what was loaded is kept: a page that comes later asks the site for none of it
    later = len(page.asked)
    assert later > before
    page.view.reload()
    page.view.evaluate("SIMSAM_PLAYGROUND.network.load()")
    assert not [url for url in page.asked[later:] if "/network/" in url]
    page.view.close()


def test_nothing_is_asked_of_another_host(by_http: Opened, by_file: Opened, address: str, site: Path) -> None:
    for page, base in ((by_http, address), (by_file, site.as_uri())):
        own = (base, "data:", "blob:")
        assert [url for url in page.asked if not url.startswith(own)] == []
        assert page.errors == []


def test_site_without_a_network_says_why(browser, site: Path, tmp_path: Path) -> None:
    target = tmp_path / "_static" / "playground"
    extension.make_scripts(target, building.manifest("classical has no network"))
    (tmp_path / "index.html").write_bytes((site / "index.html").read_bytes())
    page = Opened(browser, tmp_path.as_uri())
    assert page.view.evaluate("[network.built, network.why]") == [False, "classical has no network"]
    ask = "network.load().then(() => '', (error) => error.message)"
    assert page.view.evaluate(ask) == "There is no network here: classical has no network."
    page.view.close()
