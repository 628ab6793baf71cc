"""A bibliography whose labels are those of the text, "Shi and Malik, 2000": `:style: author_year`."""

from __future__ import annotations

from collections.abc import Iterator

from pybtex.database import Entry
from pybtex.plugin import register_plugin
from pybtex.richtext import Text
from pybtex.style.formatting.plain import Style as Plain
from pybtex.style.labels import BaseLabelStyle


class Labels(BaseLabelStyle):
    """One author, two, or the first "et al.", and the year; a letter where two would be the same."""

    def format_labels(self, sorted_entries: list[Entry]) -> Iterator[str]:
        labels = [_label(entry) for entry in sorted_entries]
        for i, label in enumerate(labels):
            same = labels.count(label) > 1
            yield label + (chr(ord("a") + labels[:i].count(label)) if same else "")


def _label(entry: Entry) -> str:
    names = [
        str(Text.from_latex(" ".join([*person.prelast_names, *person.last_names])))
        for person in entry.persons["author"]
    ]
    who = " and ".join(names) if len(names) < 3 else f"{names[0]} et al."
    return f"{who}, {entry.fields['year']}"


class Style(Plain):
    default_label_style = Labels


def register() -> None:
    register_plugin("pybtex.style.formatting", "author_year", Style)
