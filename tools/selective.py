"""How `confidence.py` chooses a confidence, and the lines of its report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest
from sklearn.linear_model import LogisticRegression

from simsam.measuring import auroc, auroc_of, kept_mean_of, redrawn
from simsam.objects import COEFFICIENTS

FAILED = 0.5  # a mask of a lower IoU has failed
REFUSED = 0.05  # of the photos it is chosen on that are refused
COVERAGES = tuple(i / 10 for i in range(1, 11))
LEAST = 10  # a kind of fewer pictures gets no line


@dataclass(frozen=True)
class Model:
    """A logistic function of the evidence, and the threshold of "found"."""

    coefficients: Mapping[str, tuple[float, float, float]]
    intercept: float
    threshold: float

    def __call__(self, rows: list[dict]) -> np.ndarray:
        """The confidences (n,); 0 where there is no evidence."""
        odds = np.full(len(rows), self.intercept)
        for name, (mean, deviation, weight) in self.coefficients.items():
            odds += (
                weight
                * (np.array([(row["evidence"] or {}).get(name, np.nan) for row in rows]) - mean)
                / deviation
            )
        return np.nan_to_num(1 / (1 + np.exp(-odds)), nan=0.0)


def fitted(rows: list[dict], names: tuple[str, ...] = tuple(COEFFICIENTS)) -> Model:
    """Logistic regression of "there is an object, and the mask found it", rounded as it is written down.

    All pictures without an object weigh as much as all failures together; the penalty is scikit-learn's."""
    rows = [row for row in rows if row["evidence"] is not None]
    X = np.array([[row["evidence"][name] for name in names] for row in rows])
    real = np.array([row["kind"] == "ecssd" for row in rows])
    good = np.array([row["iou"] is not None and row["iou"] >= FAILED for row in rows])
    weight = np.where(real, 1.0, (real & ~good).sum() / max((~real).sum(), 1))
    mean, deviation = X.mean(0).round(4), X.std(0).round(4)
    model = LogisticRegression().fit((X - mean) / deviation, good, sample_weight=weight)
    parts = zip(mean.tolist(), deviation.tolist(), model.coef_[0].round(3).tolist(), strict=True)
    chosen = Model(dict(zip(names, parts, strict=True)), round(float(model.intercept_[0]), 3), 0.0)
    threshold = np.quantile(chosen([row for row, photo in zip(rows, real) if photo]), REFUSED)
    return Model(chosen.coefficients, chosen.intercept, round(float(threshold), 4))


def printed(model: Model) -> str:
    lines = [f'    "{name}": ({m}, {d}, {w}),' for name, (m, d, w) in model.coefficients.items()]
    return "\n".join(
        ["COEFFICIENTS = {", *lines, "}", f"INTERCEPT = {model.intercept}", f"FOUND = {model.threshold}"]
    )


def rivals(before: list[dict], after: list[dict], model: Model) -> dict[str, np.ndarray]:
    """What could rank the photos `after`: the confidence, and single numbers, turned as `before` says."""
    found = {"confidence": model(after)}
    failed = np.array([row["iou"] < FAILED for row in before], bool)
    for name in ("area", "vote", *model.coefficients) if before else ():
        values = [
            [row.get(name, (row["evidence"] or {}).get(name, 0)) for row in rows] for rows in (before, after)
        ]
        turn = 1 if auroc(np.array(values[0]), failed) >= 0.5 else -1
        found[f"{name} alone"] = turn * np.array(values[1])
    return found


def ranked(before: list[dict], after: list[dict], model: Model, anew: Model | None) -> list[dict]:
    """AUROC for the event that a mask fails, each beside that of the confidence, on the photos."""
    before, after = ([row for row in rows if row["kind"] == "ecssd"] for rows in (before, after))
    failed = np.array([row["iou"] < FAILED for row in after])
    found = rivals(before, after, model) | ({"confidence, chosen anew": anew(after)} if anew else {})
    drawn = {name: redrawn(auroc_of(values, failed), len(after)) for name, values in found.items()}
    return [
        line(
            "AUROC, IoU below 1/2", name, after[0]["recipe"], len(after), auroc(values, failed), drawn[name],
            against=("confidence", auroc(found["confidence"], failed), drawn["confidence"]),
        )
        for name, values in found.items()
    ]  # fmt: skip


def curves(before: list[dict], after: list[dict], model: Model) -> list[dict]:
    """Mean IoU of the surest photos, for several shares of them."""
    before, after = ([row for row in rows if row["kind"] == "ecssd"] for rows in (before, after))
    values, one = np.array([row["iou"] for row in after]), np.ones((1, len(after)))
    found = {
        k: v
        for k, v in rivals(before, after, model).items()
        if k.split()[0] in ("confidence", "area", "vote")
    }
    lines = []
    for name, order in (found | {"the truth": values}).items():
        for coverage in COVERAGES:
            statistics = [kept_mean_of(o, values, coverage) for o in (order, found["confidence"])]
            (mean, base), drawn = (
                (s(one)[0] for s in statistics),
                [redrawn(s, len(after)) for s in statistics],
            )
            against = ("confidence", base, drawn[1])
            about = (name, after[0]["recipe"], len(after), mean, drawn[0])
            lines.append(
                line("mean IoU kept", *about, against=against) | {"coverage": f"{100 * coverage:.0f}"}
            )
    return lines


def refusals(rows: list[dict], model: Model, split: str, family: str) -> list[dict]:
    """The share of each kind of picture that is refused, with Wilson's interval."""
    lines = []
    for kind in dict.fromkeys(row["kind"] for row in rows):
        some = [row for row in rows if row["kind"] == kind]
        if len(some) < LEAST:
            continue
        count = int((model(some) < model.threshold).sum())
        interval = binomtest(count, len(some)).proportion_ci(method="wilson")
        name = "photos of ECSSD" if kind == "ecssd" else kind
        share = count / len(some)
        found = {"value": share, "low": min(interval.low, share), "high": max(interval.high, share)}
        about = {
            "split": split,
            "family": family,
            "setting": name,
            "recipe": some[0]["recipe"],
            "n": len(some),
        }
        lines.append(about | {key: f"{100 * value:.2f}" for key, value in found.items()})
    return lines


def line(
    family: str, setting: str, recipe: str, n: int, value: float, drawn: np.ndarray, against: tuple
) -> dict:
    """One line, in percent, with 95 % intervals; its difference to a baseline is paired, draw by draw."""
    name, base, base_drawn = against
    (low, high), (d_low, d_high) = (np.nanquantile(d, (0.025, 0.975)) for d in (drawn, drawn - base_drawn))
    found = {"value": value, "low": low, "high": high, "difference": value - base}
    found |= {"difference_low": d_low, "difference_high": d_high}
    about = {
        "split": "3 mod 4",
        "family": family,
        "setting": setting,
        "recipe": recipe,
        "n": n,
        "baseline": name,
    }
    return about | {key: f"{100 * v:.2f}" for key, v in found.items()}
