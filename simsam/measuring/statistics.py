"""How sure is a mean: bootstrap intervals over images, and of paired differences.

Images are what was drawn at random, so images are what is drawn again (Efron 1979), with replacement;
the interval holds the middle `level` of the redrawn statistics (percentile method). The same seed gives
the same interval, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from simsam.errors import SimsamError
from simsam.measuring.metrics import class_counts, iou_of_counts, match_clusters

Interval = tuple[float, float]
BATCH = 500  # resamples held in memory at once


def bootstrap_interval(
    values: np.ndarray,
    statistic: Callable[..., np.ndarray] = np.mean,
    level: float = 0.95,
    samples: int = 10_000,
    seed: int = 0,
) -> Interval:
    """The interval (low, high) of `statistic` over `values` (n,), one number an image.

    `statistic` takes `axis`, as np.mean and np.median do. One image alone gives (value, value): it says
    nothing of the spread.
    """
    values = _check_values("values", values)
    _check_settings(level, samples)
    if len(values) == 1:
        value = float(statistic(values, axis=-1))
        return value, value
    how = {"n_resamples": samples, "batch": BATCH, "confidence_level": level, "method": "percentile"}
    rng = np.random.default_rng(seed)
    result = stats.bootstrap((values,), statistic, vectorized=True, rng=rng, **how)
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def paired_difference(
    a: np.ndarray, b: np.ndarray, level: float = 0.95, samples: int = 10_000, seed: int = 0
) -> tuple[float, float, float]:
    """Mean of a - b, and its interval: (difference, low, high), for `a` and `b` (n,) on the same n images.

    Pairing takes out what makes an image hard for both, so this is far narrower than two intervals.
    """
    a, b = _check_values("first values", a), _check_values("second values", b)
    if a.shape != b.shape:
        raise SimsamError(
            f"{len(a)} values against {len(b)}: a paired difference needs the same images in the same order."
        )
    return float(np.mean(a - b)), *bootstrap_interval(a - b, level=level, samples=samples, seed=seed)


def bootstrap_miou(
    confusions: np.ndarray,
    assignment: np.ndarray | None = None,
    level: float = 0.95,
    samples: int = 10_000,
    seed: int = 0,
) -> Interval:
    """The interval (low, high) of `metrics.miou` over images, given their confusion matrices (n, C, K).

    The matching of clusters to classes (K,) is made once, from the sum over all images (`match_clusters`),
    and held fixed. A class that a resample never shows is left out of that resample's mean.
    """
    _check_settings(level, samples)
    return _percentiles(_resampled_miou(confusions, assignment, samples, seed), level)


def paired_miou_of_runs(
    a: Sequence[np.ndarray],
    b: Sequence[np.ndarray] | None = None,
    level: float = 0.95,
    samples: int = 10_000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Mean mIoU over runs of `a`, minus that of `b` if given, and its interval: (value, low, high).

    A run is one clustering of a collection, (n, C, K) as for `bootstrap_miou`, matched for itself: start
    K-means elsewhere, and mIoU may move by more than other images would move it. So a resample draws images,
    the same for all runs, and runs, for `a` and for `b` by itself. With few runs it is a little too narrow.
    """
    _check_settings(level, samples)
    sides = [a] if b is None else [a, b]
    images = sorted({len(run) for runs in sides for run in runs})
    if 0 in map(len, sides) or len(images) > 1:
        found = " and ".join(map(str, images)) or "no"
        raise SimsamError(f"runs of {found} images: give each side at least one run, all of the same images.")
    random = np.random.default_rng(seed + 1)
    values, redrawn = [], []
    for runs in sides:
        values.append(np.mean([_mean_iou(*(c.sum(axis=0) for c in _counts(run, None))) for run in runs]))
        over_images = np.stack([_resampled_miou(run, None, samples, seed) for run in runs])  # (runs, samples)
        drawn = random.integers(len(runs), size=over_images.shape)
        redrawn.append(np.take_along_axis(over_images, drawn, axis=0).mean(axis=0))
    if b is None:
        return float(values[0]), *_percentiles(redrawn[0], level)
    return float(values[0] - values[1]), *_percentiles(redrawn[0] - redrawn[1], level)


def _resampled_miou(
    confusions: np.ndarray, assignment: np.ndarray | None, samples: int, seed: int
) -> np.ndarray:
    """mIoU of `samples` redraws of the images: (samples,). The draws depend on n and the seed alone."""
    counts = _counts(confusions, assignment)
    n, random = len(counts[0]), np.random.default_rng(seed)
    parts = []
    for start in range(0, samples, BATCH):
        size = min(BATCH, samples - start)
        # Drawing n of n images with replacement = drawing how often each occurs; sums are then one product.
        times = random.multinomial(n, np.full(n, 1 / n), size=size).astype(float)  # (size, n)
        parts.append(_mean_iou(*(times @ c for c in counts)))
    return np.concatenate(parts)


def _counts(
    confusions: np.ndarray, assignment: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    confusions = np.asarray(confusions)
    if confusions.ndim != 3 or 0 in confusions.shape:
        raise SimsamError(f"confusion matrices of shape {confusions.shape}: expected (images, classes, K).")
    assignment = match_clusters(confusions.sum(axis=0)) if assignment is None else assignment
    hits, union, true = class_counts(confusions, assignment)
    if not true.any():
        raise SimsamError("no pixel of the ground truth has a class: mIoU is undefined on void only.")
    return hits, union, true


def _mean_iou(hits: np.ndarray, union: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Mean over the present classes of (..., C) counts; nan where no class is present (void images only)."""
    present = np.count_nonzero(true, axis=-1)
    return np.nansum(iou_of_counts(hits, union, true), axis=-1) / np.where(present > 0, present, np.nan)


def _percentiles(values: np.ndarray, level: float) -> Interval:
    low, high = np.nanquantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _check_values(what: str, values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
        raise SimsamError(f"the {what} of shape {values.shape}: expected a finite number an image.")
    return values


def _check_settings(level: float, samples: int) -> None:
    if not 0 < level < 1 or samples < 1:
        raise SimsamError(
            f"level {level} with {samples} resamples: expected a level in (0, 1), at least one."
        )
