"""Markdown of the book as it reads outside the book: no roles, and links that lead somewhere."""

from __future__ import annotations

import functools
import posixpath
import re
import unicodedata

from simsam import REPOSITORY

from .chapters import ROOT

DOC = re.compile(r"\{doc\}`(?:([^`<]+?)\s*<)?([\w./-]+)>?`")
CITE = re.compile(r"\{cite:[pt]\}`([^`]+)`")
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)\s]+?)(#[^)\s]*)?(?=\))")
# Where a page of the book lies in the archive; notebooks link to each other.
HERE = {
    "book/plans.md": "plans/plans.md",
    "book/colab_classes.md": "plans/colab_classes.md",
    "book/projects.md": "plans/projects.md",
    "book/teaching.md": "plans/teaching.md",
}


def plain(text: str, source: str, folder: str | None) -> str:
    """Markdown of the file `source` of the project as it may stand in `folder` of an archive, or, where that
    is None, anywhere."""
    text = DOC.sub(lambda found: f"[{found[1] or _title(found[2])}]({found[2]}.md)", text)
    text = CITE.sub(
        lambda found: f"({'; '.join(_entries()[key.strip()] for key in found[1].split(','))})", text
    )
    return LINK.sub(lambda found: _target(found[1], source, folder) + (found[2] or ""), text)


def _target(link: str, source: str, folder: str | None) -> str:
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), link))
    here = path if path.startswith("notebooks/") else HERE.get(path)
    return posixpath.relpath(here, folder) if here and folder else f"{REPOSITORY}/blob/main/{path}"


def _title(name: str) -> str:
    page = (ROOT / "book" / f"{name}.md").read_text(encoding="utf-8")
    return re.match(r"# (.+)", page)[1]


@functools.cache
def _entries() -> dict[str, str]:
    """The entries of the bibliography by key, as "[Shi and Malik 2000](address)"."""
    found = {}
    page = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
    for key, entry in re.findall(r"^@\w+\{(\w+),\n(.*?)\}\s*(?=^@|\Z)", page, re.M | re.S):
        fields = dict(re.findall(r"(\w+) = \{((?:[^{}]|\{[^{}]*\})*)\}", entry))
        names = [_letters(name.split(",")[0]).strip("{} ") for name in fields["author"].split(" and ")]
        who = names[0] + (" et al." if len(names) > 2 else f" and {names[1]}" if len(names) == 2 else "")
        at = (
            f"https://doi.org/{fields['doi']}"
            if "doi" in fields
            else f"https://arxiv.org/abs/{fields['eprint']}"
        )
        found[key] = f"[{who} {fields['year']}]({at})"
    return found


def _letters(name: str) -> str:
    """TeX's accents as letters: Sim{\\'e}oni is Siméoni."""
    accents = {"'": "\u0301", '"': "\u0308", "`": "\u0300"}
    joined = re.sub(r"\{?\\(['\"`])\{?(\w)\}?\}?", lambda found: found[2] + accents[found[1]], name)
    return unicodedata.normalize("NFC", joined)
