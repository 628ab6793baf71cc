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

import matplotlib.pyplot as plt

plt.style.use("simsam.data.simsam")"""

# Folded on the site: a reader of the page has nothing to install.
SETUP_TAGS = ["hide-input"]

if __name__ == "__main__":
    print(SETUP_CELL)
