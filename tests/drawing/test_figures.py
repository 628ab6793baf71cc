"""What the alt text of a forest plot says of each interval."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest

from simsam.drawing import forest


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.5, 1.5, "above zero"),
        (-1.5, -0.5, "below zero"),
        (-1.0, 1.0, "on both sides of zero"),
        (0.0, 1.0, "touches zero"),
        (-1.0, 0.0, "touches zero"),
    ],
)
def test_an_interval_is_put_into_words(low: float, high: float, said: str) -> None:
    middle = (low + high) / 2
    row = {"setting": "kappa=0", "difference": middle, "difference_low": low, "difference_high": high}
    figure, alt = forest([row], "changes")
    plt.close(figure)
    assert alt == f"changes. Points with intervals: kappa=0 {middle:.1f} ({said})."
