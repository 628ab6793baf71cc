"""One forward pass of a backbone, tapped: any kind of token of any block can be read from it afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from simsam.errors import SimsamError, unknown
from simsam.weights.backbones import Backbone
from simsam.weights.classical import Classical, Computed

TOKENS = ("keys", "queries", "values", "output")


@dataclass(frozen=True)
class Tapped:
    """What one forward pass of B inputs left, float32: any kind of token can be read from it.

    final (B, N, d) after the final norm; of each tapped block, by its number, qkv (B, N, 3 d) and its output
    after the final norm, (B, N, d). N counts the class token and registers too.
    """

    backbone: Backbone
    final: Tensor
    qkv: dict[int, Tensor]
    outputs: dict[int, Tensor]

    def read(self, tokens: str, block: int) -> tuple[Tensor, Tensor, Tensor | None]:
        """Tokens (B, n, d) of a tapped block, class embedding (B, d), class attention (B, n) or None.

        Raises `SimsamError` for tokens that there are not.
        """
        if tokens not in TOKENS:
            raise unknown("tokens", tokens, TOKENS)
        model, p = self.backbone.model, self.backbone.prefix
        number = block % len(model.blocks)
        # (B, N, 3 d) -> three times (B, N, d), heads side by side, as timm lays them out
        q, k, v = self.qkv[number].unflatten(2, (3, -1)).unbind(2)
        chosen = {"queries": q, "keys": k, "values": v, "output": self.outputs[number]}[tokens]
        chosen = chosen[:, p:].contiguous()
        if not model.has_class_token:  # registers are no class token
            return chosen, self.final[:, p:].mean(1), None
        attention = _class_attention(q, k, model.blocks[number].attn.num_heads, p)
        return chosen, self.final[:, 0], attention


@torch.no_grad()
def tap(x: Tensor, backbone: Backbone, blocks: Iterable[int] = (-1,)) -> Tapped | Computed:
    """One forward pass of inputs (B, 3, height, width), tapped at `blocks` (from 0, or from the end).

    Mixed precision on CUDA (bfloat16 where the device has it, else float16). Raises `SimsamError` for a block
    that there is not.
    """
    model, numbers = backbone.model, set()
    if isinstance(model, Classical):
        return Computed(*(part.float() for part in model(x)))
    for block in blocks:
        if not -len(model.blocks) <= block < len(model.blocks):
            last = len(model.blocks) - 1
            raise SimsamError(f"block={block}, but {backbone.name} has {last + 1} blocks: give 0 to {last}.")
        numbers.add(block % len(model.blocks))
    qkv: dict[int, Tensor] = {}
    hooks = [
        model.blocks[n].attn.qkv.register_forward_hook(lambda _m, _i, out, n=n: qkv.update({n: out.float()}))
        for n in numbers
    ]
    if x.device.type != "cuda":
        x = x.to(next(model.parameters()).dtype)  # a backbone in half precision takes its own kind
    try:
        with torch.autocast(x.device.type, dtype=_half(x.device), enabled=x.device.type == "cuda"):
            final, inner = model.forward_intermediates(
                x, indices=sorted(numbers), norm=True, output_fmt="NLC", return_prefix_tokens=True
            )
    finally:
        for hook in hooks:
            hook.remove()
    if backbone.prefix:  # timm hands out patches and prefix apart
        inner = [torch.cat([prefix, patches], 1) for patches, prefix in inner]
    outputs = {n: out.float() for n, out in zip(sorted(numbers), inner)}
    return Tapped(backbone, final.float(), qkv, outputs)


def _class_attention(q: Tensor, k: Tensor, heads: int, prefix: int) -> Tensor:
    """Attention of the class token to the patches, mean over heads: (B, N, d) twice -> (B, n)."""
    B, N, d = k.shape
    q = q[:, 0].view(B, heads, 1, -1)
    k = k.view(B, N, heads, -1).permute(0, 2, 3, 1)  # (B, heads, d / heads, N)
    scores = (q @ k).squeeze(2) * (d // heads) ** -0.5
    return scores.softmax(-1)[..., prefix:].mean(1)


def _half(device: torch.device) -> torch.dtype:
    bfloat = device.type != "cuda" or torch.cuda.get_device_capability(device)[0] >= 8
    return torch.bfloat16 if bfloat else torch.float16
