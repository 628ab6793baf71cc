"""The benchmark: every stage is there, ratios are ratios, and the yardsticks do what they stand for."""

import json

import numpy as np
import pytest
import torch

from simsam.affinity import combine, vanilla_affinity
from simsam.cli import main
from simsam.errors import SimsamError
from simsam.scale.timing import ONE_AT_A_TIME, STAGES, benchmark, released_eigensolve, released_loop
from simsam.spectral.laplacian import eigenpairs


@pytest.fixture(scope="module")
def report(backbone, cat):
    return benchmark(backbone, cat, tokens=(64,), batches=(1, 2), runs=1, progress=False)


def test_every_stage_has_a_row_at_batch_one_and_the_yardsticks_only_there(report):
    pytest.importorskip("pydensecrf.densecrf", reason="the dense CRF is an extra")
    assert [r["stage"] for r in report["rows"] if r["batch"] == 1] == list(STAGES)
    assert [r["stage"] for r in report["rows"] if r["batch"] == 2] == [
        s for s in STAGES if s not in ONE_AT_A_TIME
    ]


def test_rows_hold_what_the_command_promises(report):
    forward = {r["batch"]: r["seconds_per_image"] for r in report["rows"] if r["stage"] == "forward"}
    for row in report["rows"]:
        assert set(row) == {
            "stage",
            "tokens",
            "batch",
            "seconds_per_image",
            "ratio_to_forward",
            "peak_memory_mb",
        }
        assert row["tokens"] == 64
        assert row["seconds_per_image"] > 0
        assert row["ratio_to_forward"] == pytest.approx(row["seconds_per_image"] / forward[row["batch"]])
        assert row["peak_memory_mb"] > 10
    assert report["machine"]["threads"] == torch.get_num_threads()


def test_the_released_loop_takes_the_steps_it_is_asked_for(monkeypatch):
    steps = []
    sgd = torch.optim.SGD.step
    monkeypatch.setattr(torch.optim.SGD, "step", lambda self, *a: (steps.append(1), sgd(self, *a))[1])
    with torch.no_grad():  # its gradients are on whatever the caller's are
        released_loop(torch.randn(10, 8), 23)
    assert len(steps) == 23


def test_the_shift_invert_yardstick_solves_the_same_problem():
    rng = np.random.default_rng(0)
    tokens = torch.from_numpy(rng.standard_normal((150, 20)))
    W = combine(vanilla_affinity(tokens, "none"), floor=1e-3)
    values, _ = released_eigensolve(W.numpy(), k=5)
    np.testing.assert_allclose(np.sort(values), eigenpairs(W, 5).values.numpy(), atol=1e-6)


def test_what_cannot_be_timed_is_refused(backbone, cat):
    with pytest.raises(SimsamError, match="did you mean 'forward'"):
        benchmark(backbone, cat, stages=("foward",))
    with pytest.raises(SimsamError, match="at least 1 run"):
        benchmark(backbone, cat, runs=0)


def test_the_command_prints_a_table_and_writes_rows(tmp_path, capsys):
    file = tmp_path / "b.json"
    command = ["benchmark", "--tokens", "64", "--batch", "1", "--runs", "1", "--quiet"]
    assert main([*command, "--stages", "readout", "affinity", "--json", str(file)]) == 0
    assert {r["stage"] for r in json.loads(file.read_text())["rows"]} == {"forward", "readout", "affinity"}
    assert "/ forward" in capsys.readouterr().out
