"""Photos with known classes, a tiny backbone, and its weights in a file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from skimage import data

from simsam.data.datasets import open_dataset
from simsam.weights.backbones import load_backbone


@pytest.fixture(scope="session")
def textures(tmp_path_factory):
    """Six photos of brick and of noise, side by side or one over the other, and their label maps.

    Brick and grass would be harder: which of their crops one takes decides how well they are told apart.
    """
    root = tmp_path_factory.mktemp("textures")
    (root / "images").mkdir()
    (root / "masks").mkdir()
    draw = np.random.default_rng(0)
    for n in range(6):
        labels = np.full((224, 224), n // 2 % 2, np.uint8)
        labels[(slice(None), slice(112, None)) if n % 2 else slice(112, None)] ^= 1
        top, left = draw.integers(0, 512 - 224, 2)
        brick = data.brick()[top : top + 224, left : left + 224, None]
        noise = draw.integers(0, 256, (224, 224, 3))
        image = np.where(labels[..., None] == 0, brick, noise).astype(np.uint8)
        Image.fromarray(image).save(root / "images" / f"{n}.png")
        labels[:4] = 255  # void
        Image.fromarray(labels).save(root / "masks" / f"{n}.png")
    (root / "classes.txt").write_text("brick\nnoise\n")
    return root


@pytest.fixture(scope="session")
def things():
    """Three objects, each of them four times: mirrored or not, of any size, on a ground of any colour."""
    picked = [s for s in open_dataset("cutouts", task="semantic") if s.id[:3] in ("009", "020", "035")]
    draw, samples = np.random.default_rng(0), []
    for n in range(12):
        source = picked[n % 3]
        image, truth = source.load_image(), source.truth
        rows, columns = (np.flatnonzero((truth > 0).any(axis)) for axis in (1, 0))
        cut = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        side = 100 + 12 * (n // 3)
        thing, inside = (Image.fromarray(x[cut]).resize((side, side), 0) for x in (image, truth))
        ground = (
            draw.integers(60, 200, 3)
            + np.linspace(0, 40, 224)[:, None, None]
            + draw.normal(0, 6, (224, 224, 3))
        )
        labels = np.zeros((224, 224), np.uint8)
        top, left = draw.integers(30, 224 - 30 - side, 2)
        place = np.s_[top : top + side, left : left + side]
        turn = np.s_[:, :: 1 - 2 * (n // 3 % 2)]
        labels[place] = np.asarray(inside)[turn]
        ground[place] = np.where(labels[place][..., None] > 0, np.asarray(thing)[turn], ground[place])
        samples.append(
            replace(source, id=f"{n}", read_image=ground.astype(np.uint8).copy, read_truth=labels.copy)
        )
    return replace(open_dataset("cutouts", task="semantic"), samples=tuple(samples))


@pytest.fixture(scope="session")
def dataset(textures):
    return open_dataset("folder", textures, task="semantic")


@pytest.fixture(scope="session")
def tiny():
    return load_backbone("vit_tiny_patch16_224", weights="random", device="cpu")


@pytest.fixture
def forwards(tiny, monkeypatch):
    """How many images each forward pass of the tiny backbone saw."""
    seen, real = [], tiny.model.forward_intermediates
    watched = lambda x, **how: seen.append(len(x)) or real(x, **how)  # noqa: E731
    monkeypatch.setattr(tiny.model, "forward_intermediates", watched, raising=False)
    return seen


@pytest.fixture
def weights(tiny, tmp_path_factory):
    """The random weights of the tiny backbone in a file, for the command line."""
    from safetensors.torch import save_file

    path = tmp_path_factory.getbasetemp() / "tiny.safetensors"
    if not path.exists():
        save_file({k: v.contiguous() for k, v in tiny.model.state_dict().items()}, path)
    return path


@pytest.fixture
def photos(textures, tmp_path):
    """The photos of `textures`, and a file that only claims to be one."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for path in (textures / "images").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "bad.jpg").write_text("no photo")
    return folder
