"""`simsam semantic FOLDER -o DIR --classes N`: label maps, and which photos share which labels."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from simsam.cli.options import add_recipe, check_apart, semantic_recipe_of
from simsam.cli.photos import find_photos, report
from simsam.data import (
    clear_strays,
    code_version,
    example,
    label_colors,
    label_sheet,
    make_folder,
    output_folder,
    write_json,
    write_labels,
    write_png,
)
from simsam.errors import SimsamError, check_least
from simsam.scale import Record, digest_of, gather, making, output_names, process_group, rank, share
from simsam.semantics import SEMANTIC_RECIPES, Collection, check_classes, fitting_recipe, segment_collection
from simsam.weights import load_backbone

KEPT = ".regions"  # in the output folder: with it a run that was stopped goes on
EXAMPLES = 6  # in a row of the sheet
Shares = dict[int, list[float]]  # photo -> share of its area that each label has


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photos", nargs="+", metavar="FOLDER", help="folders of photos, or photos")
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="folder for what is made")
    parser.add_argument(
        "--classes", required=True, type=int, metavar="N", help="how many labels, background among them"
    )
    parser.add_argument(
        "--recursive",
        action="store_true",
        help="also photos of the folders below, label maps in like folders",
    )
    parser.add_argument("--sheet", action="store_true", help="also a picture of all labels, labels.png")
    parser.add_argument("--batch", type=int, metavar="B", help="photos of one shape to run together")
    parser.add_argument("--quiet", action="store_true", help="no progress bar, no summary")
    add_recipe(parser, SEMANTIC_RECIPES, "objects")
    parser.epilog = (
        "Recipes: objects is for photos with a subject, scenes for photos that are scene all over, such as a "
        "street's. Where the photos look as if the other of these two fitted better, a sentence says so."
    )


def kept(args: argparse.Namespace) -> str:
    """What a run that is interrupted leaves."""
    return "the regions found are kept, the same command goes on"


def run(args: argparse.Namespace) -> int:
    recipe = semantic_recipe_of(args)
    check_classes(args.classes, recipe)
    check_least("--batch", args.batch)
    folder = output_folder(args.output)
    found = find_photos(args.photos, args.recursive, [folder])
    paths, failed = found.paths, found.failed
    names = output_names(paths, found.places)
    made = [*(f"{name}_labels.png" for name in names), "labels.png", "labels.json"]
    check_apart(folder, args.photos, (folder / name for name in made))
    if not paths:
        return report(found, f"nothing done in {folder}", args.quiet)
    with process_group():
        backbone = load_backbone(recipe.base.backbone, args.weights, args.device)
        for place in ("", *sorted(set(found.places))):  # before all the work: it may be none to write to
            make_folder(folder / place)
        if rank() == 0 and not args.quiet and (sentence := other_recipe(args.recipe, paths)):
            print(sentence, flush=True)
        clear_strays(folder / KEPT)
        options = {"cache": folder / KEPT, "batch": args.batch, "progress": not args.quiet}
        collection = segment_collection(paths, recipe, args.classes, backbone, **options)
        colors = label_colors(args.classes, recipe.has_background)
        good = [i for i, found in enumerate(collection.described) if found is not None]
        made = making(f"semantic={args.classes}", recipe, backbone)
        record = Record(folder)
        mine: Shares = {}
        errors = {paths[i]: why for i, why in collection.failed.items() if rank() == 0}
        for i in share(good):
            target = folder / f"{names[i]}_labels.png"
            try:
                labels = collection.label_map(i)
                write_labels(target, labels, colors)
            except SimsamError as error:  # a photo that was deleted in the meantime, say
                errors[paths[i]] = str(error)
                continue
            mine[i] = (np.bincount(labels.ravel(), minlength=args.classes) / labels.size).tolist()
            record.add(names[i], paths[i], digest_of(paths[i]), [target], **made)
        for path, why in errors.items():
            record.add(names[paths.index(path)], path, digest_of(path), **made, error=why)
        failed |= {path: why for part in gather(errors) for path, why in part.items()}
        shares = {i: part for parts in gather(mine) for i, part in parts.items()}
        if rank():
            return 0
    record.tidy()
    shares = {i: shares[i] for i in good if i in shares}
    if not shares:
        return report(found, f"0 of {len(paths)} done, in {folder}", args.quiet)
    if args.sheet:
        write_png(folder / "labels.png", sheet(collection, shares, colors))
    write_json(folder / "labels.json", summary(collection, shares, names, colors, failed))
    return report(found, f"{len(shares)} of {len(paths)} done, in {folder}", args.quiet)


def other_recipe(name: str, paths: list[Path]) -> str:
    """A sentence where another recipe than the one of this name seems to fit the photos; or ""."""
    if {name, fitting_recipe(paths)} != {"objects", "scenes"}:
        return ""
    if name == "objects":
        return "These photos are all laid out alike, as those of one street are: --recipe scenes fits better."
    return "These photos are not laid out alike: if each has a subject, --recipe objects fits better."


def summary(
    collection: Collection, shares: Shares, names: list[str], colors: np.ndarray, failed: dict[Path, str]
) -> dict:
    """What labels.json holds: each label with its colour, its share of all area and its photos, most of it
    first; each photo with its label map and the share of its area that each label has."""
    total = np.mean(list(shares.values()), axis=0)
    paths = [sample.path for sample in collection.samples]
    labels = {
        label: {
            "color": "#" + colors[label].tobytes().hex(),
            "background": bool(label == 0 and collection.recipe.has_background),
            "share": round(float(total[label]), 6),
            "photos": [str(paths[i]) for i in most(shares, label)],
        }
        for label in range(collection.classes)
    }
    photos = {
        str(paths[i]): {
            "map": f"{names[i]}_labels.png",
            "share": {label: round(value, 6) for label, value in enumerate(part) if value},
        }
        for i, part in shares.items()
    }
    return {
        "recipe": collection.recipe.name,
        "backbone": collection.backbone.name,
        "weights": collection.backbone.source,
        "version": code_version(),
        "classes": collection.classes,
        "labels": labels,
        "photos": photos,
        "failed": {str(path): why for path, why in failed.items()},
    }


def sheet(collection: Collection, shares: Shares, colors: np.ndarray) -> np.ndarray:
    """The picture of all labels: of each the photos that have most of it, all else in them faded."""
    total = np.mean(list(shares.values()), axis=0)
    rows = []
    for label in range(collection.classes):
        chosen = most(shares, label)
        examples = []
        for i in chosen[:EXAMPLES]:
            try:
                image = collection.samples[i].load_image()
            except SimsamError:  # deleted in the meantime
                continue
            examples.append(example(image, collection.label_map(i, image) == label))
        name = "background" if label == 0 and collection.recipe.has_background else f"label {label}"
        rows.append((f"{name}\n{len(chosen)} photos\n{100 * total[label]:.1f} %", colors[label], examples))
    return label_sheet(rows)


def most(shares: Shares, label: int) -> list[int]:
    """The photos that have the label, those with most of it first."""
    return sorted((i for i in shares if shares[i][label] > 0), key=lambda i: -shares[i][label])
