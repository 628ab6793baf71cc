"""Tokens against products by hand, and the way back from a token to the pixels that it saw."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from simsam.features import MAX_TOKENS, Geometry, extract, plan, to_input
from simsam.weights.backbones import Backbone, load_backbone
from simsam.weights.taps import TOKENS

RANDOM = ("dino_vits16", "dinov2_vits14", "dinov2_vits14_reg")


# --- tokens, by hand from the block's input ---


@pytest.mark.parametrize("block", [5, -1])
@pytest.mark.parametrize(("name", "prefix"), zip(RANDOM, (1, 1, 5)))
def test_tokens_are_the_products_of_the_blocks_input(name, prefix, block, cat):
    backbone = load_backbone(name, weights="random", device="cpu")
    model, p = backbone.model, backbone.patch
    assert backbone.prefix == prefix
    layer, d, heads = model.blocks[block], backbone.dim, 6
    seen = {}
    hooks = [
        layer.register_forward_pre_hook(lambda _, args: seen.update(before=args[0])),
        layer.register_forward_hook(lambda _, args, out: seen.update(after=out)),
    ]
    found = {kind: extract(cat, backbone, kind, block, size=(4 * p, 5 * p)) for kind in TOKENS}
    for hook in hooks:
        hook.remove()
    normed = F.layer_norm(seen["before"][0], (d,), layer.norm1.weight, layer.norm1.bias, layer.norm1.eps)
    W, c = layer.attn.qkv.weight, layer.attn.qkv.bias
    by_hand = {
        "queries": normed @ W[:d].T + c[:d],
        "keys": normed @ W[d : 2 * d].T + c[d : 2 * d],
        "values": normed @ W[2 * d :].T + c[2 * d :],
        "output": F.layer_norm(seen["after"][0], (d,), model.norm.weight, model.norm.bias, model.norm.eps),
    }
    for kind, expected in by_hand.items():
        features = found[kind]
        assert features.tokens.shape == (20, d)
        assert features.tokens.dtype == torch.float32
        torch.testing.assert_close(features.tokens, expected[prefix:], atol=1e-4, rtol=1e-4)
        assert (features.grid, features.patch, features.kind) == ((4, 5), p, kind)
        assert (features.block, features.backbone) == (block, name)
    # the class token's attention to the patches: softmax over all tokens, then the mean over the heads
    attention = torch.zeros(20)
    for head in range(heads):
        part = slice(head * d // heads, (head + 1) * d // heads)
        scores = by_hand["keys"][:, part] @ by_hand["queries"][0, part] / (d // heads) ** 0.5
        attention += scores.softmax(0)[prefix:] / heads
    torch.testing.assert_close(found["keys"].attention, attention, atol=1e-6, rtol=1e-4)
    final = found["output"] if block == -1 else extract(cat, backbone, "output", size=(4 * p, 5 * p))
    for features in found.values():  # the image's embedding comes from the last block, whatever was asked
        torch.testing.assert_close(features.cls, final.cls)
    if block == -1:
        torch.testing.assert_close(final.cls, by_hand["output"][0], atol=1e-4, rtol=1e-4)
    assert not layer.attn.qkv._forward_hooks  # nothing stays behind
    assert not layer._forward_hooks


def test_registers_without_a_class_token(cat):
    backbone = load_backbone("vit_wee_patch16_reg1_gap_256", weights="random", device="cpu")
    assert backbone.prefix == 1
    features = extract(cat, backbone, "output", size=(64, 80))
    assert features.tokens.shape == (20, backbone.dim)
    assert features.attention is None
    torch.testing.assert_close(features.cls, features.tokens.mean(0), atol=1e-5, rtol=1e-4)


def test_blocks_count_from_the_end(backbone, cat):
    one, other = (extract(cat, backbone, block=block, size=70) for block in (11, -1))
    torch.testing.assert_close(one.tokens, other.tokens)
    assert (extract(cat, backbone, block=9, size=70).tokens - one.tokens).abs().max() > 0.1


# --- a backbone whose tokens are known: the mean colour of the patch ---


class Colours(nn.Module):
    """Tokens are the mean standardised colours of the patches, after one class token of zeros."""

    has_class_token = True

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.attn = nn.Module()
            self.attn.num_heads = 1
            self.attn.qkv = nn.Linear(3, 9)
            self.attn.qkv.weight.data = torch.eye(3).repeat(3, 1)
            self.attn.qkv.bias.data.zero_()

        def forward(self, x):
            self.attn.qkv(x)
            return x

    def __init__(self, patch):
        super().__init__()
        self.patch, self.norm = patch, nn.Identity()
        self.blocks = nn.ModuleList([self.Block()])

    def forward_intermediates(self, x, **how):
        x = F.avg_pool2d(x, self.patch).flatten(2).transpose(1, 2)
        x = self.blocks[0](F.pad(x, (0, 0, 1, 0)))
        return x, [(x[:, 1:], x[:, :1])]


@pytest.fixture(scope="module")
def colours():
    mean, std = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
    return Backbone("colours", Colours(10), 10, 3, 1, torch.device("cpu"), "", "", mean, std)


def seen_colours(image, backbone, size):
    """(h, w, 3) in 0..255: what each token saw, its standardisation undone."""
    features = extract(image, backbone, "keys", size=size)
    rgb = features.tokens.double() * torch.tensor(backbone.std) + torch.tensor(backbone.mean)
    return 255 * rgb.view(*features.grid, 3).numpy(), features.geometry


def noise(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("size", "shape"), [(None, (67, 43)), (None, (30, 20)), (60, (60, 40)), ((30, 20), (30, 20))]
)
def test_without_a_resize_a_token_is_the_mean_of_its_box(colours, size, shape):
    image = noise(shape)
    seen, geometry = seen_colours(image, colours, size)
    assert geometry.grid == (shape[0] // 10, shape[1] // 10)
    for i in range(geometry.grid[0]):
        for j in range(geometry.grid[1]):
            top, left, bottom, right = geometry.token_box(i, j)
            assert (top, left, bottom, right) == (10 * i, 10 * j, 10 * i + 10, 10 * j + 10)
            box = image[int(top) : int(bottom), int(left) : int(right)]
            np.testing.assert_allclose(seen[i, j], box.mean((0, 1)), atol=1e-3)


@pytest.mark.parametrize("pixel", [(0, 0), (29, 10), (30, 9), (66, 42), (5, 41)])
def test_one_pixel_changes_the_token_whose_box_holds_it(colours, pixel):
    image = np.full((67, 43, 3), 100, np.uint8)
    before, geometry = seen_colours(image, colours, None)
    image[pixel] = 200
    after, _ = seen_colours(image, colours, None)
    changed = {tuple(map(int, at)) for at in np.argwhere(np.abs(after - before).max(-1) > 1e-6)}
    expected = set()
    for i in range(geometry.grid[0]):
        for j in range(geometry.grid[1]):
            top, left, bottom, right = geometry.token_box(i, j)
            if top <= pixel[0] < bottom and left <= pixel[1] < right:
                expected.add((i, j))
    assert changed == expected  # none at all for a pixel in the cropped margin


@pytest.mark.parametrize(
    ("size", "shape", "grid"),
    [
        (60, (210, 160), (6, 5)),  # 4.57 rounds to 5 columns: the sides are scaled differently
        (100, (171, 203), (8, 10)),
        (200, (120, 90), (20, 15)),  # enlarged
        ((40, 90), (150, 140), (4, 9)),
        ((47, 92), (150, 140), (5, 9)),
    ],
)
def test_after_a_resize_a_token_still_knows_its_place(colours, size, shape, grid):
    """On a ramp, the mean colour of a token is the value at the centre of its box."""
    H, W = shape
    y, x = np.mgrid[:H, :W] + 0.5
    slopes = 250 / H, 250 / W
    image = np.rint(np.stack([slopes[0] * y, slopes[1] * x, 0 * x], -1)).astype(np.uint8)
    seen, geometry = seen_colours(image, colours, size)
    assert geometry.grid == grid
    for i in range(1, grid[0] - 1):
        for j in range(1, grid[1] - 1):
            top, left, bottom, right = geometry.token_box(i, j)
            centre = (top + bottom) / 2, (left + right) / 2
            for axis in (0, 1):  # to within a quarter of a pixel, of which rounding the ramp takes most
                assert abs(seen[i, j, axis] / slopes[axis] - centre[axis]) < 0.25
    assert geometry.token_box(0, 0)[:2] == (0, 0)
    assert geometry.token_box(grid[0] - 1, grid[1] - 1)[2:] == pytest.approx((H, W))


# --- from the grid to the pixels ---


def test_upsampling_by_hand():
    geometry = Geometry((9, 12), (0, 0, 9, 12), (3, 4))  # 3 x 3 pixels a token
    field = torch.arange(12.0).view(3, 4)
    up = geometry.upsample(field)
    torch.testing.assert_close(up[1::3, 1::3], field)  # centres keep their place
    assert up[1, 2] == pytest.approx(1 / 3)  # a third of the way from token 0 to token 1
    nearest = geometry.upsample(field, "nearest")
    torch.testing.assert_close(nearest, field.repeat_interleave(3, 0).repeat_interleave(3, 1))


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_upsampled_constants_stay_constant(mode):
    for geometry in (plan((31, 47), 7, None), plan((31, 47), 7, 60), plan((10, 300), 7, 140)):
        up = geometry.upsample(torch.full(geometry.grid, 0.7), mode)
        assert up.shape == geometry.image
        torch.testing.assert_close(up, torch.full(geometry.image, 0.7))


@pytest.mark.parametrize("size", [None, 70, (35, 84)])
def test_upsampled_ramps_stay_ramps(size):
    geometry = plan((50, 90), 7, size)
    boxes = [[geometry.token_box(i, j) for j in range(geometry.grid[1])] for i in range(geometry.grid[0])]
    centre = torch.tensor([[((t + b) / 2, (s + r) / 2) for t, s, b, r in row] for row in boxes])
    up = geometry.upsample(2 * centre[..., 0] - 3 * centre[..., 1])
    y, x = torch.meshgrid(torch.arange(50) + 0.5, torch.arange(90) + 0.5, indexing="ij")
    (top, left), (bottom, right) = centre[0, 0].ceil().int(), centre[-1, -1].int()
    inner = slice(int(top), int(bottom)), slice(int(left), int(right))
    torch.testing.assert_close(up[inner], (2 * y - 3 * x)[inner], atol=1e-3, rtol=0)


def test_nearest_gives_each_pixel_its_own_token():
    for geometry in (plan((50, 90), 7, None), plan((50, 90), 7, 91)):
        h, w = geometry.grid
        up = geometry.upsample(torch.arange(float(h * w)).view(h, w), "nearest")
        for i in range(h):
            for j in range(w):
                top, left, bottom, right = geometry.token_box(i, j)
                assert up[int((top + bottom) / 2), int((left + right) / 2)] == i * w + j


def test_a_cropped_margin_repeats_its_nearest_pixel():
    geometry = plan((20, 26), 7, None)
    assert geometry.region == (0, 0, 14, 21)
    up = geometry.upsample(torch.rand(3, 2, 3))
    assert up.shape == (3, 20, 26)
    torch.testing.assert_close(up[:, 14:], up[:, 13:14].expand(-1, 6, -1))
    torch.testing.assert_close(up[..., 21:], up[..., 20:21].expand(-1, -1, 5))


# --- images and batches ---


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize("size", [None, 56, (28, 70)])
def test_a_sample_is_what_upsampling_gives_there(mode, size):
    rng = np.random.default_rng(6)
    geometry = plan((75, 101), 14, size)
    field = torch.from_numpy(rng.normal(size=geometry.grid)).float()
    rows, columns = np.sort(rng.choice(75, 30, replace=False)), np.arange(0, 101, 3)
    found = geometry.sample(field, rows, columns, mode)
    torch.testing.assert_close(found, geometry.upsample(field, mode)[rows][:, columns], atol=2e-5, rtol=0)


def test_a_batch_equals_its_images_one_by_one(backbone, cat):
    images = [cat, cat[:, ::-1], 255 - cat]
    together = extract(images, backbone, size=126)
    assert len(together) == 3
    assert together.is_batch
    for b, image in enumerate(images):
        alone = extract(image, backbone, size=126)
        assert len(alone) == 1
        torch.testing.assert_close(together[b].tokens, alone.tokens, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(together[b].cls, alone.cls, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(together[b].attention, alone.attention, atol=1e-4, rtol=1e-4)
        assert together[b].geometry == alone.geometry
    assert together[1:].tokens.shape[0] == len(together[1:].geometry) == 2
    with pytest.raises(TypeError, match="one image"):
        alone[0]
    torch.testing.assert_close(alone.map(alone.tokens.T)[:, 2, 3], alone.tokens[2 * alone.grid[1] + 3])


def test_any_source_and_mode_gives_the_same_tokens(backbone, cat, tmp_path):
    small = np.asarray(Image.fromarray(cat).resize((90, 60)))
    expected = extract(small, backbone, size=None).tokens
    path = tmp_path / "cat.png"
    Image.fromarray(small).save(path)
    for source in (path, str(path), Image.open(path), (small / 255).astype(np.float32)):
        torch.testing.assert_close(extract(source, backbone, size=None).tokens, expected)
    opaque = Image.fromarray(small).convert("RGBA")
    torch.testing.assert_close(extract(opaque, backbone, size=None).tokens, expected)
    gray = small.mean(-1).astype(np.uint8)
    expected = extract(np.repeat(gray[..., None], 3, 2), backbone, size=None).tokens
    for source in (gray, gray.astype(np.uint16) * 257, Image.fromarray(gray).convert("P")):
        torch.testing.assert_close(extract(source, backbone, size=None).tokens, expected)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(small)).save(path, exif=exif)
    turned = extract(path, backbone, size=None)
    assert turned.geometry.image == (60, 90)
    torch.testing.assert_close(turned.tokens, extract(small, backbone, size=None).tokens)


def test_inputs_are_standardised(backbone):
    white = to_input(np.full((14, 14, 3), 255, np.uint8), plan((14, 14), 14, None), backbone)
    expected = (1 - torch.tensor(backbone.mean)) / torch.tensor(backbone.std)
    torch.testing.assert_close(white, expected.view(3, 1, 1).expand(3, 14, 14))


@pytest.mark.parametrize(
    ("image", "patch", "size", "grid"),
    [
        ((300, 451), 14, 480, (23, 34)),
        ((300, 451), 14, None, (21, 32)),
        ((14, 14), 14, None, (1, 1)),
        ((15, 4000), 14, 480, (1, 286)),  # no pixel is enlarged
        ((451, 300), 16, 224, (14, 9)),
        ((50, 50), 14, (28, 70), (2, 5)),
    ],
)
def test_grids(image, patch, size, grid):
    assert plan(image, patch, size).grid == grid


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"tokens": "key"}, ["tokens 'key'", "did you mean 'keys'"]),
        ({"block": 12}, ["block=12", "12 blocks", "0 to 11"]),
        ({"block": -13}, ["block=-13"]),
        ({"size": 13}, ["size=13", "14"]),
        ({"size": (70, 5)}, ["size=(70, 5)", "14"]),
        ({"size": 14 * 200}, ["tokens", str(MAX_TOKENS), "smaller size"]),
        ({"image": []}, ["empty list"]),
        (
            {"image": [np.zeros((70, 70), np.uint8), np.zeros((70, 140), np.uint8)]},
            ["(5, 10)", "(10, 10)", "one shape"],
        ),
        ({"image": np.zeros((13, 70), np.uint8)}, ["image is 13 x 70", "one patch of 14 x 14"]),
    ],
)
def test_refusals(arguments, words, refused, backbone):
    with refused(*words):
        extract(**{"image": np.zeros((70, 70), np.uint8), "backbone": backbone, "size": 140} | arguments)


@pytest.mark.gpu
def test_cuda_agrees_with_the_cpu(backbone, cat):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    cpu, gpu = (extract(cat, b, size=224).tokens.cpu() for b in (backbone, load_backbone(device="cuda")))
    # half precision: cosines agree to about a percent
    assert F.cosine_similarity(cpu, gpu, dim=-1).min() > 0.98
