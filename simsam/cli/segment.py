"""`simsam segment PHOTO... -o DIR`: masks and other pictures as PNG, and a record of all that was made."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from simsam.cli.options import add_recipe, check_apart, recipe_of
from simsam.cli.photos import Found, find_photos, report
from simsam.data import check_target, local_path, make_folder, overlay_labels, write_png
from simsam.errors import SimsamError, check_least
from simsam.pipeline import PICTURES, Recipe, Result, check_pictures
from simsam.scale import Record, gather, making, output_names, process_group, rank, run_folder, share
from simsam.semantics import MOST_REGIONS, eigen_regions
from simsam.weights import load_backbone

OTHER_IMAGES = (".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".gif", ".bmp", ".avif")
Jobs = list[tuple[Path, str]]  # a photo, and the name of what is made of it


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "photos", nargs="+", metavar="PHOTO", help="photos, or folders of photos; - for stdin"
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="DIR",
        help="folder for what is made and its record, simsam.jsonl; or NAME.png for one picture of one photo",
    )
    parser.add_argument("--task", default="object", choices=["object", "regions"])
    parser.add_argument(
        "--regions", type=int, metavar="N", help="of --task regions (default: as many as the eigengap says)"
    )
    parser.add_argument(
        "--save", metavar="KINDS", help=f"what to write, with commas: {', '.join(PICTURES)} (default: mask)"
    )
    parser.add_argument("--overlay", action="store_true", help="also draw the outcome on the photo")
    parser.add_argument(
        "--recursive", action="store_true", help="also photos of the folders below, masks in like folders"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="leave out photos of which the same recipe and weights made files that are there and whole",
    )
    parser.add_argument("--batch", type=int, default=1, metavar="B", help="photos of one shape run together")
    parser.add_argument("--workers", type=int, metavar="N", help="processes that read ahead, 0 for none")
    parser.add_argument("--quiet", action="store_true", help="no progress bar, no list of what was written")
    add_recipe(parser)


def run(args: argparse.Namespace) -> int:
    recipe = recipe_of(args)
    check_least("--batch", args.batch)
    check_least("--workers", args.workers, 0)
    kinds = _kinds(args)
    folder, file = _target(args.output)
    found = find_photos(args.photos, args.recursive, [folder])
    jobs: Jobs = list(zip(found.paths, output_names(found.paths, found.places)))
    if file is None:
        check_apart(folder, args.photos)
    else:
        _check_one_file(args, file, found)

    def outputs(name: str) -> list[Path]:
        """A file for each kind of picture."""
        if file is not None:
            return [file, *(file.with_name(f"{file.stem}_{kind}.png") for kind in kinds[1:])]
        return [folder / f"{name}_{kind}.png" for kind in kinds]

    def write(path: Path, name: str, result: Result) -> list[Path]:
        drawn = result.pictures(kinds) if args.task == "object" else _regions(result, args)
        targets = outputs(name)
        for target, picture in zip(targets, drawn):
            write_png(target, picture)
        if args.task == "object" and not result.found:
            found.doubtful.append(path)
        return targets

    with process_group():
        jobs = _work(args, recipe, jobs, None if file else folder, outputs, write, found)
        if rank():
            return 0
    done = sum(path not in found.failed for path, _ in jobs)
    return report(found, f"{done} of {len(jobs)} done, in {file or folder}", args.quiet)


def _work(
    args: argparse.Namespace,
    recipe: Recipe,
    jobs: Jobs,
    folder: Path | None,
    outputs: Callable[[str], list[Path]],
    write: Callable[[Path, str, Result], list[Path]],
    found: Found,
) -> Jobs:
    """This process's share of the jobs; what went wrong in any goes into `found`. Gives the jobs that were to
    be done. `folder`: with a record of it."""
    if not jobs:
        return jobs
    backbone = load_backbone(recipe.backbone, args.weights, args.device)
    task = args.task if args.regions is None else f"{args.task}={args.regions}"
    made, record = making(task, recipe, backbone), None
    if folder is not None:
        record = Record(make_folder(folder))  # before all the work: it may be none that can be written
        if args.resume:
            todo = [job for job in jobs if rank() or not record.holds(job[1], job[0], outputs(job[1]), made)]
            jobs = gather(todo)[0]  # the first process decides for all: who looks later finds it at work
        check_apart(folder, args.photos, (path for _, name in jobs for path in outputs(name)))
        for place in sorted({path.parent for _, name in jobs for path in outputs(name)}):
            make_folder(place)
    failed: dict[Path, str] = {}
    if mine := share(jobs):
        options = {"batch_size": args.batch, "workers": args.workers, "record": record, "made": made}
        options["progress"] = not args.quiet and rank() == 0
        failed = run_folder(*map(list, zip(*mine)), recipe, backbone, write, **options)
    found.failed |= {path: why for part in gather(failed) for path, why in part.items()}
    found.doubtful[:] = sorted(path for part in gather(found.doubtful) for path in part)
    if record is not None and rank() == 0 and jobs:
        record.tidy()
    return jobs


def kept(args: argparse.Namespace) -> str:
    """What a run that is interrupted leaves."""
    again = "the same command" if args.resume else "the same command with --resume"
    return f"what is finished is kept, {again} goes on"


def _target(output: str) -> tuple[Path, Path | None]:
    """The folder for what is made, and the one file that is asked for in place of a folder, or None."""
    path = local_path(output)
    if path.suffix.lower() not in (".png", *OTHER_IMAGES) or path.is_dir():
        return path, None
    if path.suffix.lower() != ".png":
        raise SimsamError(f"{path}: masks are written as PNG; give NAME.png, or a folder.")
    return path.parent, path


def _check_one_file(args: argparse.Namespace, file: Path, found: Found) -> None:
    """Raise `SimsamError` unless one file can hold all that is asked for."""
    count = len(found.paths) + len(found.failed)
    if count != 1:
        raise SimsamError(f"{file} is one file for {count} photos: give one photo, or a folder.")
    if args.resume:
        raise SimsamError(f"--resume goes by the record of a folder, and {file} is a file: leave one out.")
    if found.paths and os.path.realpath(found.paths[0]) == os.path.realpath(file):
        raise SimsamError(f"{file} is a file, the photo itself: give another name for its mask.")
    check_target(file)


def _kinds(args: argparse.Namespace) -> list[str]:
    """The kinds of pictures that are asked for, each checked."""
    _check_regions(args)
    if args.task == "regions":
        if args.save:
            raise SimsamError(f"--save {args.save} is of --task object: leave one of the two out.")
        return ["regions", *["overlay"] * args.overlay]
    kinds = [kind.strip() for kind in (args.save or "mask").split(",")]
    kinds += ["overlay"] * (args.overlay and "overlay" not in kinds)
    check_pictures(kinds)
    return kinds


def _regions(result: Result, args: argparse.Namespace) -> Iterator[np.ndarray]:
    """The label map, and the photo in its colours if that is asked for."""
    labels = eigen_regions(result, args.regions)
    yield labels
    if args.overlay:
        yield overlay_labels(result.image, labels)


def _check_regions(args: argparse.Namespace) -> None:
    if args.regions is None:
        return
    if args.task != "regions":
        raise SimsamError(f"--regions {args.regions} is of --task regions: add that, or leave it out.")
    if not 1 <= args.regions <= MOST_REGIONS:
        raise SimsamError(f"--regions {args.regions}: give 1 to {MOST_REGIONS}.")
