"""The network as it is exported: against the package's forward pass, and what is said where there is none."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import pytest
import torch

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript", reason="the export needs the extra `book`")

import network_export as exporting  # noqa: E402  tools/, see conftest.py
import network_runtime as runtime  # noqa: E402
import playground_network as building  # noqa: E402
import timm  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

from simsam.features import forward  # noqa: E402
from simsam.weights import Backbone, load_backbone  # noqa: E402


def tiny(name: str) -> Backbone:
    """A small vision transformer of timm with random weights, as a backbone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = (
            timm.create_model(name, num_classes=0, dynamic_img_size=True, depth=1)
            .eval()
            .requires_grad_(False)
        )
    sizes = model.patch_embed.patch_size[0], model.embed_dim, model.num_prefix_tokens
    return Backbone(name, model, *sizes, torch.device("cpu"), "random", "", (0.5,) * 3, (0.5,) * 3)


def test_exported_network_gives_what_the_package_s_forward_gives() -> None:
    backbone, grid = tiny("test_vit2"), (6, 4)
    model = exporting.export(backbone)
    x = torch.randn(
        1, 3, *(side * backbone.patch for side in grid), generator=torch.Generator().manual_seed(0)
    )
    sides = exporting.position_grid(backbone)
    rows, columns = (exporting.resize_matrix(old, new) for old, new in zip(sides, grid))
    feed = {"pixels": x.numpy(), "rows": rows, "columns": columns}
    found = dict(zip(exporting.NAMES, ReferenceEvaluator(model).run(None, feed)))
    for kind in ("output", "keys"):
        tokens, _, attention = forward(x, backbone, kind)
        np.testing.assert_allclose(found[kind], tokens[0], atol=2e-4)
    if attention is not None:
        np.testing.assert_allclose(found["attention"], attention[0], atol=1e-5)
    assert str(Path.cwd()).encode() not in model.SerializeToString()


def test_weights_in_8_bits_are_within_half_a_step() -> None:
    weights = np.random.default_rng(0).standard_normal((300, 300), np.float32)
    node = onnx.helper.make_node("MatMul", ["x", "w"], ["y"])
    value = functools.partial(onnx.helper.make_tensor_value_info, elem_type=1)
    graph = onnx.helper.make_graph(
        [node],
        "one",
        [value("x", shape=[None, 300])],
        [value("y", shape=[None, 300])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", exporting.OPSET)])
    rounded = exporting.in_8_bits(model)
    found = ReferenceEvaluator(rounded).run(None, {"x": np.eye(300, dtype=np.float32)})[0]
    steps = np.abs(weights).max(0) / 127
    assert (np.abs(found - weights) <= steps * 0.501).all()
    assert len(rounded.SerializeToString()) < weights.nbytes / 3.5


def test_backbone_without_a_network_gives_a_reason(tmp_path: Path) -> None:
    result = building.build(tmp_path / "network", load_backbone("classical", device="cpu"))
    assert result == "classical has no network: its features are computed"
    assert building.manifest(result) == {"built": False, "why": result}
    assert not (tmp_path / "network").exists()


def test_runtime_that_cannot_be_fetched_gives_a_reason(tmp_path: Path, monkeypatch) -> None:
    for file in ("package.json", "package-lock.json"):
        (tmp_path / file).write_bytes((runtime.PACKAGE / file).read_bytes())
    monkeypatch.setattr(runtime, "find_npm", lambda: None)
    assert runtime.find_runtime(tmp_path) == "there is no npm to fetch its runtime with"


def test_lock_file_names_no_address() -> None:
    lock = json.loads((runtime.PACKAGE / "package-lock.json").read_text(encoding="utf-8"))
    packages = [found for path, found in lock["packages"].items() if path]
    assert all("integrity" in found and "resolved" not in found for found in packages)
