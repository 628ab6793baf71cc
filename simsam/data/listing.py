"""Which files of a folder are photos, and which are left out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from simsam.data.decoding import HEIC, is_folder, local_path, reads_heic
from simsam.errors import SimsamError

# The suffixes that `list_images` takes for images; a file named one by one may have any suffix.
RASTER = (".avif", ".bmp", ".gif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".png", ".tga", ".tif", ".tiff")
SUFFIXES = frozenset({*RASTER, ".webp", ".pbm", ".pgm", ".pnm", ".ppm"})
RECORD = "simsam.jsonl"  # stands in every folder of results, see `simsam.scale.Record`


def list_images(paths: str | Path | Iterable[str | Path]) -> list[Path]:
    """The image files that `paths` name, in their order, each once.

    A folder stands for the images directly in it, sorted by name, without hidden files and without its
    subfolders: so results written below a folder are not taken for photos the next time. A file stays as it
    is, whatever its suffix and whether it exists or not: `load_image` says what is wrong with it.
    Raises `SimsamError` when a folder holds no image, or when there is no path at all.
    """
    paths = [local_path(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    if not paths:
        raise SimsamError("no image was given; name at least one image file or a folder of images.")
    found: list[Path] = []
    for path in paths:
        found += _images_in(path) if is_folder(path) else [path]
    return list(dict.fromkeys(found))


def image_folders(root: Path, leave_out: Collection[Path] = ()) -> list[Path]:
    """`root` and the folders below it that hold an image, sorted by name.

    Hidden folders are passed over, and so are folders of results (those with a `RECORD`), those of
    `leave_out`, and what is below any of these. Raises `SimsamError` when no folder holds an image.
    """
    shut = {os.path.realpath(folder) for folder in leave_out}
    found = []
    for place, folders, files in os.walk(root):
        folder = Path(place)
        inner = [name for name in sorted(folders) if not name.startswith(".")]
        folders[:] = [
            name
            for name in inner
            if os.path.realpath(folder / name) not in shut and not (folder / name / RECORD).exists()
        ]
        if any(map(is_image_name, files)):
            found.append(folder)
    if not found:
        raise SimsamError(f"neither the folder {root} nor one below it holds an image; give another.")
    return found


def placed_folders(root: Path, leave_out: Collection[Path] = ()) -> list[tuple[Path, str]]:
    """`image_folders`, each with its place below `root`: "a/b", and "" for `root` itself."""
    folders = image_folders(root, leave_out)
    places = [folder.relative_to(root).as_posix() for folder in folders]
    return [(folder, "" if place == "." else place) for folder, place in zip(folders, places)]


def skipped(folder: Path) -> Counter[str]:
    """What a folder holds beside images: how many files of each suffix, and as "folder" how many subfolders
    with images in them. Results are not counted."""
    others = [path for path in _shown(folder) if not is_image_name(path.name) and path.name != RECORD]
    inner = sum(is_folder(path) and _has_images(path) for path in others)
    kinds = Counter(path.suffix.lower() or "no suffix" for path in others if not is_folder(path))
    return kinds + Counter(folder=inner)  # without a count of 0


def is_image_name(name: str) -> bool:
    """Whether a file of that name is taken for an image. HEIC is one where Pillow can read it."""
    suffix = Path(name).suffix.lower()
    return not name.startswith(".") and (suffix in SUFFIXES or (suffix in HEIC and reads_heic()))


def _has_images(folder: Path) -> bool:
    """Whether a folder holds photos: images that are no results."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 (names are enough)
    except OSError:
        return False
    return RECORD not in names and any(map(is_image_name, names))


def _images_in(folder: Path) -> list[Path]:
    images = [path for path in _shown(folder) if is_image_name(path.name) and not is_folder(path)]
    if not images:
        raise SimsamError(
            f"the folder {folder} holds no image ({', '.join(sorted(SUFFIXES))}); give another."
        )
    return images


def _shown(folder: Path) -> Iterator[Path]:
    """What lies in a folder and is not hidden, sorted by name."""
    try:
        return iter(sorted(path for path in folder.iterdir() if not path.name.startswith(".")))
    except OSError as error:
        raise SimsamError(f"cannot read the folder {folder}: {error.strerror}.") from error
