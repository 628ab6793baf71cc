"""Chapter 10. One job on several processes: `torchrun -m simsam ...` splits the work by rank.

Nothing here but torch.distributed: without torchrun every function is the identity of one process.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist

T = TypeVar("T")
# `gather` waits for the slowest: of an uneven share that may be long after the others
WAIT = timedelta(days=7)


@contextlib.contextmanager
def process_group() -> Iterator[None]:
    """Join the group that torchrun describes in the environment, and leave it at the end."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or dist.is_initialized():
        yield
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
    # results travel as Python objects, so gloo serves GPUs as well
    dist.init_process_group("gloo", timeout=WAIT)
    try:
        yield
    finally:
        dist.destroy_process_group()


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def world() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def share(items: Sequence[T]) -> list[T]:
    """This rank's part of the items: every world-th, from its own number on."""
    return list(items[rank() :: world()])


def gather(part: T) -> list[T]:
    """The parts of all ranks, in the order of ranks, on every rank. Waits for all of them."""
    if world() == 1:
        return [part]
    parts: list[T | None] = [None] * world()
    dist.all_gather_object(parts, part)
    return parts  # type: ignore[return-value]
