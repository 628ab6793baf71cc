"""Files written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from simsam.data.decoding import local_path
from simsam.data.listing import is_image_name
from simsam.errors import SimsamError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

TEMPORARY = ".simsam-"  # how the names of files begin that are not whole yet
LARGE = 2**23  # values of a photo for which zlib's best takes seconds
STALE = 24 * 3600  # seconds after which one is a stray, where no lock can tell


@contextlib.contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it takes the place of `path` only if the block succeeds.

    The folder is made if it is missing. Raises `SimsamError` when it cannot be made or written.
    """
    # The temporary name is short: that of the file may be as long as a name can be.
    path = Path(path)
    lock: int | None = None
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock, temporary = _make_temporary(path.parent)
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
        if lock is not None:
            os.close(lock)


def _make_temporary(folder: Path) -> tuple[int | None, Path]:
    """A new file, and the handle that holds a lock on it: while that is open, the file is no stray."""
    while True:
        handle, name = tempfile.mkstemp(dir=folder, prefix=TEMPORARY)
        if fcntl is None:  # an open file could not be moved there
            os.close(handle)
            return None, Path(name)
        with contextlib.suppress(OSError):  # a file system without locks: there its age tells
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:  # else `clear_strays` came between the two
            return handle, Path(name)
        os.close(handle)


def clear_strays(folder: Path) -> None:
    """Delete the unfinished files that killed runs left in a folder, but none of a run that is alive.

    Whoever writes one holds a lock on it, which ends with the process, whatever ends that.
    """
    for path in folder.glob(f"{TEMPORARY}*"):
        with contextlib.suppress(OSError):  # gone, or not ours to delete
            if fcntl is None:
                _delete_if_old(path)
                continue
            with path.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()  # under the lock: a writer that waits for it makes another file
                except BlockingIOError:
                    continue
                except OSError:
                    _delete_if_old(path)


def _delete_if_old(path: Path) -> None:
    """For where no lock can tell whether anybody writes the file: nobody writes one for a day."""
    if time.time() - path.stat().st_mtime > STALE:
        path.unlink()


def output_folder(path: str | Path) -> Path:
    """The folder for what a run makes of many photos, `~` expanded; it need not be there yet.

    Raises `SimsamError` for the name of a picture: nobody means a folder called "labels.png".
    """
    folder = local_path(path)
    if is_image_name(folder.name) and not os.path.lexists(folder):
        raise SimsamError(f"{folder} is the name of a picture, but a folder is needed: give its name.")
    return folder


def make_folder(folder: str | Path) -> Path:
    """Make a folder for the output of a run, if it is missing, and try to write there: before all the work.

    What killed runs left there unfinished is deleted.
    Raises `SimsamError` when it is a file, cannot be made, or cannot be written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, prefix=TEMPORARY):
            clear_strays(folder)
            return folder
    except FileExistsError:
        raise SimsamError(f"{folder} is a file: give a folder for the output.") from None
    except OSError as error:
        reason = error.strerror or error
        raise SimsamError(f"cannot write to {folder}: {reason}; choose another folder.") from error


def check_target(path: str | Path) -> Path:
    """The path of a file to write, `~` expanded; its folder is made. Raises `SimsamError` unless it can be
    written: before all the work."""
    path = local_path(path)
    make_folder(path.parent)
    if path.is_dir():
        raise SimsamError(f"{path} is a folder: give the name of a file to write.")
    return path


def write_json(path: str | Path, value: object) -> None:
    """Write `value` as indented JSON (UTF-8, with a newline at the end)."""
    text = json.dumps(value, indent=2) + "\n"
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_png(path: str | Path, pixels: np.ndarray) -> None:
    """Write an array as PNG: (H, W) bool (as 0 and 255), uint8 or uint16, or (H, W, 3 or 4) uint8.

    Masks and label maps are packed by the lengths of their runs, which takes a quarter of the time that a
    search for all repetitions does, for files no larger.
    """
    if pixels.dtype == bool:
        pixels = pixels.view(np.uint8) * np.uint8(255)
    runs = pixels.ndim == 2 and pixels.dtype == np.uint8
    packing = {"compress_type": zlib.Z_RLE} if runs else {"optimize": pixels.size < LARGE}
    with atomic_write(path) as temporary:
        Image.fromarray(pixels).save(temporary, format="PNG", **packing)
