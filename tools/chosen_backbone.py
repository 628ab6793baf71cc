"""On whose features a tool measures: its two options, and the folder of results that is theirs."""

from __future__ import annotations

import argparse
from pathlib import Path

from simsam.errors import SimsamError
from simsam.weights import WHEEL_BACKBONE, Backbone, load_backbone

RESULTS = Path(__file__).resolve().parents[1] / "simsam" / "data" / "results"


def add_backbone(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--backbone", default=WHEEL_BACKBONE, help="the features, see `simsam info`")
    parser.add_argument("--weights", help="a .safetensors file of the backbone's shape")
    parser.add_argument("--output", type=Path, default=RESULTS, help="the tables go to its folder BACKBONE")


def chosen(args: argparse.Namespace, device: str = "auto") -> tuple[Backbone, Path]:
    """The backbone that was asked for, and the folder of its tables, made if it is missing."""
    if args.weights and args.output == RESULTS:
        raise SimsamError(
            "--weights are your own: name a folder with --output, apart from the book's tables."
        )
    folder = args.output / args.backbone
    folder.mkdir(parents=True, exist_ok=True)
    return load_backbone(args.backbone, args.weights, device), folder


def on_ecssd(about: str) -> tuple[argparse.Namespace, Backbone, Path]:
    """The arguments of a tool that measures on ECSSD alone, the backbone, and the folder of its tables."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--root", required=True, metavar="DIR", help="the folder of ECSSD")
    add_backbone(parser)
    args = parser.parse_args()
    return args, *chosen(args)


def command(tool: str, words: list[str], args: argparse.Namespace, hidden: tuple[str, ...] = ()) -> str:
    """The command as anyone can run it again: without the options that only say where files lie."""
    words = [word if word != getattr(args, "root", None) else "DIR" for word in words]
    for flag in ("--output", "--weights", *hidden):
        if flag in words:
            del words[words.index(flag) : words.index(flag) + 2]
    return " ".join([f"python tools/{tool}.py", *words])
