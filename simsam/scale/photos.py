"""A folder of photos in one call of Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from simsam.data import list_images, local_path, make_folder, output_folder, placed_folders, write_png
from simsam.errors import SimsamError, check_least
from simsam.pipeline import Recipe, Result, check_pictures, get_recipe
from simsam.scale.folder import stream
from simsam.scale.naming import output_names
from simsam.scale.record import Record, making
from simsam.weights import Backbone, load_backbone

Progress = Callable[[int, int], None]


def segment_folder(
    folder: str | Path,
    output: str | Path | None = None,
    recipe: str | Recipe = "simsam",
    backbone: str | Backbone | None = None,
    device: str = "auto",
    *,
    save: Sequence[str] = ("mask",),
    recursive: bool = False,
    resume: bool = False,
    batch: int = 1,
    workers: int | None = None,
    progress: Progress | None = None,
    **changes: object,
) -> Iterator[tuple[Path, Result | SimsamError]]:
    """Segment the photos of a folder; gives, as they are done, each path with its result, or with the
    `SimsamError` that says why there is none. The settings are checked at once; the first photo is segmented
    when the first result is asked for.

    output: a folder for the pictures `save` of each photo (see `Result.save`) and the record `simsam.jsonl`;
    None: nothing is written. `recursive`: photos of the folders below too. `resume`: without those of which
    the same content, recipe and weights made files that are still whole. `batch`: photos of one grid that are
    computed together. `workers`: processes that read ahead (0: none). `progress(done, total)` is called after
    each photo. `recipe`, `backbone`, `device`, `changes`: as for `segment`.
    Raises `SimsamError` for a folder without photos or one that cannot be written, and for wrong settings.
    """
    recipe = get_recipe(recipe, **changes)
    check_pictures(save)
    check_least("batch", batch)
    check_least("workers", workers, 0)
    if resume and output is None:
        raise SimsamError("resume goes by the record of an output folder, but there is none: give output.")
    folder, target = local_path(folder), None if output is None else output_folder(output)
    if target is not None and target.resolve() == folder.resolve():
        raise SimsamError(
            f"{folder} holds the photos themselves: give another output, such as {folder / 'masks'}."
        )
    if not folder.is_dir():
        raise SimsamError(f"{folder} is no folder; give a folder of photos, or one photo to simsam.segment.")
    paths, places = _photos(folder, recursive, target)
    if not isinstance(backbone, Backbone):
        backbone = load_backbone(backbone or recipe.backbone, device=device)
    recipe = replace(recipe, backbone=backbone.name)
    names = output_names(paths, places)
    made, record = making("object", recipe, backbone), None
    if target is not None:
        record = Record(make_folder(target))
        for place in sorted({*places} - {""}):  # what a killed run left there is cleared
            make_folder(target / place)
        if resume:
            wanted = [[target / f"{name}_{kind}.png" for kind in save] for name in names]
            left = [not record.holds(n, p, w, made) for n, p, w in zip(names, paths, wanted)]
            paths, names = ([x for x, take in zip(of, left) if take] for of in (paths, names))

    def write(path: Path, name: str, result: Result) -> list[Path]:
        if target is None:
            return []
        files = [target / f"{name}_{kind}.png" for kind in save]
        for file, picture in zip(files, result.pictures(save)):
            write_png(file, picture)
        return files

    options = {"batch_size": batch, "workers": workers, "record": record, "made": made}

    def run() -> Iterator[tuple[Path, Result | SimsamError]]:
        for done, (index, outcome) in enumerate(stream(paths, names, recipe, backbone, write, **options), 1):
            if progress is not None:
                progress(done, len(paths))
            yield paths[index], outcome
        if record is not None:
            record.tidy()

    return run()


def _photos(folder: Path, recursive: bool, output: Path | None) -> tuple[list[Path], list[str]]:
    """The photos, and the place of each below the folder ("" where it lies in it)."""
    homes = placed_folders(folder, [] if output is None else [output]) if recursive else [(folder, "")]
    found = [(path, place) for home, place in homes for path in list_images(home)]
    return [path for path, _ in found], [place for _, place in found]
