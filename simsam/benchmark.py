"""Chapter 10. What each stage costs, beside the backbone's forward pass, in one run.

Two yardsticks run along: the loop of SimSAM's released code (two tokens a step, from two shuffled loaders,
10 epochs, here with its gradients on), timed over some steps and scaled to all; and the shift-invert
eigensolve that DSM's and SimSAM's code ask of scipy.
"""

from __future__ import annotations

import io
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from scipy.sparse.linalg import eigsh
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

from simsam import pipeline
from simsam.backbones import Backbone
from simsam.errors import SimsamError, unknown
from simsam.features import Features, Geometry, forward, to_input
from simsam.images import load_image
from simsam.recipes import RECIPES, get_recipe
from simsam.refine import dense_crf, guided_filter
from simsam.spectral import eigenpairs

TOKENS = (256, 784, 1369, 2304, 4096)
STAGES = (
    "load",
    "forward",
    "head_sgd",
    "head_closed_form",
    "head_released",
    "affinity",
    "eigenvectors",
    "eigenvectors_shift_invert",
    "readout",
    "upsample",
    "guided",
    "crf",
)
ONE_AT_A_TIME = ("head_released", "eigenvectors_shift_invert")  # timed at batch 1 only, as they are written
EIGENPAIRS = 15


def benchmark(
    backbone: Backbone,
    image: np.ndarray,
    tokens: tuple[int, ...] = TOKENS,
    batches: tuple[int, ...] = (1, 8),
    runs: int = 5,
    stages: tuple[str, ...] = STAGES,
    progress: bool = True,
) -> dict:
    """Median seconds an image of each stage, as a dictionary ready for JSON.

    image: a photo (H, W, 3) uint8, brought to square grids of about the given numbers of `tokens`. `rows`
    holds {stage, tokens, batch, seconds_per_image, ratio_to_forward, peak_memory_mb}; the memory is the
    process's (or the CUDA device's) peak up to then, so sizes should ascend. The dense CRF is left out where
    pydensecrf2 is not installed. Raises `SimsamError` for a stage that there is not, and for counts below 1.
    """
    for stage in stages:
        if stage not in STAGES:
            raise unknown("stage", stage, STAGES)
    if runs < 1 or min(batches) < 1 or min(tokens) < 36:
        raise SimsamError("give at least 1 run, batches of at least 1 image and grids of at least 36 tokens.")
    rows = []
    plans = [(n, b) for n in sorted(tokens) for b in batches]
    for n, batch in tqdm(plans, unit="size", disable=not progress):
        side = round(n**0.5)
        seconds = {}
        for stage, work, scale in _stages(backbone, image, side, batch):
            if stage in stages or stage == "forward":
                seconds[stage] = scale * _median(work, runs, backbone.device) / batch
        rows += [
            {
                "stage": stage,
                "tokens": side * side,
                "batch": batch,
                "seconds_per_image": value,
                "ratio_to_forward": value / seconds["forward"],
                "peak_memory_mb": _peak_memory_mb(backbone.device),
            }
            for stage, value in seconds.items()
        ]
    return {"machine": machine(backbone.device), "backbone": backbone.name, "runs": runs, "rows": rows}


def _stages(
    backbone: Backbone, image: np.ndarray, side: int, batch: int
) -> Iterator[tuple[str, Callable[[], object], float]]:
    """Each stage as (name, work, scale): `work` on `batch` images takes 1 / scale of the stage's time."""
    size = side * backbone.patch
    photo = np.asarray(Image.fromarray(image).resize((size, size)))
    jpeg = io.BytesIO()
    Image.fromarray(photo).save(jpeg, "JPEG", quality=90)
    geometry = Geometry((size, size), (0, 0, size, size), (side, side))

    def load() -> Tensor:
        images = [load_image(Image.open(io.BytesIO(jpeg.getvalue()))) for _ in range(batch)]
        return torch.stack([to_input(i, geometry, backbone) for i in images])

    yield "load", load, 1
    x = load()
    recipe = replace(RECIPES["simsam"], k=EIGENPAIRS)
    yield "forward", lambda: forward(x, backbone, recipe.tokens), 1
    found, cls, attention = forward(x, backbone, recipe.tokens)
    grids = [geometry] * batch
    features = Features(
        found, cls, attention, (side, side), backbone.patch, grids, recipe.tokens, -1, backbone.name
    )
    yield "head_sgd", lambda: pipeline.train(features, replace(recipe, head="sgd")), 1
    yield "head_closed_form", lambda: pipeline.train(features, replace(recipe, head="closed_form")), 1
    if batch == 1:
        timed, needed = 200, 10 * side * side // 2
        unit = F.normalize(found[0], dim=-1)
        yield "head_released", lambda: released_loop(unit, timed), needed / timed
    head = pipeline.train(features, get_recipe(recipe, head="closed_form"))
    yield "affinity", lambda: pipeline.graph(features, head, recipe, []), 1
    W = pipeline.graph(features, head, recipe, [])
    yield "eigenvectors", lambda: eigenpairs(W, EIGENPAIRS), 1
    if batch == 1:
        w = W[0].double().cpu().numpy()
        yield "eigenvectors_shift_invert", lambda: released_eigensolve(w), 1
    spectrum = eigenpairs(W, EIGENPAIRS)
    yield "readout", lambda: pipeline.readout(features, None, spectrum, recipe), 1
    scores = pipeline.readout(features, None, spectrum, recipe)
    yield "upsample", lambda: [geometry.upsample(features.map(s[0])) for s in scores], 1
    pixels = geometry.upsample(features.map(scores[0][0]))
    yield "guided", lambda: [guided_filter(pixels, photo) for _ in range(batch)], 1
    try:
        import pydensecrf.densecrf  # noqa: F401
    except ImportError:
        return
    yield "crf", lambda: [dense_crf(pixels, photo) for _ in range(batch)], 1


def released_loop(tokens: Tensor, steps: int) -> None:
    """`steps` steps of the released training, written anew from its description, its gradients on.

    Two tokens a step from each of two independently shuffled loaders; Linear + ELU, then Linear; SGD.
    """
    torch.manual_seed(0)
    d = tokens.shape[1]
    psi = torch.nn.Sequential(torch.nn.Linear(d, d), torch.nn.ELU()).to(tokens.device)
    pi = torch.nn.Linear(d, d).to(tokens.device)
    optimiser = torch.optim.SGD([*psi.parameters(), *pi.parameters()], lr=0.06)
    loaders = [DataLoader(TensorDataset(tokens.cpu()), batch_size=2, shuffle=True) for _ in range(2)]
    done = 0
    with torch.enable_grad():
        while True:
            for (alpha,), (beta,) in zip(*loaders):
                if done == steps:
                    return
                z1, z2 = psi(alpha.to(tokens.device)), psi(beta.to(tokens.device))
                p1, p2 = pi(z1), pi(z2)
                cosines = F.cosine_similarity(p1, z2.detach()) + F.cosine_similarity(p2, z1.detach())
                loss = -cosines.mean() / 2
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                done += 1


def released_eigensolve(W: np.ndarray, k: int = EIGENPAIRS) -> tuple[np.ndarray, np.ndarray]:
    """The smallest pairs of (D - W) y = lambda D y by shift-invert at 0, W (n, n) float64, in one scipy call.

    L itself is singular, so the shift lies a hair below 0.
    """
    D = np.diag(W.sum(1))
    return eigsh(D - W, k=k, sigma=-1e-8, which="LM", M=D)


def _median(work: Callable[[], object], runs: int, device: torch.device) -> float:
    def once() -> float:
        _wait(device)
        start = time.perf_counter()
        work()
        _wait(device)
        return time.perf_counter() - start

    once()  # warm-up
    return statistics.median(once() for _ in range(runs))


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _peak_memory_mb(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def machine(device: torch.device) -> dict:
    """The machine by what matters for speed: device, model of CPU, threads, torch."""
    return {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "cpu": _cpu_model(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def _cpu_model() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as info:
            return next(line.split(":", 1)[1].strip() for line in info if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
