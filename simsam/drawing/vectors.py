"""A diagram as lines in the page, not as pixels: sharp at every width, in the page's own ink, light or dark.

Words become outlines, so they look the same on every device and need no font; the alt text is for readers who
do not see them.
"""

from __future__ import annotations

import hashlib
import html
import io
import re
from dataclasses import dataclass

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from simsam.drawing.diagrams.shapes import INK
from simsam.drawing.pictures import checked_alt

_NOT_NEEDED = re.compile(r"<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>|<!--.*?-->", re.S)
_GROUP = re.compile(r'(<g) id="[^"]*"')
_NAME = re.compile(r'((?:id="|href="#|url\(#))(?=[\w-])')
_BOX = re.compile(r'viewBox="([^"]*)"')


@dataclass(frozen=True, repr=False)
class Drawing:
    """An SVG with its alt text; as the last value of a cell it shows itself."""

    svg: str
    alt: str

    def __repr__(self) -> str:
        return self.alt

    def _repr_html_(self) -> str:
        return f'<figure class="diagram" style="margin:0">{self.svg}</figure>'


def show_vector(figure: Figure, alt: str) -> Drawing:
    """A matplotlib figure and its alt text (four words or more) as one output that follows the page.

    What is drawn in `INK` takes the colour of the page's text, and the ground is the page's own. Fills should
    be translucent, and lines of a colour that can be seen on white and on black.
    """
    alt = checked_alt(alt)
    width = figure.get_size_inches()[0] * 96 * 1.15  # CSS pixels: on a desktop a little above its own size
    buffer = io.StringIO()
    with plt.rc_context({"svg.fonttype": "path", "svg.hashsalt": "simsam"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    plt.close(figure)
    text = buffer.getvalue()
    inside = _NOT_NEEDED.sub("", text[text.index(">", text.index("<svg")) + 1 :])
    inside = inside.replace(INK, "currentColor")
    # names hold in the whole page, not in one picture: groups need none, outlines one of their own
    mark = hashlib.sha256(alt.encode()).hexdigest()[:6]
    inside = _NAME.sub(rf"\g<1>{mark}-", _GROUP.sub(r"\1", inside))
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{_BOX.search(text)[1]}" role="img" aria-label="{html.escape(alt)}" '
        f'stroke-linejoin="round" style="display:block;width:100%;max-width:{width:.0f}px;height:auto">'
    )
    return Drawing(opening + re.sub(r"\s*\n\s*", "\n", inside.strip()), alt)
