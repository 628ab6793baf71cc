"""Chapter 10. Products of float32 matrices at the full width of a CPU.

torch hands them to MKL, which on AMD's processors with AVX-512 keeps to half of its width. oneDNN, which
torch carries too, uses all of it; but torch asks oneDNN for float32 only where it may round to bfloat16.
Without AMX tiles oneDNN makes no use of that leave, so there, and only there, giving it costs no digit.

For every new shape oneDNN makes a kernel that it keeps for good, about 0.7 MB (uxlfoundation/oneDNN, pull
request 1757). So it gets whole blocks of tokens alone; the backbone, whose shapes are the photos', stays with
MKL.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache

import torch

BLOCK = 64  # tokens


@contextmanager
def full_width() -> Iterator[None]:
    """Inside, float32 products on the CPU go to oneDNN, where it is as exact as MKL.

    Elsewhere (another processor, an older torch, CUDA) nothing changes. At the end
    torch's setting is what it was. Give it few shapes: each leaves a kernel behind.
    """
    with _leave_to_round() if _is_exact() else nullcontext():
        yield


def missing(m: int) -> int:
    """How many rows m rows lack to whole blocks, so that shapes are few; 0 where it would be a waste."""
    return -m % BLOCK if m > 2 * BLOCK else 0


@cache
def _is_exact() -> bool:
    """Whether this is such a processor, and a product given leave to round shows that it is not rounded."""
    known = hasattr(torch.backends.mkldnn, "matmul")  # new in torch 2.9
    return known and _is_amd_with_avx512() and _product_is_exact()


def _is_amd_with_avx512() -> bool:
    found = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    amd = "amd" in str(found.get("cpu_name", "")).lower()
    return amd and found.get("avx512_f", False) and not found.get("amx_tile", True)


def _product_is_exact() -> bool:
    a, b = torch.rand(2, 256, 256, generator=torch.Generator().manual_seed(0))
    with _leave_to_round():
        product = a @ b
    error = product.double() / (a.double() @ b.double()) - 1
    return error.abs().max().item() < 1e-5  # bfloat16 alone has steps of 4e-3


@contextmanager
def _leave_to_round() -> Iterator[None]:
    settings = torch.backends.mkldnn.matmul
    before = settings.fp32_precision
    settings.fp32_precision = "bf16"
    try:
        yield
    finally:
        settings.fp32_precision = before
