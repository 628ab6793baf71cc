"""Write down the SHA-256 of every published backbone on the hub, where the hub can be reached.

    python tools/pin_hub.py                   all of `simsam.weights.BACKBONES`
    python tools/pin_hub.py dino_vits16       some of them

Nothing is downloaded where the hub's own metadata names the SHA-256. A pin that there is stays as it is: a
file that no longer agrees with it is told, for a person to look into. Compare new pins with another source
before you commit them.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

from simsam.data import write_json
from simsam.weights import (
    BACKBONES,
    HUB_FILE,
    MADE_HERE,
    WHEEL_BACKBONE,
    file_sha256,
    pins,
    repository,
    resolve_name,
)

PINS = Path(__file__).parents[1] / "simsam" / "data" / "hub.json"


def published() -> list[str]:
    """The names whose weights come from the hub."""
    return [name for name in BACKBONES if name not in (*MADE_HERE, WHEEL_BACKBONE)]


def look_up(place: str) -> dict[str, str | int]:
    """sha256 and bytes of a repository's weights, from the hub's metadata, else from the file itself."""
    found = get_hf_file_metadata(hf_hub_url(place, HUB_FILE))
    if re.fullmatch("[0-9a-f]{64}", found.etag or "") and found.size:
        return {"sha256": found.etag, "bytes": found.size}
    path = Path(hf_hub_download(place, HUB_FILE))
    return {"sha256": file_sha256(path), "bytes": path.stat().st_size}


def add_pins(names: list[str], known: dict[str, dict]) -> tuple[dict[str, dict], list[str]]:
    """The known pins with those of `names` added, by repository in order, and what went wrong."""
    pinned, problems = dict(known), []
    for name in names:
        place = repository(resolve_name(name))
        try:
            found = look_up(place)
        except Exception as error:  # the client's errors are those of requests, of httpx or its own
            problems.append(f"{name}: {place} did not answer ({str(error).strip().partition(chr(10))[0]})")
            continue
        if pinned.setdefault(place, found) != found:
            problems.append(f"{name}: {place} now holds {found}, but is pinned as {pinned[place]}")
    return dict(sorted(pinned.items())), problems


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", default=published(), help="backbones, all published ones if none")
    parser.add_argument("--file", type=Path, default=PINS, help="where to write")
    args = parser.parse_args(arguments)
    pinned, problems = add_pins(args.names, pins())
    write_json(args.file, pinned)
    print(f"{len(pinned)} files are pinned in {args.file}")
    for problem in problems:
        print(problem)
    return bool(problems)


if __name__ == "__main__":
    raise SystemExit(main())
