"""Devices by name: those that torch has here, and one sentence for the rest."""

from __future__ import annotations

import pytest
import torch

from simsam.weights.devices import resolve_device


def test_the_cpu_is_everywhere():
    assert resolve_device("cpu") == torch.device("cpu")
    assert resolve_device(torch.device("cpu")) == torch.device("cpu")
    assert resolve_device("auto").type in ("cpu", "cuda")


@pytest.mark.parametrize("there", [True, False])
def test_mps_where_torch_has_it(monkeypatch, refused, there):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: there)
    if there:
        assert resolve_device("mps") == torch.device("mps")
        return
    with refused("'mps'", "Apple's GPU", "use 'auto'"):
        resolve_device("mps")


@pytest.mark.parametrize(
    ("name", "words"), [("cude", "did you mean 'cuda'"), ("meta", "device"), (7.5, "device")]
)
def test_devices_that_are_none(refused, name, words):
    with refused(words):
        resolve_device(name)


def test_a_gpu_that_is_not_there(refused):
    with refused("cuda:99", "use 'auto'"):
        resolve_device("cuda:99")
