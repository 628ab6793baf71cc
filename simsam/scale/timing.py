"""What each stage costs, beside the backbone's forward pass, in one run.

Two yardsticks run along (`yardsticks`): the loop of SimSAM's released code, timed over some steps and scaled
to all; and the shift-invert eigensolve that DSM's and SimSAM's code ask of scipy.
"""

from __future__ import annotations

import io
import platform
import resource
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from simsam import pipeline
from simsam.data import load_image
from simsam.errors import SimsamError, unknown
from simsam.features import Features, Geometry, forward, to_input
from simsam.objects import dense_crf, guided_filter
from simsam.pipeline import RECIPES, get_recipe
from simsam.scale.cache import clock
from simsam.scale.yardsticks import released_eigensolve, released_loop
from simsam.spectral import eigenpairs
from simsam.weights import Backbone

TOKENS = (256, 784, 1369, 2304, 4096)
# fmt: off
STAGES = (
    "load", "forward", "head_sgd", "head_closed_form", "head_released", "affinity", "eigenvectors",
    "eigenvectors_shift_invert", "readout", "upsample", "guided", "crf",
)
# fmt: on
ONE_AT_A_TIME = ("head_released", "eigenvectors_shift_invert")  # timed at batch 1 only, as they are written
EIGENPAIRS = 15


def benchmark(
    backbone: Backbone,
    image: np.ndarray,
    tokens: Sequence[int] = TOKENS,
    batches: Sequence[int] = (1, 8),
    runs: int = 5,
    stages: Sequence[str] = STAGES,
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
        peak_memory = _peak_memory_mb(backbone.device)
        for stage, value in seconds.items():
            row = {"stage": stage, "tokens": side * side, "batch": batch, "seconds_per_image": value}
            row["ratio_to_forward"] = value / seconds["forward"]
            rows.append(row | {"peak_memory_mb": peak_memory})
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
    yield "readout", lambda: pipeline.readout(features, W, spectrum, recipe), 1
    scores = pipeline.readout(features, W, spectrum, recipe)
    yield "upsample", lambda: [geometry.upsample(features.map(s[0])) for s in scores], 1
    pixels = geometry.upsample(features.map(scores[0][0]))
    yield "guided", lambda: [guided_filter(pixels, photo) for _ in range(batch)], 1
    try:
        import pydensecrf.densecrf  # noqa: F401
    except ImportError:
        return
    yield "crf", lambda: [dense_crf(pixels, photo) for _ in range(batch)], 1


def _median(work: Callable[[], object], runs: int, device: torch.device) -> float:
    def once() -> float:
        start = clock(device)
        work()
        return clock(device) - start

    once()  # warm-up
    return statistics.median(once() for _ in range(runs))


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
