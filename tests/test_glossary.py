"""The glossary: in alphabetical order, each term with an anchor of its own, and no link that misses one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from chapters import ROOT, cells, every_notebook

GLOSSARY = (ROOT / "book" / "glossary.md").read_text(encoding="utf-8")
TERMS = re.findall(r"^### (.+)$", GLOSSARY, re.M)
LINK = re.compile(r"\[[^\]]*\]\(\.\./book/glossary\.md(#[^)]*)?\)")
PAGES = sorted((ROOT / "book").glob("*.md"))


def anchor(term: str) -> str:
    """The address that MyST gives a heading: lower case, hyphens for spaces."""
    return re.sub(r"[^\w\- ]", "", term.lower()).replace(" ", "-")


ANCHORS = {f"#{anchor(term)}" for term in TERMS}


def test_terms_are_in_order_and_each_stands_once() -> None:
    assert sorted(TERMS, key=str.lower) == TERMS
    assert len(ANCHORS) == len(TERMS) > 60
    letters = re.findall(r"^## (.+)$", GLOSSARY, re.M)
    assert letters == sorted({term[0].upper() for term in TERMS})
    assert not ANCHORS & {f"#{letter.lower()}" for letter in letters}


def test_every_term_is_explained() -> None:
    for entry in re.split(r"^### ", GLOSSARY, flags=re.M)[1:]:
        term, _, text = entry.partition("\n")
        assert len(text.split("## ")[0].split()) >= 4, term


def test_links_inside_the_glossary_lead_to_terms() -> None:
    links = re.findall(r"\]\((#[^)]*)\)", GLOSSARY)
    assert links
    assert set(links) <= ANCHORS


@every_notebook
def test_links_from_a_notebook_name_terms_that_exist(path: Path) -> None:
    text = "\n".join(cell["source"] for cell in cells(path) if cell["cell_type"] == "markdown")
    assert {link for link in LINK.findall(text) if link} <= ANCHORS


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_from_a_page_name_terms_that_exist(path: Path) -> None:
    links = re.findall(r"\]\(glossary\.md(#[^)]*)\)", path.read_text(encoding="utf-8"))
    assert set(links) <= ANCHORS


@every_notebook
def test_a_chapter_links_to_terms_and_not_to_the_top_of_the_glossary(path: Path) -> None:
    text = "\n".join(cell["source"] for cell in cells(path) if cell["cell_type"] == "markdown")
    links = LINK.findall(text)
    assert links
    assert all(links), "name the term: ../book/glossary.md#fiedler-vector"
