"""Find the folders of a data set, and the mask that belongs to each image."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from simsam.data.listing import list_images
from simsam.errors import SimsamError

Pair = tuple[str, Path, Path]  # id, image, mask


def find_folders(
    root: Path, homes: Iterable[str], layouts: Iterable[tuple[str, str]]
) -> tuple[Path, Path] | None:
    """The first (images folder, masks folder) that is there, in `root` or in one of its `homes`; or None."""
    layouts = list(layouts)
    for home in ("", *homes):
        for images, masks in layouts:
            if (root / home / images).is_dir() and (root / home / masks).is_dir():
                return root / home / images, root / home / masks
    return None


def pair_folders(images: Path, masks: Path, maskless: Iterable[str] = ()) -> list[Pair]:
    """Image NAME.* of one folder with mask NAME.* of the other; images named in `maskless` need no mask."""
    truths = _by_name(list_images(masks))
    names = {k: v for k, v in _by_name(list_images(images)).items() if k in truths or k not in set(maskless)}
    return _pair(names, truths, images, masks)


def pair_beside(folder: Path, mask_suffix: str = "_mask") -> list[Pair]:
    """Image NAME.* with mask NAME_mask.* of one folder, or, if there is none such, NAME.jpg with NAME.png."""
    files = list_images(folder)
    masks = [path for path in files if path.stem.endswith(mask_suffix)]
    if not masks:
        mask_suffix = ""
        masks = [path for path in files if path.suffix.lower() == ".png"]
    images = _by_name([path for path in files if path not in set(masks)])
    truths = {name.removesuffix(mask_suffix): path for name, path in _by_name(masks).items()}
    return _pair(images, truths, folder, folder)


def check_files(pairs: list[Pair], listing: Path) -> list[Pair]:
    """`pairs`, if all of their files are there; `listing` is the file that names them."""
    missing = [path for _, *paths in pairs for path in paths if not path.is_file()]
    if missing:
        raise SimsamError(
            f"{missing[0]} is missing, one of {len(missing)} that {listing} lists: fetch the set again."
        )
    if not pairs:
        raise SimsamError(f"{listing} lists no image: fetch the set again, or choose another split.")
    return pairs


def _by_name(paths: list[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in paths:
        other = found.setdefault(path.stem, path)
        if other != path:
            raise SimsamError(f"{path.parent} holds both {other.name} and {path.name}: give one a name.")
    return found


def _pair(images: dict[str, Path], masks: dict[str, Path], images_at: Path, masks_at: Path) -> list[Pair]:
    """Pairs of one name; raises `SimsamError` for an image without a mask and the reverse."""
    for what, ours, other, theirs, place in (
        ("image", images, "mask", masks, masks_at),
        ("mask", masks, "image", images, images_at),
    ):
        alone = [path for name, path in ours.items() if name not in theirs]
        if alone:
            raise SimsamError(
                f"{len(alone)} of {len(ours)} {what}s have no {other} in {place}, first {alone[0].name}: "
                f"expected one {other} of the same name for every {what}."
            )
    return [(name, path, masks[name]) for name, path in images.items()]
