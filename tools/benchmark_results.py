"""Time the stages again: writes simsam/data/results/benchmark.csv. Give it an idle machine.

python tools/benchmark_results.py [--runs 3] [--tokens 256 784 ...] [--batch 1 8]
"""

from __future__ import annotations

import argparse
import csv
import sys

from results import RESULTS

from simsam.data import atomic_write, code_version, load_cutouts
from simsam.measuring import weights_of
from simsam.scale import TOKENS, benchmark
from simsam.weights import load_backbone


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--tokens", type=int, nargs="+", default=TOKENS)
    parser.add_argument("--batch", type=int, nargs="+", default=(1, 8))
    args = parser.parse_args()
    backbone, image = load_backbone(), load_cutouts()[0].image
    report = benchmark(backbone, image, args.tokens, args.batch, args.runs)
    origin = {
        "device": report["machine"]["device"],
        "cpu": report["machine"]["cpu"],
        "threads": report["machine"]["threads"],
        **weights_of(backbone),
        "version": code_version(),
        "command": " ".join(["python tools/benchmark_results.py", *sys.argv[1:]]),
    }
    digits = {"seconds_per_image": 5, "ratio_to_forward": 4, "peak_memory_mb": 0}
    with atomic_write(RESULTS / "benchmark.csv") as path, path.open("w", newline="") as out:
        writer = csv.DictWriter(out, [*report["rows"][0], *origin], lineterminator="\n")
        writer.writeheader()
        for row in report["rows"]:
            writer.writerow({k: f"{v:.{digits[k]}f}" if k in digits else v for k, v in row.items()} | origin)


if __name__ == "__main__":
    main()
