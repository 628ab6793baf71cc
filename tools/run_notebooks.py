"""Execute the book's notebooks in place, each alone in an empty folder, and say how long each took.

    python tools/run_notebooks.py                          # all of them
    python tools/run_notebooks.py notebooks/04_eigenvectors.ipynb
    python tools/run_notebooks.py --tidy                   # only bring cells and metadata into their form
    python tools/run_notebooks.py --backbone classical     # on other features; nothing is written

Write a chapter in Jupyter, or as text with jupytext (`jupytext --to ipynb chapter.py`), then run this. It
formats the code (ruff), puts the standard setup cell first, gives cells stable ids, folds in Jupyter and on
Colab what the site folds, copies the alt text that `simsam.drawing.show` carries into the cell's metadata
(where the book's builder reads it), and leaves no widget state behind. It fails when a notebook takes more
than 1.5 MB; of its time it only says when that was over a minute.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from notebook_setup import SETUP_CELL, SETUP_TAGS
from notebook_times import remark

from simsam.data import atomic_write
from simsam.drawing import VARIABLE

ROOT = Path(__file__).resolve().parent.parent
MEGABYTES = 1.5
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
IMAGES = ("image/png", "image/jpeg")
TOLD = (": holds here too (", ": does not hold on these features (", ", and is left out")


def run(notebook: nbformat.NotebookNode, backbone: str | None = None) -> float:
    """Execute a notebook in an empty folder, on the features it names or on others, and return the seconds
    that it took."""
    env = {key: value for key, value in os.environ.items() if key != VARIABLE}
    env |= {VARIABLE: backbone} if backbone else {}
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook, timeout=3600, store_widget_state=False, kernel_name="python3", coalesce_streams=True
        )
        client.execute(cwd=folder, env=env)
    return time.perf_counter() - begin


def tidy(notebook: nbformat.NotebookNode) -> None:
    """Bring cells and metadata into the form that the tests ask for, so that a second run changes little."""
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    cells = notebook.cells
    setup = next((cell for cell in cells if 'find_spec("simsam")' in cell.source), None)
    if setup is None:
        setup = nbformat.v4.new_code_cell()
        cells.insert(next((i for i, cell in enumerate(cells) if cell.cell_type == "code"), len(cells)), setup)
    setup.source, setup.metadata["tags"] = SETUP_CELL, SETUP_TAGS
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number:03d}"
        if cell.cell_type != "code":
            continue
        keep = {key: cell.metadata[key] for key in ("tags", "mystnb") if key in cell.metadata}
        cell.metadata = nbformat.from_dict(keep | folded(cell.metadata.get("tags", [])))
        if cell is setup:  # folded on the site alone: elsewhere a reader chooses the features in it
            cell.metadata.pop("jupyter")
            cell.metadata.pop("cellView")
        for output in cell.outputs:
            for alt in (output.get("metadata", {}).get(image, {}).get("alt") for image in IMAGES):
                if alt:
                    cell.metadata.setdefault("mystnb", {}).setdefault("image", {})["alt"] = alt


def folded(tags: list[str]) -> dict:
    """What folds a cell in Jupyter and on Colab as its tags fold it on the site."""
    code, outputs = {"hide-input", "hide-cell"} & set(tags), {"hide-output", "hide-cell"} & set(tags)
    jupyter = {"source_hidden": True} if code else {}
    jupyter |= {"outputs_hidden": True} if outputs else {}
    return ({"jupyter": jupyter} if jupyter else {}) | ({"cellView": "form"} if code else {})


def told(notebook: nbformat.NotebookNode) -> list[str]:
    """What an executed notebook says of features that are not the page's: claims, and cells left out."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    lines = (line for output in outputs for line in output.get("text", "").splitlines())
    return [line for line in lines if any(words in line for words in TOLD)]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("notebooks", nargs="*", type=Path, help="all of notebooks/ unless given")
    parser.add_argument("--tidy", action="store_true", help="do not execute")
    parser.add_argument("--backbone", help="run on these features, say what holds on them, and write nothing")
    arguments = parser.parse_args()
    failed, total = False, 0.0
    for path in arguments.notebooks or sorted((ROOT / "notebooks").glob("*.ipynb")):
        if arguments.backbone:
            notebook = nbformat.read(path, as_version=4)
            seconds = run(notebook, arguments.backbone)
            print(f"{path.name:<32} {seconds:6.1f} s", *told(notebook), sep="\n  ", flush=True)
            continue
        subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", path], check=True)
        notebook = nbformat.read(path, as_version=4)
        tidy(notebook)
        seconds = 0.0 if arguments.tidy else run(notebook)
        tidy(notebook)
        with atomic_write(path) as temporary:
            nbformat.write(notebook, temporary)
        megabytes = path.stat().st_size / 1e6
        large = megabytes > MEGABYTES
        failed, total = failed or large, total + seconds
        remarks = " TOO LARGE" * large + remark(seconds)
        print(f"{path.name:<32} {seconds:6.1f} s {megabytes:6.2f} MB{remarks}", flush=True)
    print(f"{'all':<32} {total:6.1f} s")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
