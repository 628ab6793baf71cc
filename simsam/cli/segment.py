"""`simsam segment PHOTO... -o DIR`: masks as PNG, overlays on request."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from simsam.cli.options import add_recipe, check_apart, recipe_of
from simsam.data import list_images, make_folder, overlay_labels, overlay_mask, write_png
from simsam.errors import SimsamError, check_least
from simsam.pipeline import Result
from simsam.scale import gather, output_names, process_group, rank, run_folder, share
from simsam.semantics import MOST_REGIONS, eigen_regions
from simsam.weights import load_backbone


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photos", nargs="+", metavar="PHOTO", help="photos, or folders of photos")
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="folder for what is made")
    parser.add_argument("--task", default="object", choices=["object", "regions"])
    parser.add_argument(
        "--regions", type=int, metavar="N", help="of --task regions (default: as many as the eigengap says)"
    )
    parser.add_argument("--overlay", action="store_true", help="also draw the outcome on the photo")
    parser.add_argument("--resume", action="store_true", help="leave out photos whose result is there")
    parser.add_argument("--batch", type=int, default=1, metavar="B", help="photos of one shape run together")
    parser.add_argument("--workers", type=int, metavar="N", help="processes that read ahead, 0 for none")
    parser.add_argument("--quiet", action="store_true", help="no progress bar, no list of what was written")
    add_recipe(parser)


def run(args: argparse.Namespace) -> int:
    recipe = recipe_of(args)
    check_least("--batch", args.batch)
    check_least("--workers", args.workers, 0)
    _check_regions(args)
    folder = Path(args.output)
    paths, failed = find_photos(args.photos)
    endings = ["mask" if args.task == "object" else "regions", *["overlay"] * args.overlay]
    jobs = list(zip(paths, output_names(paths)))
    if args.resume:
        jobs = [job for job in jobs if not all(_is_there(folder / f"{job[1]}_{e}.png") for e in endings)]
    check_apart(folder, args.photos, (folder / f"{name}_{e}.png" for _, name in jobs for e in endings))

    def write(path: Path, name: str, result: Result) -> None:
        labels = result.mask if args.task == "object" else eigen_regions(result, args.regions)
        if args.overlay:
            draw = overlay_mask if args.task == "object" else overlay_labels
            write_png(folder / f"{name}_overlay.png", draw(result.image, labels))
        write_png(folder / f"{name}_{endings[0]}.png", labels)

    with process_group():
        mine = share(jobs)
        if mine:
            backbone = load_backbone(recipe.backbone, args.weights, args.device)
            make_folder(folder)  # before all the work: it may be none that can be written
            failed |= run_folder(
                *map(list, zip(*mine)),
                recipe,
                backbone,
                write,
                batch_size=args.batch,
                workers=args.workers,
                progress=not args.quiet and rank() == 0,
            )
        failed = {path: why for part in gather(failed) for path, why in part.items()}
        if rank():
            return 0
    done = sum(path not in failed for path, _ in jobs)
    return report(failed, f"{done} of {len(jobs)} done, in {folder}", args.quiet)


def kept(args: argparse.Namespace) -> str:
    """What a run that is interrupted leaves."""
    again = "the same command" if args.resume else "the same command with --resume"
    return f"what is finished is kept, {again} goes on"


def _check_regions(args: argparse.Namespace) -> None:
    if args.regions is None:
        return
    if args.task != "regions":
        raise SimsamError(f"--regions {args.regions} is of --task regions: add that, or leave it out.")
    if not 1 <= args.regions <= MOST_REGIONS:
        raise SimsamError(f"--regions {args.regions}: give 1 to {MOST_REGIONS}.")


def _is_there(path: Path) -> bool:
    """Whether a file was written; an empty one was not."""
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def find_photos(given: list[str]) -> tuple[list[Path], dict[Path, str]]:
    """All photos, and what cannot be one: a wrong name must not keep the others from their masks.

    A file counts once, however often and by whatever way it is given; links of several names are several.
    """
    paths, failed = [], {}
    for name in given:
        try:
            paths += list_images(name)
        except SimsamError as error:
            failed[Path(name)] = str(error)
    once: dict[tuple[str, str], Path] = {}
    for path in paths:
        once.setdefault((os.path.realpath(path), path.name), path)
    return list(once.values()), failed


def report(failed: dict[Path, str], summary: str, quiet: bool) -> int:
    """Say what went wrong, one sentence a file; the exit code: 0 if nothing did, else 2."""
    for why in failed.values():
        print(f"simsam: {why}", file=sys.stderr)
    if not quiet:
        print(summary)
    return 2 if failed else 0
