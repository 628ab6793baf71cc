"""Which device to compute on."""

from __future__ import annotations

import torch

from simsam.errors import SimsamError, unknown

DEVICES = ("cpu", "cuda", "mps")


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """The torch device of "auto" (CUDA where there is one, else the CPU), "cpu", "cuda", "cuda:N", "mps"
    (Apple's GPU, only when asked for) or a torch device.

    Raises `SimsamError` for another name, and for a device that this machine does not have.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError, ValueError):
        raise unknown("device", device, ["auto", *DEVICES]) from None
    if resolved.type not in DEVICES:
        raise unknown("device", device, ["auto", *DEVICES])
    if resolved.type == "mps" and not torch.backends.mps.is_available():
        raise SimsamError(
            "device 'mps' asks for Apple's GPU, but torch finds none on this machine; use 'auto'."
        )
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if resolved.type == "cuda" and (resolved.index or 0) >= count:
        raise SimsamError(
            f"device {str(device)!r} asks for CUDA, but this machine has {count} such devices; use 'auto'."
        )
    return resolved
