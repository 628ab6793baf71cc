"""Make the archives for teaching: `dist/simsam-teaching.zip`, which the site offers, and
`dist/simsam-instructor.zip`, with the solutions, which it does not.

    python tools/teaching_pack.py            # or: make teaching
    python tools/teaching_pack.py -o FOLDER

Where there is no Chromium the PDFs are left out, and the archives' README.md says so.
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from pathlib import Path

from teaching.pack import make

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "dist", help="folder; dist unless given")
    made, printed = make(parser.parse_args().output)
    for path in made:
        with zipfile.ZipFile(path) as archive:
            print(f"{path}: {len(archive.namelist())} files, {path.stat().st_size / 1e6:.1f} MB")
    if not printed:
        print("There is no Chromium on this machine (or no playwright), so the PDFs are left out.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
