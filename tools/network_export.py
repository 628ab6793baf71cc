"""A backbone as an ONNX file for the playground: the ViT for a photo of any shape, its weights in 8 bits.

The file takes the network's input and two small matrices, and gives what `simsam.features.forward` gives:

    pixels     (1, 3, 14 h, 14 w)   standardised, 14 the side of a patch
    rows       (h, H)               how the grid of positions, H x W as trained, becomes h x w:
    columns    (w, W)               rows @ positions @ columns.T
    output     (n, d), n = h w      tokens="output"
    keys       (n, d)               tokens="keys"
    attention  (n)                  of the class token, where there is one

The two matrices hold the antialiased bicubic resize, which no ONNX operator does as torch does it; the page
makes them with the function that resizes its photos (book/playground/resize.js).
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from timm.models import vision_transformer
from torch import Tensor, nn

from simsam.features import forward
from simsam.weights import Backbone, Classical, tap

OPSET = 19
LARGE = 2**16  # numbers: smaller tensors, norms and biases, stay as they are
AGREE = 0.99  # mean cosine of tokens before and after the rounding
NAMES = ("output", "keys", "attention")


def why_not(backbone: Backbone) -> str:
    """Why this backbone cannot be exported, the end of a sentence; "" where it can."""
    if isinstance(backbone.model, Classical):
        return f"{backbone.name} has no network: its features are computed"
    positions = getattr(backbone.model, "pos_embed", None)
    if positions is None or positions.ndim != 3:
        return f"{backbone.name} has no grid of positions that could follow a photo's shape"
    return ""


def position_grid(backbone: Backbone) -> tuple[int, int]:
    """(H, W), the grid on which the positions were trained."""
    return tuple(backbone.model.patch_embed.grid_size)


class _Tapped(nn.Module):
    """The book's own forward pass, with the resize of positions as a product of matrices."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.model, self.backbone = backbone.model, backbone

    def forward(self, pixels: Tensor, rows: Tensor, columns: Tensor) -> tuple[Tensor, ...]:
        with _positions_resized_by(rows, columns):
            tapped = tap(pixels, self.backbone)
        output, _, attention = tapped.read("output", -1)
        keys, _, _ = tapped.read("keys", -1)
        return tuple(part[0] for part in (output, keys, attention) if part is not None)


@contextlib.contextmanager
def _positions_resized_by(rows: Tensor, columns: Tensor) -> Iterator[None]:
    """timm's resize of positions, replaced inside the block."""

    def resized(positions: Tensor, new_size: object, num_prefix_tokens: int = 1, **_: object) -> Tensor:
        prefix, grid = positions[:, :num_prefix_tokens], positions[0, num_prefix_tokens:]
        grid = grid.unflatten(0, (rows.shape[1], columns.shape[1]))  # (H, W, d)
        grid = columns @ torch.tensordot(rows, grid, 1)  # (h, w, d)
        return torch.cat([prefix, grid.flatten(0, 1)[None]], 1)

    before = vision_transformer.resample_abs_pos_embed
    vision_transformer.resample_abs_pos_embed = resized
    try:
        yield
    finally:
        vision_transformer.resample_abs_pos_embed = before


def export(backbone: Backbone) -> onnx.ModelProto:
    """The network with its weights as they are. About half a minute: torch follows every shape in symbols."""
    (H, W), patch = position_grid(backbone), backbone.patch
    h, w = (torch.export.Dim(name, min=1, max=200) for name in "hw")
    seen = (torch.zeros(1, 3, 20 * patch, 26 * patch), torch.zeros(20, H), torch.zeros(26, W))
    program = torch.onnx.export(
        _Tapped(backbone).eval(),
        seen,
        input_names=["pixels", "rows", "columns"],
        output_names=list(NAMES[: 3 if backbone.model.has_class_token else 2]),
        dynamic_shapes=({2: patch * h, 3: patch * w}, {0: h}, {0: w}),
        opset_version=OPSET,
        dynamo=True,
        verbose=False,
    )
    return _plain(program.model_proto)


def _plain(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without the exporter's notes, which hold paths of this machine."""
    graph = model.graph
    graph.ClearField("value_info")
    for part in (model, graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    return model


def in_8_bits(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network, each large tensor as whole numbers of 8 bits times one scale a channel.

    Only weights are rounded: `DequantizeLinear` makes them float32 again, and the network computes with them.
    """
    graph = model.graph
    large = {
        t.name: t
        for t in graph.initializer
        if t.data_type == TensorProto.FLOAT and math.prod(t.dims) >= LARGE
    }
    makers = []
    for name, tensor in large.items():
        values, axis = numpy_helper.to_array(tensor), _channel_axis(graph, name, len(tensor.dims))
        others = tuple(i for i in range(values.ndim) if i != axis)
        scales = np.maximum(np.abs(values).max(others), 1e-12).astype(np.float32) / np.float32(127)
        shape = [-1 if i == axis else 1 for i in range(values.ndim)]
        whole = np.rint(values / scales.reshape(shape)).astype(np.int8)
        graph.initializer.remove(tensor)
        graph.initializer.extend(
            [
                numpy_helper.from_array(whole, f"{name}.whole"),
                numpy_helper.from_array(scales, f"{name}.scale"),
            ]
        )
        parts = [f"{name}.whole", f"{name}.scale"]
        makers.append(helper.make_node("DequantizeLinear", parts, [name], f"{name}.float", axis=axis))
    nodes = [*makers, *graph.node]
    graph.ClearField("node")
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return model


def disagreement(model: onnx.ModelProto, backbone: Backbone) -> str:
    """Of a model in 8 bits: which of its tokens differ from the package's, on noise; "" where all agree.

    A network that gives something else is worse than none.
    """
    (h, w), (H, W) = (7, 9), position_grid(backbone)
    shape = (1, 3, h * backbone.patch, w * backbone.patch)
    noise = np.random.default_rng(0).standard_normal(shape, np.float32)
    feed = {"pixels": noise, "rows": resize_matrix(H, h), "columns": resize_matrix(W, w)}
    found = ReferenceEvaluator(model).run(["output", "keys"], feed)
    for kind, tokens in zip(("output", "keys"), found):
        expected = forward(torch.from_numpy(noise), backbone, kind)[0][0]
        cosine = torch.cosine_similarity(torch.from_numpy(tokens), expected).mean().item()
        if not cosine > AGREE:
            return f"the exported {backbone.name} gives other {kind} than the package (cosine {cosine:.3f})"
    return ""


def resize_matrix(old: int, new: int) -> np.ndarray:
    """(new, old), torch's antialiased bicubic resize of a side. Twin: resizeMatrix of resize.js."""
    one = torch.eye(old)[None, None]
    return F.interpolate(one, (new, old), mode="bicubic", antialias=True)[0, 0].numpy()


def _channel_axis(graph: onnx.GraphProto, name: str, ndim: int) -> int:
    """Along which axis the output channels of a tensor lie: the first of a convolution, else the last."""
    for node in graph.node:
        if name in node.input and node.op_type in ("Conv", "Gemm"):
            flipped = any(a.name == "transB" and a.i for a in node.attribute)
            return 0 if node.op_type == "Conv" or flipped else ndim - 1
    return ndim - 1
