"""`simsam info`: versions, devices, and which weights were found."""

from __future__ import annotations

import argparse
import os
import platform

import torch

from simsam import __version__
from simsam.backbones import describe_weights
from simsam.weights import cache_dir, found_weights


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> int:
    devices = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] or ["no CUDA device"]
    print(f"simsam {__version__}, Python {platform.python_version()}, torch {torch.__version__}")
    print(f"{os.cpu_count()} CPU cores, {', '.join(devices)}")
    print(f"weights are kept in {cache_dir()}")
    for name in sorted({*found_weights(), "dinov2_vits14"}):
        print(f"  {name}: {describe_weights(name)}")
    return 0
