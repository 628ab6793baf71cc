"""Which recipe fits a folder, from the photos alone: before any work, and without a backbone.

Photos from one camera on its way, a street's, are all sky above and road below: most of what differs within
them is the same from above to below in all. Photos with a subject differ from each other there, and where all
have it in the middle of one ground, as a shop's do, above is like below.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from simsam.data import as_samples
from simsam.errors import SimsamError, collect

SIDE = 8  # of the thumbnails
MOST = 40  # photos looked at
LEAST = 10  # with fewer a chance likeness would count
# Halfway between CamVid's drive 0006R0 on the one side, cutouts and photos of VOC on the other. Another drive
# and ECSSD, on which it was not chosen, lie clearly on their sides (tests/semantics/test_fitting.py).
LIKENESS = 0.3


def fitting_recipe(images: Sequence[object]) -> str | None:
    """ "scenes" for photos that are all laid out alike from above to below, else "objects"; None for fewer
    than ten that can be read. `images` as for `segment_collection`; at most 40 of them are looked at.

    That photos differ does not make them photos of subjects: "objects" is the sounder guess, no more.
    """
    samples = as_samples(images)
    looked = np.unique(np.linspace(0, len(samples) - 1, min(MOST, len(samples))).round().astype(int))
    thumbnails = []
    for i in looked if len(samples) >= LEAST else ():
        with collect():  # whoever segments the photos says what was guessed of them
            try:
                thumbnails.append(thumbnail(samples[i].load_image()))
            except SimsamError:
                continue
    if len(thumbnails) < LEAST:
        return None
    return "scenes" if slope_share(np.stack(thumbnails)) > LIKENESS else "objects"


def thumbnail(image: np.ndarray) -> np.ndarray:
    """An image (H, W, 3) uint8 as SIDE x SIDE means of its colours, (SIDE, SIDE, 3) float64 in [0, 1]."""
    small = Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(small) / 255


def slope_share(thumbnails: np.ndarray) -> float:
    """The share of the variance within thumbnails (N, h, w, 3) that is one difference of above and below in
    all of them: at most 1, about 0 if they have none in common.

    Of each thumbnail x, less its mean, the part that changes sign when above and below change places,
    a = (x - flip(x)) / 2. Its mean over photos, squared: estimated without bias by products of two different
    photos' parts alone.
    """
    N = len(thumbnails)
    x = thumbnails - thumbnails.mean((1, 2), keepdims=True)
    a = ((x - x[:, ::-1]) / 2).reshape(N, -1)
    common = (np.square(a.sum(0)).sum() - np.square(a).sum()) / (N * (N - 1))
    total = np.square(x).sum() / N
    return float(common / total) if total > 0 else 0.0
