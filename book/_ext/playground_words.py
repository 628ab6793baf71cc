"""Whose features the playground shows, as a sentence for its page: {{ backbone_of_this_build }}."""

from __future__ import annotations

from playground import backbone_name
from sphinx.application import Sphinx
from sphinx.config import Config

from simsam.weights import provenance_of


def words(name: str) -> str:
    made = provenance_of(name)
    parent = f", which descend from {made.parent}" if made.parent else ""
    note = f" {made.note}" if made.note else ""
    return (
        f"They are of the features of `{name}`{parent}. Made by: {made.origin}. "
        f"Labels that they were trained with: **{made.labels}**. Images: {made.images}.{note}"
    )


def name_features(app: Sphinx, config: Config) -> None:
    known = {"backbone_of_this_build": words(backbone_name())}
    config.myst_substitutions = {**(config.myst_substitutions or {}), **known}


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("config-inited", name_features)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
