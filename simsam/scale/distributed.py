"""One job on several processes: `torchrun -m simsam ...` splits the work by rank, `launch` starts them here.

Nothing here but torch.distributed: without torchrun every function is the identity of one process.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist

from simsam.errors import SimsamError

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
    """The number of this process, 0 where there is one alone."""
    return dist.get_rank() if dist.is_initialized() else 0


def world() -> int:
    """How many processes share the work: 1 outside `process_group`."""
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


def launch(processes: int, function: Callable[..., T], *arguments: object) -> T:
    """Call a module's function in each of several new processes; gives what that of rank 0 returned.

    The cores are divided between them. Raises `SimsamError` when there are processes of torchrun's already,
    and when one of the new ones dies.
    """
    from torch.distributed.elastic.multiprocessing import SignalException  # a slow import
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    if processes < 1:
        raise SimsamError(f"{processes} processes: give at least 1.")
    if "TORCHELASTIC_RUN_ID" in os.environ:
        raise SimsamError("torchrun has started processes already: leave out the option for more of them.")
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    meeting = {"run_id": "simsam", "rdzv_backend": "c10d", "rdzv_endpoint": "localhost:0"}
    how = {"nproc_per_node": processes, "max_restarts": 0, "monitor_interval": 0.1}
    config = LaunchConfig(min_nodes=1, max_nodes=1, **meeting, **how)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return elastic_launch(config, function)(*arguments)[0]
    except SignalException:
        raise KeyboardInterrupt from None
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        said = failure.message["message"] if isinstance(failure.message, dict) else failure.message
        why = str(said).strip().splitlines()[-1]
        raise SimsamError(f"process {rank} of {processes} died ({why}): try again with fewer.") from error
    finally:  # torch's own would stay
        for number, handler in handlers.items():
            signal.signal(number, handler)
