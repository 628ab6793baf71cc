"""How good is a mask, a box, or a clustering: the numbers of every table in the book.

Masks are (H, W) bool. Boxes are (top, left, bottom, right) in pixels, bottom and right exclusive.
Label maps are (H, W) integers; `VOID` marks pixels without a class, which count nowhere.
Confusion matrices are (C, K) counts, classes by clusters, so matrices of several images add up.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from simsam.data import VOID, check_mask
from simsam.errors import SimsamError

BETA2 = 0.3  # Achanta et al. 2009: precision weighs more than recall; kept by the whole saliency literature
THRESHOLDS = np.arange(1, 256) / 256  # "v > k/256" tells all 256 levels v = 0/255 ... 255/255 of a map apart


# --- one mask against the truth ---------------------------------------------------------------------------


def iou(mask: np.ndarray, truth: np.ndarray) -> float:
    """Intersection over union of two masks (H, W) bool, in [0, 1]; 1 if both are empty, 0 if one is.

    The mean IoU of a data set is the mean of this over its images.
    """
    _check_masks(mask, truth)
    union = np.count_nonzero(mask | truth)
    return np.count_nonzero(mask & truth) / union if union else 1.0


def accuracy(mask: np.ndarray, truth: np.ndarray) -> float:
    """Share of the pixels on which two masks (H, W) bool agree, in [0, 1]."""
    _check_masks(mask, truth)
    return float(np.mean(mask == truth))


def f_beta(mask: np.ndarray, truth: np.ndarray, beta2: float = BETA2) -> float:
    """Weighted harmonic mean of precision and recall, in [0, 1]; empty masks as in `iou`.

    (1 + b2) P R / (b2 P + R), P = hits / |mask|, R = hits / |truth|, without the divisions by zero.
    """
    _check_masks(mask, truth)
    hits, size, true_size = (np.count_nonzero(m) for m in (mask & truth, mask, truth))
    return (1 + beta2) * hits / (beta2 * true_size + size) if size + true_size else 1.0


def f_curve(soft: np.ndarray, truth: np.ndarray, beta2: float = BETA2) -> np.ndarray:
    """`f_beta` of `soft > t` at each of the 255 `THRESHOLDS` t: (255,) float.

    `soft` is (H, W) float in [0, 1]: the confidence that a pixel belongs to the object.
    """
    soft = np.asarray(soft)
    check_mask("truth", truth)
    if soft.shape != truth.shape or soft.dtype.kind != "f" or not (soft.min() >= 0 and soft.max() <= 1):
        raise SimsamError(
            f"the soft map is {soft.dtype} of shape {soft.shape}: expected floats in [0, 1] of the "
            f"truth's shape {truth.shape}; scale and resize it first."
        )
    above, hits = (
        v.size - np.searchsorted(np.sort(v, axis=None), THRESHOLDS, side="right") for v in (soft, soft[truth])
    )
    bottom = beta2 * np.count_nonzero(truth) + above
    return np.where(bottom > 0, (1 + beta2) * hits / np.maximum(bottom, 1e-9), 1.0)


def max_f(curves: Sequence[np.ndarray] | np.ndarray) -> float:
    """Max-F of a data set: the best threshold's mean over images of `f_curve`, given as (n, 255).

    One threshold serves all images, as in DSM and TokenCut (some older papers average P and R first).
    """
    curves = np.atleast_2d(np.asarray(curves, dtype=float))
    if curves.ndim != 2 or curves.size == 0:
        raise SimsamError(f"the F curves have shape {curves.shape}: expected (images, thresholds).")
    return float(curves.mean(axis=0).max())


# --- boxes ------------------------------------------------------------------------------------------------


def box_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """IoU of boxes (..., 4) with boxes (..., 4), broadcast, in [0, 1]; boxes without area give 0."""
    a, b = _check_boxes(a), _check_boxes(b)
    shared = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared = np.prod(np.maximum(shared, 0), axis=-1)
    area_a, area_b = (np.prod(x[..., 2:] - x[..., :2], axis=-1) for x in (a, b))
    union = area_a + area_b - shared
    return np.divide(shared, union, out=np.zeros_like(union), where=union > 0)


def is_localised(box: Sequence[float] | None, truths: np.ndarray, threshold: float = 0.5) -> bool:
    """True if `box` has IoU >= `threshold` with any of the true boxes (M, 4); no box (None) is a miss."""
    truths = np.asarray(truths, dtype=float)
    if truths.size == 0:
        raise SimsamError("an image without true boxes has no CorLoc: leave it out of the mean.")
    return box is not None and bool(np.any(box_iou(box, truths) >= threshold))


# --- clusters against classes -----------------------------------------------------------------------------


def confusion(prediction: np.ndarray, truth: np.ndarray, clusters: int, classes: int) -> np.ndarray:
    """Pixel counts (C, K) int64 of class c (row) and cluster k (column), where the truth is not `VOID`.

    `prediction` is (H, W) integers 0..K-1, `truth` (H, W) integers 0..C-1 or `VOID`. An image that is void
    only gives zeros.
    """
    prediction, truth = np.asarray(prediction), np.asarray(truth)
    if prediction.shape != truth.shape or prediction.ndim != 2:
        raise SimsamError(
            f"the prediction has shape {prediction.shape} and the truth {truth.shape}: expected one (H, W)."
        )
    valid = truth != VOID
    for what, labels, count in (("prediction", prediction, clusters), ("truth", truth[valid], classes)):
        if labels.dtype.kind not in "iu":
            raise SimsamError(f"the {what} is {labels.dtype}: expected a map of integer labels.")
        if labels.size and not (labels.min() >= 0 and labels.max() < count):
            raise SimsamError(
                f"the {what} holds labels from {labels.min()} to {labels.max()}: expected 0 to {count - 1}."
            )
    # int64 before the product: labels are often uint8, where 20 * 21 overflows.
    pairs = truth[valid].astype(np.int64) * clusters + prediction[valid]
    return np.bincount(pairs, minlength=classes * clusters).reshape(classes, clusters)


def match_clusters(total: np.ndarray) -> np.ndarray:
    """One-to-one matching of clusters to classes that maximises the sum of IoU: (K,) class or -1.

    `total` (C, K) is the sum of all images' confusion matrices: one matching serves the whole set (the
    Hungarian method, Kuhn 1955). With more clusters than classes the surplus gets -1: its pixels count as
    wrong. With fewer, some classes go without a cluster: their IoU is 0. A pair without a common pixel is
    no match.
    """
    total = _check_confusion(total)[0]
    union = total.sum(axis=1, keepdims=True) + total.sum(axis=0, keepdims=True) - total
    score = total / np.maximum(union, 1)
    classes, clusters = linear_sum_assignment(score, maximize=True)
    assignment = np.full(total.shape[1], -1)
    assignment[clusters] = np.where(score[classes, clusters] > 0, classes, -1)
    return assignment


def majority_clusters(total: np.ndarray) -> np.ndarray:
    """Many-to-one: each cluster takes the class it shares most pixels with: (K,) class, or -1 if none.

    A metric of its own, which grows with the number of clusters: not to be compared with one-to-one.
    """
    total = _check_confusion(total)[0]
    return np.where(total.sum(axis=0) > 0, total.argmax(axis=0), -1)


def class_counts(confusions: np.ndarray, assignment: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels per class under an assignment (K,) of matrices (..., C, K): hits, union and true, each (..., C).

    All three add up over images, which is what makes resampling images cheap.
    """
    confusions, assignment = _check_confusion(confusions, assignment)
    onto = assignment[:, None] == np.arange(confusions.shape[-2])  # (K, C) bool; a row of -1 is all False
    merged = confusions @ onto.astype(confusions.dtype)  # (..., C, C)
    hits, true = np.diagonal(merged, axis1=-2, axis2=-1), confusions.sum(axis=-1)
    return hits, true + merged.sum(axis=-2) - hits, true


def class_iou(total: np.ndarray, assignment: np.ndarray) -> np.ndarray:
    """IoU of each class under an assignment (K,): (C,) float, nan for a class that the truth never shows."""
    return iou_of_counts(*class_counts(total, assignment))


def iou_of_counts(hits: np.ndarray, union: np.ndarray, true: np.ndarray) -> np.ndarray:
    """`class_iou` from the counts (..., C) of `class_counts`."""
    return np.where(true > 0, hits / np.maximum(union, 1), np.nan)


def miou(total: np.ndarray, assignment: np.ndarray | None = None) -> float:
    """Mean of `class_iou` over the classes in the truth; `assignment` defaults to `match_clusters`."""
    assignment = match_clusters(total) if assignment is None else assignment
    values = class_iou(total, assignment)
    if np.isnan(values).all():
        raise SimsamError("no pixel of the ground truth has a class: mIoU is undefined on void only.")
    return float(np.nanmean(values))


def matched_accuracy(total: np.ndarray, assignment: np.ndarray | None = None) -> float:
    """Share of the pixels (void left out) whose cluster is assigned to their class, in [0, 1]."""
    assignment = match_clusters(total) if assignment is None else assignment
    hits, _, true = class_counts(total, assignment)
    if not true.sum():
        raise SimsamError("no pixel of the ground truth has a class: accuracy is undefined on void only.")
    return float(hits.sum() / true.sum())


# --- checks -----------------------------------------------------------------------------------------------


def _check_masks(mask: np.ndarray, truth: np.ndarray) -> None:
    check_mask("mask", mask)
    check_mask("truth", truth)
    if mask.shape != truth.shape:
        raise SimsamError(f"the mask is {mask.shape} and the truth {truth.shape}: resize the mask.")


def _check_boxes(boxes: np.ndarray) -> np.ndarray:
    boxes = np.asarray(boxes, dtype=float)
    if boxes.shape[-1:] != (4,) or not np.all(boxes[..., :2] <= boxes[..., 2:]):
        raise SimsamError(
            f"boxes of shape {boxes.shape}: expected (..., 4) as top <= bottom, left <= right in the order "
            "(top, left, bottom, right)."
        )
    return boxes


def _check_confusion(
    confusions: np.ndarray, assignment: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    confusions = np.asarray(confusions)
    if (
        confusions.ndim < 2
        or 0 in confusions.shape
        or confusions.dtype.kind not in "iu"
        or confusions.min() < 0
    ):
        raise SimsamError(
            f"the confusion matrix is {confusions.dtype} of shape {confusions.shape}: expected counts "
            "(..., classes, clusters)."
        )
    if assignment is not None:
        assignment = np.asarray(assignment)
        classes, clusters = confusions.shape[-2:]
        if assignment.shape != (clusters,) or assignment.min() < -1 or assignment.max() >= classes:
            raise SimsamError(
                f"the assignment {assignment.tolist()}: expected {clusters} classes from 0 to {classes - 1}, "
                "or -1 for none."
            )
    return confusions, assignment
