"""Chapter 10. Several processes on one machine, by the same machinery as `torchrun`."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import TypeVar

from torch.distributed.elastic.multiprocessing import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from simsam.errors import SimsamError

T = TypeVar("T")


def launch(processes: int, function: Callable[..., T], *arguments: object) -> T:
    """Call a module's function in each of several new processes; gives what that of rank 0 returned.

    The cores are divided between them. Raises `SimsamError` when there are processes of torchrun's already,
    and when one of the new ones dies.
    """
    if processes < 1:
        raise SimsamError(f"{processes} processes: give at least 1.")
    if "TORCHELASTIC_RUN_ID" in os.environ:
        raise SimsamError("torchrun has started processes already: leave out the option for more of them.")
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        run_id="simsam",
        nproc_per_node=processes,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
        monitor_interval=0.1,
    )
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
