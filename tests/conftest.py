"""What several test files share: the real backbone, a photo, the benchmarks if they are there, refusals."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import settings

from simsam.errors import SimsamError

if TYPE_CHECKING:
    from simsam.weights.backbones import Backbone

# A check before a release tries the same examples every time; a run by hand looks for new ones.
# A busy machine is no failure: no example has a deadline.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("free", deadline=None)
settings.load_profile("fixed" if os.environ.get("CI") else "free")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def backbone() -> Backbone:
    """The default backbone with its real weights, on the CPU."""
    from simsam.weights.backbones import load_backbone

    return load_backbone(device="cpu")


@pytest.fixture(scope="session")
def cat() -> np.ndarray:
    """The cat of scikit-image, (300, 451, 3) uint8: its face fills all but the right border."""
    from skimage import data

    return data.cat()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of benchmark samples beside the project; a test that needs it skips without."""
    if not SHARED_DATA.is_dir():
        pytest.skip("no ../shared/data: the benchmark samples are not part of the project")
    return SHARED_DATA


@pytest.fixture(scope="session")
def refused() -> Callable[..., contextlib.AbstractContextManager[None]]:
    """`with refused("photo.png", "empty"): ...` expects a SimsamError of one sentence with these parts."""

    @contextlib.contextmanager
    def check(*parts: str) -> Iterator[None]:
        with pytest.raises(SimsamError) as caught:
            yield
        message = str(caught.value)
        assert "\n" not in message, message
        assert message.endswith("."), message
        for part in parts:
            assert part in message, f"{part!r} is not in {message!r}"

    return check
