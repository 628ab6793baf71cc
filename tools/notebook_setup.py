"""The first code cell of every notebook: one text, kept in step with the project's address by tests.

`python tools/notebook_setup.py` prints it.
"""

from __future__ import annotations

from simsam import REPOSITORY

SETUP_CELL = f"""\
# Installs the book's package where it is missing (Colab, Binder); what is already here stays as it is.
from importlib.util import find_spec

if find_spec("simsam") is None:
    %pip install --quiet "simsam[notebooks] @ git+{REPOSITORY}"

from simsam.drawing import begin

# Whose features? The default: a DINOv2 ViT-S/14, altered, very likely with masks.
# One word away: "dino_vits16", the paper's own, from the hub; "classical", by hand.
# The environment variable SIMSAM_BACKBONE, where it is set, goes first.
BACKBONE = "focus_vits14"  # @param {{type: "string"}}
BACKBONE = begin(BACKBONE)"""

# Folded on the site, where a reader has nothing to install and nothing to choose.
SETUP_TAGS = ["hide-input"]

if __name__ == "__main__":
    print(SETUP_CELL)
