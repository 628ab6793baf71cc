"""At the foot of each page, a link that opens a report of an error in it, with the page filled in."""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

from sphinx.application import Sphinx

from simsam.data import REPOSITORY

FOOT = '<p>Something wrong or unclear? <a class="erratum" href="{}">Report an error on this page</a>.</p>'


def address(page: str) -> str:
    """Of the form for errata, with the page's name in its first field."""
    fields = {"template": "erratum.yml", "title": f"Erratum: {page}", "page": page}
    return f"{REPOSITORY}/issues/new?{urlencode(fields)}"


def add_link(app: Sphinx, page: str, template: str, context: dict[str, object], doctree: object) -> None:
    if doctree is not None:  # the index and the search page have nothing to be wrong
        context["theme_extra_footer"] = FOOT.format(escape(address(page)))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-page-context", add_link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
