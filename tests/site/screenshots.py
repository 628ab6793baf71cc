"""Pictures of every page of the built site, to be looked at: desktop and phone, light and dark.

    python tests/site/screenshots.py FOLDER [PAGE...]

A page is an address inside the site, such as notebooks/04_eigenvectors.html; all of them unless given.
"""

from __future__ import annotations

import sys
from pathlib import Path

from browser import LABS, READ_ALL, SITE, chromium, opened, served, toc_pages

WIDTHS = {"desktop": 1280, "phone": 390}


def main(folder: Path, pages: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with served(SITE) as address, chromium() as browser:
        for kind, width in WIDTHS.items():
            for scheme in ("light", "dark"):
                view = opened(browser, viewport={"width": width, "height": 900}, color_scheme=scheme)
                view.add_init_script(f"localStorage.setItem('mode', '{scheme}')")
                for page in pages:
                    view.goto(f"{address}/{page}", wait_until="networkidle")
                    view.add_style_tag(content="html { scroll-behavior: auto !important }")
                    view.evaluate(READ_ALL)
                    view.wait_for_function(LABS)
                    view.wait_for_load_state("networkidle")
                    view.evaluate("scrollTo(0, 0)")
                    view.wait_for_timeout(1500)  # what labs compute first
                    path = folder / f"{page.removesuffix('.html').replace('/', '-')}-{kind}-{scheme}.png"
                    view.screenshot(path=path, full_page=True)
                    print(path)
                view.close()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2:] or toc_pages())
