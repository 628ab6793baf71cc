"""`simsam benchmark`: seconds per stage, and their ratio to the backbone's forward pass."""

from __future__ import annotations

import argparse

from simsam.data import __version__, check_target, load_cutouts, load_image, write_json
from simsam.scale import STAGES, TOKENS, benchmark
from simsam.weights import WHEEL_BACKBONE, load_backbone


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", metavar="FILE", help="write the rows as JSON")
    parser.add_argument("--image", metavar="PHOTO", help="a photo to run on (default: one of the cutouts)")
    parser.add_argument("--tokens", type=int, nargs="+", default=TOKENS, metavar="N", help="grid sizes")
    parser.add_argument("--batch", type=int, nargs="+", default=(1, 8), metavar="B", help="images at once")
    parser.add_argument("--runs", type=int, default=5, help="runs after the warm-up, whose median counts")
    parser.add_argument("--stages", nargs="+", default=STAGES, metavar="STAGE", help=", ".join(STAGES))
    parser.add_argument("--backbone", default=WHEEL_BACKBONE)
    parser.add_argument("--weights", metavar="FILE")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def run(args: argparse.Namespace) -> int:
    if args.json:
        args.json = check_target(args.json)  # before all the work
    backbone = load_backbone(args.backbone, args.weights, args.device)
    image = load_image(args.image) if args.image else load_cutouts()[0].image
    report = benchmark(backbone, image, args.tokens, args.batch, args.runs, args.stages, not args.quiet)
    print("{device}, {cpu}, {threads} threads".format(**report["machine"]))
    print(f"{'stage':<28}{'tokens':>8}{'batch':>7}{'s/image':>12}{'/ forward':>11}{'peak MB':>9}")
    for row in report["rows"]:
        print(
            f"{row['stage']:<28}{row['tokens']:>8}{row['batch']:>7}{row['seconds_per_image']:>12.4f}"
            f"{row['ratio_to_forward']:>11.3f}{row['peak_memory_mb']:>9.0f}"
        )
    if args.json:
        write_json(args.json, {"version": __version__, **report})
    return 0
