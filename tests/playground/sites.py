"""What the tests put on the sites that they make."""

from __future__ import annotations

from pathlib import Path

import network_runtime as runtime
import playground as extension
import playground_network as building
import pytest

from simsam.weights import Backbone

EMPTY = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<script src="_static/playground/playground.js"></script>"""


def add_network(target: Path, backbone: Backbone) -> None:
    """The network for a photo of the reader's own, and the scripts, which know of it."""
    if runtime.installed_version() != runtime.pinned_version():
        pytest.skip("the network's runtime is not here: `make book` fetches it with npm")
    result = building.build(target / "network", backbone)
    assert not isinstance(result, str), result
    extension.make_scripts(target, building.manifest(result))
