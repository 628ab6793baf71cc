"""What `nbgrader validate` finds in notebooks, and which other cells raise, by a Python that has nbgrader.

    python nbgrader_validate.py FOLDER/*.ipynb    # for each a line of JSON

It reports the ids of the checks that fail, of those that pass, and of other cells with an error.
"""

from __future__ import annotations

import json
import sys

import nbformat
from nbgrader.utils import is_grade
from nbgrader.validator import Validator
from traitlets.config import Config


class Seen(Validator):
    """nbgrader's validator, which otherwise forgets the notebook that it has executed."""

    notebook: nbformat.NotebookNode

    def _preprocess(self, nb: nbformat.NotebookNode) -> nbformat.NotebookNode:
        self.notebook = super()._preprocess(nb)
        return self.notebook


def report(path: str) -> dict[str, list[str] | str]:
    validator = Seen(config=Config({"Execute": {"timeout": 600}}))
    failed = {cell["source"] for cell in validator.validate(path).get("failed", [])}
    cells = [cell for cell in validator.notebook.cells if cell.cell_type == "code"]
    checks = [cell for cell in cells if is_grade(cell)]
    broken = [cell for cell in cells if any(output.output_type == "error" for output in cell.outputs)]
    return {
        "path": path,
        "failed": [cell.id for cell in checks if cell.source.strip() in failed],
        "passed": [cell.id for cell in checks if cell.source.strip() not in failed],
        "broken": [cell.id for cell in broken if cell not in checks],
    }


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(json.dumps(report(name)), flush=True)
