"""A figure together with its alt text, as one output of a cell.

A figure is a matplotlib figure, a PIL image or an array (H, W) or (H, W, 3) uint8. Whoever draws returns the
pair (figure, alt), because only the code that draws knows what the picture shows.
"""

from __future__ import annotations

import base64
import html
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from simsam.drawing.claims import seen
from simsam.errors import SimsamError


@dataclass(frozen=True, repr=False)
class Picture:
    """One encoded image with its alt text; as the last value of a cell it shows itself."""

    data: bytes
    mime: str
    alt: str

    def __repr__(self) -> str:
        return self.alt

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple[dict, dict]:
        encoded = base64.b64encode(self.data).decode()
        return {self.mime: encoded, "text/plain": self.alt}, {self.mime: {"alt": self.alt}}


def show(figure: Any, alt: str) -> Picture:
    """A figure and its alt text (four words or more) as one output: PNG, or JPEG where far smaller."""
    image = as_image(figure)
    png, jpeg = _encode(image, "PNG", optimize=True), _encode(image, "JPEG", quality=90, optimize=True)
    small = len(jpeg) < len(png) / 2
    return Picture(jpeg if small else png, "image/jpeg" if small else "image/png", checked_alt(alt))


def img_tag(figure: Any, alt: str, attributes: str = "") -> str:
    """A figure and its alt text as one `<img>` that holds its own pixels (WebP) and never overflows."""
    image = as_image(figure)
    encoded = base64.b64encode(_encode(image, "WEBP", quality=82, method=4)).decode()
    return (
        f'<img src="data:image/webp;base64,{encoded}" alt="{html.escape(checked_alt(alt))}" '
        f'width="{image.width}" height="{image.height}" style="max-width:100%;height:auto" {attributes}>'
    )


def as_image(figure: Any) -> Image.Image:
    """Any figure as an RGB image; a matplotlib figure is closed, so that its cell does not show it twice."""
    if hasattr(figure, "savefig"):
        import matplotlib.pyplot as plt

        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        plt.close(figure)
        return Image.open(buffer).convert("RGB")
    if isinstance(figure, np.ndarray):
        if figure.dtype != np.uint8 or figure.ndim not in (2, 3):
            found = f"{figure.shape} {figure.dtype}"
            raise SimsamError(f"a picture is (H, W) or (H, W, 3) uint8, not {found}; convert it first.")
        return Image.fromarray(figure).convert("RGB")
    if isinstance(figure, Image.Image):
        return figure.convert("RGB")
    raise SimsamError(
        f"cannot show a {type(figure).__name__}; give a matplotlib figure, a PIL image or a uint8 array."
    )


def checked_alt(alt: str) -> str:
    """`alt`, if it says anything: four words or more, else `SimsamError`. See `seen`."""
    if len(alt.split()) < 4:
        raise SimsamError(f"alt text {alt!r} says too little; tell in four words or more what is to be seen.")
    return seen(alt)


def _encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
