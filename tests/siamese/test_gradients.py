"""Gradients written by hand, against torch's own and against finite differences."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from simsam.siamese.fast import ELU, Cosine


def test_the_elu_is_torchs_and_so_is_its_gradient():
    x = (3 * torch.randn(50, 20, generator=torch.Generator().manual_seed(0))).double()
    x[0, :3] = torch.tensor([0.0, 1e-9, -1e-9])
    mine, theirs = (x.clone().requires_grad_(True) for _ in range(2))
    weight = torch.linspace(-1, 2, 20).double()
    (ELU.apply(mine) * weight).sum().backward()
    (torch.nn.functional.elu(theirs) * weight).sum().backward()
    torch.testing.assert_close(ELU.apply(x), torch.nn.functional.elu(x), atol=1e-15, rtol=1e-7)
    torch.testing.assert_close(mine.grad, theirs.grad)


def vectors(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_cosine_is_torchs():
    p, t = vectors(2, 7, 5), vectors(2, 7, 5, seed=1)
    torch.testing.assert_close(Cosine.apply(p, t), F.cosine_similarity(p, t, dim=-1))
    torch.testing.assert_close(Cosine.apply(p, p), torch.ones(2, 7, dtype=torch.float64))
    torch.testing.assert_close(Cosine.apply(1e-6 * p, -1e6 * p), -torch.ones(2, 7, dtype=torch.float64))
    p[0, 0] = 0
    assert Cosine.apply(p, t)[0, 0] == 0


def test_the_gradient_of_the_cosine_by_either_side():
    p, t = (v.requires_grad_(True) for v in (vectors(3, 4, 5), vectors(3, 4, 5, seed=1)))
    assert torch.autograd.gradcheck(Cosine.apply, (p, t))
    assert torch.autograd.gradcheck(Cosine.apply, (p, t.detach()))
    assert torch.autograd.gradcheck(Cosine.apply, (p.detach(), t))


def test_a_row_of_zeros_has_a_finite_gradient():
    p, t = vectors(4, 5), vectors(4, 5, seed=1)
    p[1] = 0
    p = p.float().requires_grad_(True)
    Cosine.apply(p, t.float()).sum().backward()
    assert torch.isfinite(p.grad).all()
