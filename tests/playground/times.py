"""How long the built playground takes, in a headless Chromium, from its file: to be read, no test.

    python tests/playground/times.py [--own]

Prints when the pictures of the page as it opens stand on the screen, counted from the start of the
navigation (median of five openings, each of a new page with an empty cache), what a move of kappa takes, and
an epoch of SGD. `--own` adds a photo of the reader's own, once the transformer is loaded. Close what else
runs: the numbers are of an idle machine.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "site"))

from browser import SITE, chromium, opened

OPENINGS, MOVES, EPOCHS = 5, 20, 5
READY = ".pg[data-ready]:not([aria-busy])"
# when all pictures stood on the screen: the second frame after the last one was drawn
WATCH = """
const frames = (then) => requestAnimationFrame(() => requestAnimationFrame(then));
new MutationObserver((_, observer) => {
    if (!document.querySelector(".pg[data-ready]")) return;
    observer.disconnect();
    frames(() => (window.seenAt = performance.now()));
}).observe(document, { subtree: true, childList: true, attributes: true });
"""
MOVE = """async (value) => {
    const page = document.querySelector(".pg"), slider = page.querySelector("[name=kappa]");
    const begin = performance.now();
    slider.value = value;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    while (page.hasAttribute("aria-busy")) await new Promise((done) => setTimeout(done, 1));
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    return performance.now() - begin;
}"""
EPOCH = """async (epochs) => {
    const engine = SIMSAM_PLAYGROUND.engine(), times = [];
    const onEpoch = () => times.push(performance.now());
    await engine.run("cat", { head: "sgd", epochs: epochs + 1 }, { onEpoch });
    engine.stop();
    return (times.at(-1) - times[0]) / epochs;
}"""
OWN = """async (name) => {
    await SIMSAM_PLAYGROUND.network.load();
    const { picture } = await SIMSAM_PLAYGROUND.engine().load(name);
    const photo = await (await fetch(picture)).blob(), times = [];
    for (let i = 0; i < 3; i++) {
        const begin = performance.now();
        await SIMSAM_PLAYGROUND.network.features(photo);
        times.push(performance.now() - begin);
    }
    return times;
}"""


def first_pictures(browser) -> float:
    """Milliseconds of one opening until the pictures are there."""
    view = opened(browser, viewport={"width": 1280, "height": 900})
    view.add_init_script(WATCH)
    view.goto(address())
    view.wait_for_function("window.seenAt")
    seen = view.evaluate("window.seenAt")
    view.close()
    return seen


def address() -> str:
    return (SITE / "book" / "playground.html").resolve().as_uri()


def told(what: str, milliseconds: list[float]) -> None:
    middle, most = statistics.median(milliseconds), max(milliseconds)
    print(f"{what}: {middle:.0f} ms in the middle, {most:.0f} at most, of {len(milliseconds)}")


def main(own: bool) -> None:
    with chromium() as browser:
        told("from opening to pictures", [first_pictures(browser) for _ in range(OPENINGS)])
        view = opened(browser, viewport={"width": 1280, "height": 900})
        view.goto(address())
        view.wait_for_selector(READY)
        moves = [view.evaluate(MOVE, 0.3 + 0.05 * move) for move in range(MOVES)]
        told("a move of kappa", moves)
        told("an epoch of SGD", [view.evaluate(EPOCH, EPOCHS)])
        if own:
            told("the transformer on a photo, once loaded", view.evaluate(OWN, "cat"))
        view.close()


if __name__ == "__main__":
    main("--own" in sys.argv[1:])
