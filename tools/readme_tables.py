"""Write the tables of README.md anew from simsam/data/results.

    python tools/readme_tables.py

The tables stand between `<!-- begin: NAME -->` and `<!-- end: NAME -->`; everything else stays as it is.
"""

from __future__ import annotations

import re
from pathlib import Path

from simsam.data import atomic_write
from simsam.errors import SimsamError
from simsam.measuring import gained, load_results, measured, measured_on, pick, reported, table

README = Path(__file__).resolve().parent.parent / "README.md"
PUBLISHED = "dino_vits16"  # the paper's own backbone
NEEDED = ("ranking_ecssd", "benchmark")  # the tables that README shows
SPEED = {  # stage: what README calls it
    "forward": "the ViT's forward",
    "head_closed_form": "Siamese head, closed form",
    "head_sgd": "Siamese head, SGD",
    "head_released": "Siamese head, the released code's loop",
    "affinity": "affinity",
    "eigenvectors": "eigenvectors",
    "eigenvectors_shift_invert": "eigenvectors, shift-invert",
    "readout": "object: vote and centroid",
    "upsample": "to full resolution",
    "guided": "guided filter",
    "crf": "dense CRF",
}


def quality() -> str:
    """Mean IoU of every recipe, its cut chosen anew, on images that nothing was chosen on."""
    rows = reported(load_results("ranking_ecssd"))
    anew = sorted(pick(rows, family="chosen anew"), key=lambda row: -row["miou"])
    published = {row["recipe"]: row for row in pick(rows, family="as published")}
    first = anew[0]
    columns = {
        "recipe": "{recipe}",
        "mean IoU, % [95 %]": measured,
        "minus `spectral` [95 %, paired]": lambda row: (
            "is the baseline" if row["recipe"] == row["baseline"] else gained(row)
        ),
        "chosen anew": "{setting}",
        "as shipped": lambda row: measured(published[row["recipe"]]),
        f"on `{PUBLISHED}`": lambda row: measured_on(
            PUBLISHED, "ranking_ecssd", family="chosen anew", recipe=row["recipe"]
        ),
    }
    caption = (
        f"ECSSD, {first['n']:.0f} images (ids {first['split']}; the cut was chosen on others), no "
        f"refinement, weights {first['backbone']} (labels: {first['labels']}; SHA-256 "
        f"{first['sha256'][:12]}...; [whose?](notebooks/01_whose_features.ipynb)). As shipped, recipes of "
        "papers keep the settings that were chosen for other features; simsam, spectral and kmeans are the "
        "book's own, chosen on these weights. None of these is a figure from a paper. "
        f"Measured by `{first['command']}`."
    )
    return table(anew, columns, caption).markdown()


def speed() -> str:
    """Each stage's time beside the forward pass, for one image, at two sizes."""
    rows = pick(load_results("benchmark"), batch=1.0)
    sizes = sorted({row["tokens"] for row in rows})
    sizes = [size for size in (784.0, 4096.0) if size in sizes] or [sizes[0], sizes[-1]]
    lines = []
    for stage, name in SPEED.items():
        found = {row["tokens"]: row for row in rows if row["stage"] == stage}
        if all(size in found for size in sizes):
            lines.append({"name": name} | {f"n{size:.0f}": found[size] for size in sizes})
    columns = {"stage": "{name}"}
    for size in sizes:
        columns[f"s, {size:.0f} tokens"] = f"{{n{size:.0f}[seconds_per_image]:.3f}}"
        columns[f"/ forward, {size:.0f}"] = f"{{n{size:.0f}[ratio_to_forward]:.3f}}"
    first = rows[0]
    caption = (
        f"One image on {first['threads']:.0f} threads of {first['cpu']}; the released code's loop and "
        f"shift-invert are yardsticks. Measured by `{first['command']}`."
    )
    return table(lines, columns, caption).markdown()


BLOCKS = {"quality": quality, "speed": speed}


def replace_block(text: str, name: str, content: str) -> str:
    """`text` with `content` between the marks of `name`. Raises `SimsamError` where they are missing."""
    marks = re.compile(rf"(<!-- begin: {name} -->\n).*?(<!-- end: {name} -->)", re.S)
    if not marks.search(text):
        raise SimsamError(
            f"README has no marks for the table {name!r}: add <!-- begin: {name} --> and its end."
        )
    return marks.sub(lambda found: f"{found[1]}{content}\n{found[2]}", text)


def update(text: str) -> str:
    """README's text with every table as the results say."""
    for name, render in BLOCKS.items():
        text = replace_block(text, name, render())
    return text


def main() -> None:
    text = update(README.read_text(encoding="utf-8"))
    with atomic_write(README) as path:
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
