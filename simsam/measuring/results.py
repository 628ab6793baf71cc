"""What was measured: the tables under simsam/data/results, and how a chapter shows them.

A table is a CSV file that a script wrote (`tools/results.py` and others), in the folder of the backbone that
it was measured on; each line says by which command, and whose weights they were.
IoU and differences are in percent. A difference is paired with its baseline, image by image, and comes with
its 95 % bootstrap interval.
"""

from __future__ import annotations

import csv
import html
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from simsam.errors import SimsamError
from simsam.weights import WHEEL_BACKBONE

Row = dict[str, str | float]
CHOSEN_ON = "1 mod 4"  # the ids of ECSSD that settings were chosen on
FOLDER = "SIMSAM_RESULTS"  # the environment variable that names another folder of tables
TEXT = {"dataset", "split", "family", "setting", "recipe", "baseline", "backbone", "version", "command"}
TEXT |= {"method", "stage", "cpu", "labels", "sha256"}
FIGURE = re.compile(r"[-+\d]|–?$|is the baseline$")  # a figure, none, or what `gained` says of a baseline


def load_results(name: str, folder: str | Path | None = None, backbone: str = WHEEL_BACKBONE) -> list[Row]:
    """The lines of the table `name` ("recipes_ecssd") measured on a backbone, numbers as floats and all else
    as text.

    The tables are those of the package; `folder`, or the environment variable SIMSAM_RESULTS, names others of
    the same form (`tools/results.py --output`). Raises `SimsamError` for a table that there is not, with the
    names of those that are, and for one that is empty.
    """
    file = _place(folder) / backbone / f"{name}.csv"
    if not file.is_file():
        known = ", ".join(list_results(folder, backbone)) or "none yet; `make results` measures them"
        raise SimsamError(
            f"there is no table {name!r} of results on {backbone}: the tables there are: {known}."
        )
    lines = csv.DictReader(file.read_text(encoding="utf-8").splitlines())
    rows = [{key: text if key in TEXT else _value(text) for key, text in line.items()} for line in lines]
    if not rows:
        raise SimsamError(f"the table {name!r} of results is empty: measure it again with `make results`.")
    return rows


def list_results(folder: str | Path | None = None, backbone: str = WHEEL_BACKBONE) -> list[str]:
    """The names of the tables that there are of a backbone, in order."""
    place = _place(folder) / backbone
    found = place.iterdir() if place.is_dir() else []
    return sorted(file.name.removesuffix(".csv") for file in found if file.name.endswith(".csv"))


def measured_backbones(folder: str | Path | None = None) -> list[str]:
    """The backbones of which there are tables, the book's default first."""
    place = _place(folder)
    found = sorted(one.name for one in place.iterdir() if one.is_dir()) if place.is_dir() else []
    return sorted(found, key=lambda name: name != WHEEL_BACKBONE)


def _place(folder: str | Path | None) -> Traversable:
    folder = folder or os.environ.get(FOLDER)
    return Path(folder) if folder else files("simsam") / "data" / "results"


def _value(text: str) -> str | float:
    try:
        return float(text) + 0.0  # "-0.00" is plain zero
    except ValueError:
        return text


def pick(rows: Sequence[Row], **fields: object) -> list[Row]:
    """The rows that agree with every field: `pick(rows, split="all", recipe="simsam")`.

    Raises `SimsamError` where none does, with the values that the first field in question has.
    """
    found = [row for row in rows if all(row.get(key) == value for key, value in fields.items())]
    if not found:
        there = "; ".join(f"{key}: {', '.join(sorted({str(r.get(key)) for r in rows}))}" for key in fields)
        raise SimsamError(f"no row has {fields}: the values there are: {there}.")
    return found


def reported(rows: Sequence[Row]) -> list[Row]:
    """The rows of one split: of images that no setting was chosen on, if there are such, else of all."""
    splits = dict.fromkeys(row["split"] for row in rows)
    others = [split for split in splits if " mod " in split and split != CHOSEN_ON]
    return pick(rows, split=others[0] if others else "all")


def baseline_of(row: Row, rows: Sequence[Row]) -> str:
    """The setting, among rows of the same table, that the row's difference is taken from.

    Several settings may share the baseline's name ("spectral", "spectral, refine=none"): it is the one whose
    mean IoU the difference leads to. The baseline's name where the table does not hold it.
    """
    named = [
        other
        for other in rows
        if other["split"] == row["split"] and other["setting"].split(",")[0] == row["baseline"].split(",")[0]
    ]
    mean = row["miou"] - row["difference"]
    found = min(named, key=lambda other: abs(other["miou"] - mean), default=None)
    near = found is not None and abs(found["miou"] - mean) < 0.02  # the tables are rounded to 0.01
    return found["setting"] if near else row["baseline"]


def verdict(row: Row) -> str:
    """What the interval of the row's difference says: "higher", "lower" or "not distinguishable"."""
    if row["difference_low"] > 0:
        return "higher"
    return "lower" if row["difference_high"] < 0 else "not distinguishable"


def sentence(row: Row, name: str = "", baseline: str = "") -> str:
    """The row in words: which of the two is better, by how much, and how sure that is.

    An interval that ends at zero, as the table is rounded, is said to touch it.
    """
    name, baseline = name or row["setting"], baseline or row["baseline"]
    said = verdict(row)
    than = f"{said} than {baseline}" if said in ("higher", "lower") else f"{said} from {baseline}"
    ends = {row["difference_low"], row["difference_high"]}
    touches = ", the interval touches zero" if 0 in ends and len(ends) == 2 else ""
    return f"{name} is {than}: {gained(row)} on {row['n']:.0f} images{touches}"


def measured(row: Row) -> str:
    """The row's mean IoU and interval: "71.2 [68.9, 73.4]"."""
    return "{miou:.1f} [{low:.1f}, {high:.1f}]".format(**row)


def gained(row: Row) -> str:
    """The row's difference and interval, "+1.50 [+0.25, +2.75]", or "is the baseline"."""
    changed = "=" in str(row.get("setting", "")).split(",")[0]  # a change that changes nothing is no baseline
    if not changed and row["difference_low"] == row["difference_high"] == 0:
        return "is the baseline"
    return "{difference:+.2f} [{difference_low:+.2f}, {difference_high:+.2f}]".format(**row)


def measured_on(backbone: str, table: str, **fields: object) -> str:
    """What `measured` says of the row of a table on another backbone, or "not measured yet"."""
    if table not in list_results(backbone=backbone):
        return "not measured yet"
    return measured(pick(reported(load_results(table, backbone=backbone)), **fields)[0])


@dataclass(frozen=True)
class Table:
    """A table with a caption, which a notebook shows as HTML and README holds as Markdown."""

    header: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    caption: str

    def __repr__(self) -> str:
        return self.markdown()

    def _numeric(self) -> list[bool]:
        """Which columns hold figures (they stand to the right) and which hold words."""
        return [all(FIGURE.match(cell) for cell in column) for column in zip(*self.cells)]

    def markdown(self) -> str:
        """GitHub's form: words to the left, figures to the right."""
        lines = [self.header, ["---:" if figures else "---" for figures in self._numeric()], *self.cells]
        text = "\n".join(f"| {' | '.join(c.replace('|', chr(92) + '|') for c in line)} |" for line in lines)
        return f"{text}\n\n{self.caption}" if self.caption else text

    def _repr_html_(self) -> str:
        numeric = self._numeric()

        def row(tag: str, cells: Sequence[str]) -> str:
            scope = ' scope="col"' if tag == "th" else ""
            styles = ["text-align:right;white-space:nowrap" if n else "text-align:left" for n in numeric]
            found = (
                f'<{tag}{scope} style="{style}">{html.escape(cell)}</{tag}>'
                for style, cell in zip(styles, cells, strict=True)
            )
            return f"<tr>{''.join(found)}</tr>"

        body = "".join(row("td", cells) for cells in self.cells)
        table = f"<table><thead>{row('th', self.header)}</thead><tbody>{body}</tbody></table>"
        # the caption stays outside of the box that scrolls
        caption = f"<figcaption>{html.escape(self.caption)}</figcaption>" if self.caption else ""
        box = f'<div style="overflow-x:auto" tabindex="0">{table}</div>'
        return f'<figure class="results" style="margin:0">{caption}{box}</figure>'


def table(
    rows: Sequence[Mapping], columns: Mapping[str, str | Callable[[Mapping], str]], caption: str = ""
) -> Table:
    """Rows as a table: `columns` maps each heading to a format, {"mean IoU": "{miou:.1f}"}, or a function."""
    if not rows:
        raise SimsamError("a table of no rows: give at least one.")
    forms = [
        form if callable(form) else lambda row, form=form: form.format(**row) for form in columns.values()
    ]
    cells = tuple(tuple(form(row) for form in forms) for row in rows)
    return Table(tuple(columns), cells, caption)
