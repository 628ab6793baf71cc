"""The playground's network for the reader's own photo: what a page loads on a click, made with the book.

`build` writes into a folder (`_static/playground/network` of the site):

    runtime-1.js, wasm-1.js, ..., weights-1.js, ..., worker-1.js
    manifest.json    their sizes and hashes, and what the page has to know of the network

Each script hands a piece of a compressed file to book/playground/network.js, in base64: from `file://` a page
can load scripts and nothing else. The exported network is kept in the cache of weights, so it is made once.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import importlib.metadata
import importlib.util
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import network_export as exporting
import network_runtime as runtime

from simsam.data import atomic_write
from simsam.weights import Backbone, cache_dir

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "book" / "playground"
WORKER = ("resize", "network_worker")  # modules, in the order of their imports
PIECE = 3 * 2**20  # bytes of a compressed file in one script: 4 MiB of text
LONG_SIDE, TOKENS = 392, 28  # pixels, or tokens, of the longer side: what a page computes with in good time


@dataclass(frozen=True)
class Built:
    """What was written: the folder, and its manifest as in manifest.json."""

    folder: Path
    manifest: dict[str, object]

    @property
    def size(self) -> int:
        """Bytes of all scripts together."""
        return self.manifest["bytes"]


def build(folder: Path, backbone: Backbone) -> Built | str:
    """Write the network of a backbone, or say why not: the end of a sentence, as the page shows it.

    What is up to date is left alone. Only the runtime is fetched, by npm, and only where it is missing.
    """
    if reason := exporting.why_not(backbone) or _missing():
        return reason
    here = runtime.find_runtime()
    if isinstance(here, str):
        return here
    stamp = fingerprint(backbone)
    if (old := _written(folder)) and old.manifest["stamp"] == stamp:
        return old
    weights = exported(backbone)
    if isinstance(weights, str):
        return weights
    parts = {
        "runtime": _without_map((here / runtime.SCRIPT).read_bytes()),
        "wasm": (here / runtime.BINARY).read_bytes(),
        "weights": weights,
        "worker": worker_source().encode(),
    }
    return _write(folder, parts, {"stamp": stamp, **facts(backbone)})


def manifest(result: Built | str) -> dict[str, object]:
    """What the page is told: the manifest, or that there is no network, and why."""
    return {"built": False, "why": result} if isinstance(result, str) else result.manifest


def facts(backbone: Backbone) -> dict[str, object]:
    """What the page has to know of the network."""
    return {
        "built": True,
        "backbone": backbone.name,
        "weights_sha256": backbone.sha256,
        "runtime": f"{runtime.NAME} {runtime.pinned_version()}",
        "patch": backbone.patch,
        "dim": backbone.dim,
        "size": min(LONG_SIDE, TOKENS * backbone.patch),
        "positions": exporting.position_grid(backbone),
        "mean": backbone.mean,
        "std": backbone.std,
    }


def exported(backbone: Backbone) -> bytes | str:
    """The network in 8 bits as an ONNX file, from the cache or made now; or why it cannot be had."""
    path = cache_dir() / "playground" / f"{backbone.name}-{_export_key(backbone)[:16]}.onnx"
    if path.is_file():
        return path.read_bytes()
    try:
        model = exporting.in_8_bits(exporting.export(backbone))
    except Exception as error:  # a model of a new kind fails inside torch, in a way of its own
        return f"torch could not export {backbone.name} ({type(error).__name__})"
    if problem := exporting.disagreement(model, backbone):
        return problem
    content = model.SerializeToString(deterministic=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
    return content


def worker_source() -> str:
    """The worker's modules as one classic script: it starts from a Blob."""
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    try:
        from playground_bundle import flat
    finally:
        sys.path.pop(0)
    modules = {name: (SOURCES / f"{name}.js").read_text(encoding="utf-8") for name in WORKER}
    return f'"use strict";\n{flat(modules)}\nstartNetworkWorker(self);\n'


def fingerprint(backbone: Backbone) -> str:
    """Of all that decides what is written."""
    made_by = [runtime.pinned_version(), worker_source(), Path(__file__).read_text(encoding="utf-8")]
    return hashlib.sha256("\0".join([_export_key(backbone), *made_by]).encode()).hexdigest()


def _export_key(backbone: Backbone) -> str:
    """Of all that decides the ONNX file: whose weights, which code, which exporter."""
    versions = [
        f"{name} {importlib.metadata.version(name)}" for name in ("onnx", "onnxscript", "timm", "torch")
    ]
    code = Path(exporting.__file__).read_text(encoding="utf-8")
    return hashlib.sha256("\0".join([backbone.name, backbone.sha256, code, *versions]).encode()).hexdigest()


def _missing() -> str:
    there = importlib.util.find_spec("onnxscript")
    return "" if there else "there is no onnxscript to export it with (pip install 'simsam[book]')"


def _written(folder: Path) -> Built | None:
    """What lies in the folder, if it is whole."""
    try:
        found = Built(folder, json.loads((folder / "manifest.json").read_text(encoding="utf-8")))
        files = [file for part in found.manifest["parts"].values() for file in part["files"]]
        whole = all((folder / file["name"]).stat().st_size == file["bytes"] for file in files)
    except (OSError, ValueError, KeyError):
        return None
    return found if whole else None


def _write(folder: Path, parts: dict[str, bytes], known: dict[str, object]) -> Built:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*-*.js"):
        old.unlink()
    listed = {}
    for name, content in parts.items():
        files = []
        packed = gzip.compress(content, 6, mtime=0)
        for number, start in enumerate(range(0, len(packed), PIECE), 1):
            file, text = f"{name}-{number}.js", base64.b64encode(packed[start : start + PIECE]).decode()
            script = f'SIMSAM_PLAYGROUND.network.piece("{file}", "{text}");\n'
            (folder / file).write_text(script, encoding="ascii", newline="\n")
            files.append({"name": file, "bytes": len(script)})
        listed[name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), "files": files}
    total = sum(file["bytes"] for part in listed.values() for file in part["files"])
    hashes = "".join(part["sha256"] for part in listed.values())
    whole = {**known, "bytes": total, "sha256": hashlib.sha256(hashes.encode()).hexdigest(), "parts": listed}
    (folder / "manifest.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    return Built(folder, json.loads((folder / "manifest.json").read_text(encoding="utf-8")))


def _without_map(script: bytes) -> bytes:
    """A script without its last line, which names a file for debuggers that the site does not have."""
    return re.sub(rb"\n//# sourceMappingURL=\S+\s*$", b"\n", script)
