"""Files written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from simsam.errors import SimsamError


@contextlib.contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it takes the place of `path` only if the block succeeds.

    The folder is made if it is missing. Raises `SimsamError` when it cannot be made or written.
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        # mkstemp makes files private; the result gets the permissions that any new file would get.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except OSError as error:
        reason = error.strerror or error
        raise SimsamError(f"cannot write {path}: {reason}; choose a folder that can be written.") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_json(path: str | Path, value: object) -> None:
    """Write `value` as indented JSON (UTF-8, with a newline at the end)."""
    text = json.dumps(value, indent=2) + "\n"
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_png(path: str | Path, pixels: np.ndarray) -> None:
    """Write an array (H, W) or (H, W, 3), bool or uint8, as PNG; bool becomes 0 and 255."""
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8) * 255
    with atomic_write(path) as temporary:
        Image.fromarray(pixels).save(temporary, format="PNG", optimize=True)
