"""The exam on paper: for the class without solutions, for the instructor with them and the marking scheme."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from .chapters import ROOT
from .printing import Printer
from .prose import to_html
from .slides import MATHJAX

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
@page {{ size: A4; margin: 18mm; }}
body {{ font: 11pt/1.4 Georgia, "DejaVu Serif", serif; color: #000; }}
h1 {{ font-size: 18pt; }}
h2 {{ font-size: 13pt; }}
section {{ break-inside: avoid; }}
td, th {{ padding: 0 6mm 0 0; text-align: left; }}
</style>
<script>
MathJax = {{
  options: {{ enableMenu: false }},
  startup: {{ pageReady: () => MathJax.startup.defaultPageReady().then(() => {{ window.ready = true; }}) }},
}};
</script>
<script src="{mathjax}/tex-chtml.js" defer></script>
</head>
<body>
{body}
</body>
</html>
"""


def exam(solutions: bool = False) -> str:
    """The exam as Markdown, with or without its solutions and the scale of marks."""
    text = (ROOT / "teaching" / "exam.md").read_text(encoding="utf-8")
    if solutions:
        return re.sub(r"^:::solution\n(.*?)^:::$\n?", r"**Solution.** \1", text, flags=re.M | re.S)
    text = re.sub(r"\n:::solution\n.*?^:::\n", "", text, flags=re.M | re.S)
    text = re.sub(r" \*For the instructor:.*?\*(?=\n)", "", text, flags=re.S)
    return text.split("\n## Marks")[0].rstrip() + "\n"


def page(text: str) -> str:
    """The exam as a page to print: no question is torn apart."""
    parts = [to_html(part) for part in re.split(r"^(?=## )", text, flags=re.M)]
    body = "\n".join(f"<section>{part}</section>" for part in parts)
    return PAGE.format(title="Exam: spectral segmentation", mathjax=MATHJAX.as_uri(), body=body)


def make(folder: Path, printer: Printer | None) -> list[Path]:
    """Write both versions as Markdown, and where there is a printer as PDF."""
    made = []
    for name, solutions in (("exam", False), ("exam_solutions", True)):
        made.append(folder / f"{name}.md")
        made[-1].write_text(exam(solutions), encoding="utf-8")
        if printer:
            with tempfile.TemporaryDirectory() as scratch:
                source = Path(scratch) / f"{name}.html"
                source.write_text(page(exam(solutions)), encoding="utf-8")
                made.append(printer.sheet(source, folder / f"{name}.pdf"))
    return made
