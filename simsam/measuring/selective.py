"""Does a number know when a mask fails? How well it ranks, and what is left without the least sure.

Confidences are (n,) floats, one an image, higher for surer. Resamples draw images with replacement, the same
for every statistic of one seed, so two confidences on the same images are paired.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import rankdata

from simsam.errors import SimsamError

Statistic = Callable[[np.ndarray], np.ndarray]  # how often each image is drawn (S, n) to values (S,)


def auroc(confidence: np.ndarray, failed: np.ndarray) -> float:
    """The chance, in [0, 1], that a failure has a lower confidence than a success; ties count one half.

    `failed` is (n,) bool. 0.5 is what a coin gives. Raises `SimsamError` unless there are both.
    """
    confidence, failed = _checked(confidence, failed)
    ranks, good = rankdata(confidence), np.count_nonzero(~failed)
    above = ranks[~failed].sum() - good * (good + 1) / 2
    return float(above / (good * (len(failed) - good)))


def auroc_of(confidence: np.ndarray, failed: np.ndarray) -> Statistic:
    """`auroc` as a statistic of redrawn images; nan where a resample holds no failure, or nothing else."""
    confidence, failed = _checked(confidence, failed)
    bad, good = confidence[failed], confidence[~failed]
    higher = (good[:, None] > bad) + 0.5 * (good[:, None] == bad)  # (successes, failures)

    def statistic(times: np.ndarray) -> np.ndarray:
        of_good, of_bad = times[:, ~failed], times[:, failed]
        pairs = of_good.sum(1) * of_bad.sum(1)
        won = ((of_good @ higher) * of_bad).sum(1)
        return np.divide(won, pairs, out=np.full(len(won), np.nan), where=pairs > 0)

    return statistic


def kept_mean(confidence: np.ndarray, values: np.ndarray, coverage: float) -> float:
    """The mean of `values` (n,) over the surest images, a share `coverage` in (0, 1] of them."""
    return float(kept_mean_of(confidence, values, coverage)(np.ones((1, len(values))))[0])


def kept_mean_of(confidence: np.ndarray, values: np.ndarray, coverage: float) -> Statistic:
    """`kept_mean` as a statistic of redrawn images: the image at the edge counts with the share that fits,
    and images of one confidence count alike."""
    if not 0 < coverage <= 1:
        raise SimsamError(f"coverage {coverage}: give a share above 0, at most 1.")
    confidence, values = np.asarray(confidence, float), np.asarray(values, float)
    levels, level = np.unique(-confidence, return_inverse=True)
    member = np.eye(len(levels))[level]  # (n, levels), the surest level first

    def statistic(times: np.ndarray) -> np.ndarray:
        count, total = times @ member, (times * values) @ member
        room = coverage * times.sum(1, keepdims=True)
        before = np.cumsum(count, axis=1) - count
        share = np.clip((room - before) / np.maximum(count, 1), 0, 1)
        return (share * total).sum(1) / room[:, 0]

    return statistic


def redrawn(
    statistic: Statistic, n: int, samples: int = 10_000, seed: int = 0, batch: int = 500
) -> np.ndarray:
    """`statistic` on `samples` redraws of n images: (samples,). The draws depend on n and the seed alone."""
    random, parts = np.random.default_rng(seed), []
    for start in range(0, samples, batch):
        size = min(batch, samples - start)
        parts.append(statistic(random.multinomial(n, np.full(n, 1 / n), size=size).astype(float)))
    return np.concatenate(parts)


def _checked(confidence: np.ndarray, failed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    confidence, failed = np.asarray(confidence, float), np.asarray(failed)
    if confidence.shape != failed.shape or confidence.ndim != 1 or failed.dtype != bool:
        raise SimsamError(
            f"confidences of shape {confidence.shape} and failures {failed.dtype} of shape {failed.shape}: "
            "expected a number and a bool an image."
        )
    if failed.all() or not failed.any():
        raise SimsamError(
            "all images are of one kind: there is nothing to rank; give failures and successes."
        )
    return confidence, failed
