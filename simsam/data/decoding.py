"""Image files through Pillow: whatever a decoder raises becomes that file's sentence, and only here."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import io
import os
import stat
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PIL import Image, UnidentifiedImageError

from simsam.errors import SimsamError

T = TypeVar("T")
HEIC = (".heic", ".heif", ".hif")
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def decode(source: Path | bytes, name: str, read: Callable[[Image.Image], T]) -> T:
    """What `read` makes of the image in a file, or in its bytes; `name` is what a sentence calls it.

    Pillow's decoders raise what they like on damaged data, so all that is raised, `read` included, becomes a
    `SimsamError` that names the file and says what to do. A `SimsamError` passes as it is.
    """
    try:
        try:
            return _read(source, read)
        except (ValueError, UnidentifiedImageError) as error:
            rescued = None if isinstance(error, SimsamError) else _rescue(source)
            if rescued is None:
                raise
            return _read(rescued, read)
    except SimsamError:
        raise
    except Exception as error:
        raise SimsamError(_sentence(source, name, error)) from error


@functools.cache
def reads_heic() -> bool:
    """Whether Pillow reads HEIC here, which it does with pi-heif (the extra "heic") or pillow-heif."""
    for module in ("pi_heif", "pillow_heif"):
        try:
            __import__(module, fromlist=["register_heif_opener"]).register_heif_opener()
            return True
        except Exception:  # absent, or made for another Pillow
            continue
    return False


def local_path(source: str | Path) -> Path:
    """The path of a file here, `~` expanded. Raises `SimsamError` for no name, and for an address."""
    text = os.fspath(source)
    if not text:
        raise SimsamError("an empty name was given, but the path of a file or a folder was expected.")
    scheme, sep, _ = text.partition("://") if isinstance(source, str) else ("", "", "")
    if sep and scheme.isalnum():
        raise SimsamError(
            f"{text} is an address, but a place on this machine was expected; download it first."
        )
    path = Path(source)
    if text.startswith("~") and not os.path.lexists(path):
        try:
            return path.expanduser()
        except RuntimeError:  # a user that there is not
            return path
    return path


@functools.cache
def _silence_libtiff() -> None:
    """libtiff prints what it finds wrong, and names no file; Pillow raises all the same. Where it is built
    into Pillow (on Windows), it is out of reach."""
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(Image.core.__file__)  # looks names up in what Pillow is linked with, too
        for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
            library[name].argtypes, library[name].restype = (ctypes.c_void_p,), ctypes.c_void_p
            library[name](None)


def _read(source: Path | bytes, read: Callable[[Image.Image], T]) -> T:
    _silence_libtiff()
    if isinstance(source, bytes):
        source = io.BytesIO(source)
    else:
        _check_regular(source)
    with Image.open(source) as image:
        return read(image)


def _check_regular(path: Path) -> None:
    """Raise unless it is a file with something in it: a pipe would wait for its writer, and some devices
    never end."""
    about = path.stat()
    if stat.S_ISDIR(about.st_mode):
        raise IsADirectoryError
    if not stat.S_ISREG(about.st_mode):
        raise SimsamError(f"{path} is a pipe, a socket or a device, but an image file was expected.")
    if about.st_size == 0:
        raise EOFError


def _rescue(source: Path | bytes) -> bytes | None:
    """The bytes of a file that Pillow refuses for a reason other than its pixels, ready to be tried again."""
    head = _head(source)
    if head.startswith(b"\x89PNG"):
        return _without_text(source if isinstance(source, bytes) else source.read_bytes())
    if _is_heic(head) and reads_heic():
        return source if isinstance(source, bytes) else source.read_bytes()
    return None


def _without_text(data: bytes) -> bytes | None:
    """A PNG without its notes and profiles, whose size Pillow limits: they are not the picture. None where
    there is none, so that a second try would end as the first."""
    kept, at = [data[:8]], 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        end = at + 12 + length
        if data[at + 4 : at + 8] not in (b"tEXt", b"zTXt", b"iTXt", b"iCCP"):
            kept.append(data[at:end])
        at = end
    rest = b"".join(kept)
    return rest if len(rest) < len(data) else None


def _head(source: Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source[:16]
    with source.open("rb") as file:
        return file.read(16)


def _is_heic(head: bytes) -> bool:
    return head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS


def _sentence(source: Path | bytes, name: str, error: Exception) -> str:
    why = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    if isinstance(error, FileNotFoundError):
        return f"{name} does not exist; give the path of an image file."
    if isinstance(source, Path) and "\0" in str(source):
        return f"{name} holds a NUL, which no name of a file can; give the path of an image file."
    if isinstance(error, IsADirectoryError):
        return f"{name} is a directory, but one image file was expected; name a file in it."
    if isinstance(error, OSError) and error.errno is not None:
        return f"cannot read {name}: {error.strerror or why}."
    if _is_empty(source):
        return f"{name} is an empty file; an image was expected."
    if isinstance(error, Image.DecompressionBombError):
        return f"{name} has too many pixels ({why}); make it smaller first."
    if isinstance(error, MemoryError):
        return f"{name} needs more memory than there is; make it smaller first."
    if "Ghostscript" in why:
        return f"{name} is a drawing, which Pillow reads with Ghostscript only; convert it to PNG or JPEG."
    if isinstance(error, UnidentifiedImageError):
        if _is_heic(_head(source)) and reads_heic():
            return f"{name} is damaged or truncated HEIC; save or download it again."
        if _is_heic(_head(source)):
            advice = "install the extra, pip install 'simsam[heic]', or convert it to JPEG"
            return f"{name} is HEIC, which Pillow reads with pi-heif only; {advice}."
        return f"{name} is not an image that Pillow reads; convert it to PNG or JPEG."
    return f"{name} is damaged or truncated ({why}); save or download it again."


def _is_empty(source: Path | bytes) -> bool:
    return not source if isinstance(source, bytes) else source.is_file() and source.stat().st_size == 0


def is_folder(path: Path) -> bool:
    """Whether a path is a folder; a path that cannot exist is none."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False
