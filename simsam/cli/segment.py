"""`simsam segment PHOTO... -o DIR`: masks as PNG, overlays on request."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from simsam.backbones import load_backbone
from simsam.cli.options import add_recipe, recipe_of
from simsam.distributed import gather, process_group, rank, share
from simsam.errors import SimsamError
from simsam.files import write_png
from simsam.folder import output_names, run_folder
from simsam.images import list_images
from simsam.overlay import overlay_labels, overlay_mask
from simsam.pipeline import Result
from simsam.regions import eigen_regions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photos", nargs="+", metavar="PHOTO", help="photos, or folders of photos")
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="folder for what is made")
    parser.add_argument("--task", default="object", choices=["object", "regions"])
    parser.add_argument(
        "--regions", type=int, metavar="N", help="how many (default: at the largest eigengap)"
    )
    parser.add_argument("--overlay", action="store_true", help="also draw the outcome on the photo")
    parser.add_argument("--resume", action="store_true", help="leave out photos whose result is there")
    parser.add_argument(
        "--batch", type=int, default=1, metavar="B", help="photos of one shape to run together"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="processes that read ahead")
    parser.add_argument("--quiet", action="store_true", help="no progress bar, no list of what was written")
    add_recipe(parser)


def run(args: argparse.Namespace) -> int:
    recipe = recipe_of(args)
    if args.batch < 1:
        raise SimsamError(f"--batch {args.batch}: give 1 or more.")
    folder = Path(args.output)
    if folder.exists() and not folder.is_dir():
        raise SimsamError(f"{folder} is a file: give a folder for the output.")
    paths, failed = find_photos(args.photos)
    ending = "mask" if args.task == "object" else "regions"
    jobs = list(zip(paths, output_names(paths)))
    if args.resume:
        jobs = [job for job in jobs if not (folder / f"{job[1]}_{ending}.png").exists()]

    def write(path: Path, name: str, result: Result) -> None:
        labels = result.mask if args.task == "object" else eigen_regions(result, args.regions)
        if args.overlay:
            draw = overlay_mask if args.task == "object" else overlay_labels
            write_png(folder / f"{name}_overlay.png", draw(result.image, labels))
        write_png(folder / f"{name}_{ending}.png", labels)  # last: --resume takes it for the whole

    with process_group():
        mine = share(jobs)
        if mine:
            backbone = load_backbone(recipe.backbone, args.weights, args.device)
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


def find_photos(given: list[str]) -> tuple[list[Path], dict[Path, str]]:
    """All photos, and what cannot be one: a wrong name must not keep the others from their masks."""
    paths, failed = [], {}
    for name in given:
        try:
            paths += list_images(name)
        except SimsamError as error:
            failed[Path(name)] = str(error)
    return list(dict.fromkeys(paths)), failed


def report(failed: dict[Path, str], summary: str, quiet: bool) -> int:
    """Say what went wrong, one sentence a file; the exit code: 0 if nothing did, else 2."""
    for why in failed.values():
        print(f"simsam: {why}", file=sys.stderr)
    if not quiet:
        print(summary)
    return 2 if failed else 0
