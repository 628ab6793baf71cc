"""Chapter 2. The two functions of the Siamese head whose gradient is written by hand, for speed on a CPU.

Between its matrix products a training step does little but read and write tokens. These two read and write
them less often than the same built from torch's own operations.
"""

from __future__ import annotations

import torch
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
