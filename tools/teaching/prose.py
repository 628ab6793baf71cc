"""Markdown of the book as HTML that stands alone: no links, no citations, its LaTeX for MathJax."""

from __future__ import annotations

import functools
import html
import re

from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])+)\]\([^)\s]+\)")
ROLE = re.compile(r"\s*\{cite:[pt]\}`[^`]*`")
# what a note may hold of LaTeX, in letters: the lecturer's window sets no mathematics
LETTERS = {
    r"\\alpha": "α", r"\\beta": "β", r"\\kappa": "κ", r"\\lambda": "λ", r"\\mu": "μ", r"\\sigma": "σ",
    r"\\psi": "ψ", r"\\pi": "π", r"\\Delta": "Δ", r"\\top": "ᵀ", r"\\times": "×", r"\\cdot": "·",
    r"\\le\b": "≤", r"\\ge\b": "≥", r"\\approx": "≈", r"\\neq?\b": "≠", r"\\sqrt": "√", r"\\tfrac|\\frac": "",
    r"\\mathbf 1|\\mathbf\{1\}": "1", r"\\(?:mathbf|mathcal|mathbb|operatorname|text|mathrm)\b": "",
    r"\\[,;!]|\\quad": " ", r"[{}]|\^(?=ᵀ)": "",
}  # fmt: skip


@functools.cache
def _markdown() -> MarkdownIt:
    markdown = (
        MarkdownIt("commonmark", {"html": False}).enable("table").use(dollarmath_plugin, allow_labels=False)
    )
    markdown.add_render_rule(
        "math_inline", lambda self, tokens, i, *_: f"\\({html.escape(tokens[i].content)}\\)"
    )
    return markdown


def without_links(text: str) -> str:
    """Markdown whose links are their words, and which cites nothing."""
    return LINK.sub(r"\1", ROLE.sub("", text))


def to_html(text: str) -> str:
    """Markdown as HTML blocks."""
    return _markdown().render(without_links(text)).strip()


def inline(text: str) -> str:
    """Markdown of one paragraph as HTML without the paragraph."""
    return _markdown().renderInline(without_links(text)).strip()


def spoken(text: str) -> str:
    """Markdown as HTML for the lecturer's window, which sets no mathematics: its LaTeX in letters."""
    return to_html(re.sub(r"\$([^$]+)\$", lambda found: _letters(found[1]), text))


def _letters(latex: str) -> str:
    for pattern, letter in LETTERS.items():
        latex = re.sub(pattern, letter, latex)
    # an underscore or a star would begin Markdown's emphasis
    return re.sub(r"([_*])", r"\\\1", " ".join(latex.split()))


def display(latex: str) -> str:
    """One equation on lines of its own, for MathJax, without the stop or comma of its sentence."""
    latex = re.sub(r"\s*[.,]\s*(\\end\{\w+\})?$", r"\1", latex.strip())
    return f'<div class="equation">\\[{html.escape(latex)}\\]</div>'
