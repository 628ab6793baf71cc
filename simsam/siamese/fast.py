"""How the head trains fast on a CPU; the equations stand in `head`, and who trusts them may skip this file.

Two functions have their gradient written by hand, since between its matrix products a training step does
little but read and write tokens, and these read and write them less often than torch's own operations.

And products of float32 matrices run at the full width of a CPU. torch hands them to MKL, which on AMD's
processors with AVX-512 keeps to half of its width. oneDNN, which torch carries too, uses all of it; but torch
asks oneDNN for float32 only where it may round to bfloat16. Without AMX tiles oneDNN makes no use of that
leave, so there, and only there, giving it costs no digit. For every new shape oneDNN makes a kernel that it
keeps for good, about 0.7 MB (uxlfoundation/oneDNN, pull request 1757). So it gets whole blocks of tokens
alone; the backbone, whose shapes are the photos', stays with MKL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

SHORTEST = 1e-12  # what a shorter row counts as, as in torch's normalize: its square is still a float32


class ELU(torch.autograd.Function):
    """x above 0, exp(x) - 1 below, of any shape; the slope is 1 above and exp(x) below.

    torch's own takes expm1, which it computes entry by entry on a CPU, much slower than exp. The two differ
    by the rounding of numbers near 1.
    """

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        slope = x.clamp_max(0).exp_()
        ctx.save_for_backward(slope)
        below = slope - 1
        return torch.maximum(x, below, out=below)

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:
        (slope,) = ctx.saved_tensors
        return grad * slope


class Cosine(torch.autograd.Function):
    """cos(p, t) = p . t / (|p| |t|) of the rows of p and t, (..., d) twice -> (...); 0 where a row is 0.

    The gradient by p is (t / |t| - cos(p, t) p / |p|) / |p|, and the same by t with the two exchanged.
    """

    @staticmethod
    def forward(ctx, p: Tensor, t: Tensor) -> Tensor:
        p_length, t_length = (
            torch.linalg.vector_norm(v, dim=-1, keepdim=True).clamp_min(SHORTEST) for v in (p, t)
        )
        cosine = (p * t).sum(-1, keepdim=True) / p_length / t_length
        ctx.save_for_backward(p, t, p_length, t_length, cosine)
        return cosine.squeeze(-1)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        p, t, p_length, t_length, cosine = ctx.saved_tensors
        grad = grad.unsqueeze(-1)
        across = grad / p_length / t_length
        needs_p, needs_t = ctx.needs_input_grad
        by_p = (t * across).addcmul_(p, grad * cosine / p_length**2, value=-1) if needs_p else None
        by_t = (p * across).addcmul_(t, grad * cosine / t_length**2, value=-1) if needs_t else None
        return by_p, by_t


BLOCK = 64  # tokens


@contextmanager
def full_width() -> Iterator[None]:
    """Inside, float32 products on the CPU go to oneDNN, where it is as exact as MKL.

    Elsewhere (another processor, an older torch, CUDA) nothing changes. At the end
    torch's setting is what it was. Give it few shapes: each leaves a kernel behind.
    """
    with _leave_to_round() if _is_exact() else nullcontext():
        yield


def pad_rows(x: Tensor) -> Tensor:
    """Rows (..., m, d) filled up with zeros to whole blocks, so that shapes are few; not where it is a
    waste."""
    m = x.shape[-2]
    return F.pad(x, (0, 0, 0, -m % BLOCK)) if m > 2 * BLOCK else x


def both_views(
    projector: Callable[[Tensor], Tensor], predictor: Callable[[Tensor], Tensor], alpha: Tensor, beta: Tensor
) -> tuple[Tensor, ...]:
    """z = psi(view) and p = pi(z) of two views (B, m, d): z_alpha, z_beta, p_alpha, p_beta, (B, m, d) each.

    The views lie side by side, so that each layer is one product for both.
    """
    m = alpha.shape[1]
    z = projector(torch.cat([pad_rows(alpha), pad_rows(beta)], 1))
    p = predictor(z)
    return tuple(view[:, :m] for pair in (z, p) for view in pair.chunk(2, 1))


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
