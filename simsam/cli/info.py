"""`simsam info`: versions, devices, and which weights were found."""

from __future__ import annotations

import argparse
import os
import platform

import torch

from simsam.data import __version__
from simsam.errors import SimsamError
from simsam.weights import WHEEL_BACKBONE, cache_dir, describe_weights, recorded_names


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> int:
    devices = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] or ["no CUDA device"]
    print(f"simsam {__version__}, Python {platform.python_version()}, torch {torch.__version__}")
    print(f"{os.cpu_count()} CPU cores, {', '.join(devices)}")
    print(f"weights are kept in {cache_dir()}")
    for name in sorted({*recorded_names(), WHEEL_BACKBONE}):
        try:
            print(f"  {name}: {describe_weights(name)}")
        except SimsamError as error:  # a damaged record, or a file of somebody else's
            print(f"  {name}.json there: {error}")
    return 0
