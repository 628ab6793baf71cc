"""Matrix products through oneDNN: as exact as float32 is, and torch's settings come back."""

from __future__ import annotations

import pytest
import torch

import simsam
from simsam.siamese import fast
from simsam.siamese.fast import BLOCK, full_width, pad_rows

settings = getattr(torch.backends.mkldnn, "matmul", None)
needs_settings = pytest.mark.skipif(settings is None, reason="this torch cannot send float32 to oneDNN")


@pytest.fixture
def fresh():
    """The answer about the processor is forgotten before and after."""
    fast._is_exact.cache_clear()
    yield
    fast._is_exact.cache_clear()


@pytest.mark.parametrize(("m", "k", "n"), [(784, 384, 384), (1569, 1536, 384), (384, 3136, 384), (37, 5, 3)])
def test_products_are_float32_all_the_same(m, k, n):
    a, b = (torch.randn(s, generator=torch.Generator().manual_seed(0)) for s in ((m, k), (k, n)))
    bias = torch.ones(n)
    with full_width():
        found = [a @ b, torch.bmm(a[None], b[None])[0], torch.addmm(bias, a, b) - bias]
        transposed = torch.bmm(a.T.contiguous().T[None], b.T.contiguous().T[None])[0]
    exact = a.double() @ b.double()
    # what k sums of rounded products may lose; bfloat16 loses 2^16 times as much
    allowed = k**0.5 * torch.finfo(torch.float32).eps * (a.double().abs() @ b.double().abs())
    for product in (*found, transposed):
        assert ((product.double() - exact).abs() <= allowed + 1e-6).all()


@needs_settings
def test_the_setting_is_what_it_was(fresh, cat, backbone):
    before = settings.fp32_precision
    with full_width(), full_width():
        pass
    assert settings.fp32_precision == before
    with pytest.raises(RuntimeError, match="inside"), full_width():
        raise RuntimeError("inside")
    assert settings.fp32_precision == before
    simsam.segment(cat, backbone=backbone, size=112, kappa=0.1)
    assert settings.fp32_precision == before


@needs_settings
@pytest.mark.parametrize(
    ("cpu", "wanted"),
    [
        ({"cpu_name": "AMD EPYC", "avx512_f": True, "amx_tile": False}, "bf16"),
        ({"cpu_name": "AMD EPYC", "avx512_f": True, "amx_tile": True}, None),
        ({"cpu_name": "AMD EPYC", "avx512_f": False, "amx_tile": False}, None),
        ({"cpu_name": "AMD EPYC", "avx512_f": True}, None),
        ({"cpu_name": "Intel Xeon", "avx512_f": True, "amx_tile": False}, None),
        ({"architecture": "aarch64"}, None),
    ],
)
def test_only_where_leave_to_round_is_not_used(fresh, monkeypatch, cpu, wanted):
    exact = fast._product_is_exact()
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: cpu, raising=False)
    before = settings.fp32_precision
    with full_width():
        # on a processor that does round, the product itself says no
        assert settings.fp32_precision == (wanted if wanted and exact else before)


def test_rows_are_filled_up_to_few_numbers():
    filled = {pad_rows(torch.empty(1, m, 1)).shape[1] for m in range(2 * BLOCK + 1, 4097)}
    assert len(filled) == 4096 // BLOCK - 2
    assert all(m % BLOCK == 0 for m in filled)
    assert all(pad_rows(torch.empty(m, 2)).shape == (m, 2) for m in range(2 * BLOCK + 1))


def test_rows_that_fill_up_are_zero_and_the_others_stay():
    x = torch.randn(2, 2 * BLOCK + 3, 4, generator=torch.Generator().manual_seed(0))
    padded = pad_rows(x)
    assert torch.equal(padded[:, : x.shape[1]], x)
    assert not padded[:, x.shape[1] :].any()
