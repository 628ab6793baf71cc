"""Time the stages again: writes simsam/data/results/BACKBONE/benchmark.csv. Give it an idle machine.

python tools/benchmark_results.py [--runs 3] [--tokens 256 784 ...] [--batch 1 8]
"""

from __future__ import annotations

import argparse
import csv
import sys

from chosen_backbone import add_backbone, chosen, command

from simsam.data import atomic_write, code_version, load_cutouts
from simsam.measuring import weights_of
from simsam.scale import TOKENS, benchmark


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--tokens", type=int, nargs="+", default=TOKENS)
    parser.add_argument("--batch", type=int, nargs="+", default=(1, 8))
    add_backbone(parser)
    args = parser.parse_args()
    backbone, folder = chosen(args)
    image = load_cutouts()[0].image
    report = benchmark(backbone, image, args.tokens, args.batch, args.runs)
    origin = {
        "device": report["machine"]["device"],
        "cpu": report["machine"]["cpu"],
        "threads": report["machine"]["threads"],
        **weights_of(backbone),
        "version": code_version(),
        "command": command("benchmark_results", sys.argv[1:], args),
    }
    digits = {"seconds_per_image": 5, "ratio_to_forward": 4, "peak_memory_mb": 0}
    with atomic_write(folder / "benchmark.csv") as path, path.open("w", newline="") as out:
        writer = csv.DictWriter(out, [*report["rows"][0], *origin], lineterminator="\n")
        writer.writeheader()
        for row in report["rows"]:
            writer.writerow({k: f"{v:.{digits[k]}f}" if k in digits else v for k, v in row.items()} | origin)


if __name__ == "__main__":
    main()
