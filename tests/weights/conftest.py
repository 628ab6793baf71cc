"""An empty cache, a small weights file, and a hub of our own that the real client talks to."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import constants
from safetensors.torch import save_file

from simsam.weights import backbones
from simsam.weights.backbones import load_backbone

TINY = "vit_tiny_patch16_224"


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache of weights."""
    monkeypatch.setenv("SIMSAM_CACHE", str(tmp_path / "cache"))
    backbones._load.cache_clear()  # what another test loaded under the same name
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory) -> Path:
    """The weights of a tiny model in a file of the user's own."""
    path = tmp_path_factory.mktemp("own") / "tiny.safetensors"
    save_file(load_backbone(TINY, "random", "cpu").model.state_dict(), path)
    return path


class Answer(BaseHTTPRequestHandler):
    """As much of the hub as its client asks for: files in repositories, and their revision."""

    def do_HEAD(self):
        content = self.server.files.get(self.path, b"" if self.path == "/" else None)
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Length", str(len(content or b"")))
        if content is None:
            self.send_header("X-Error-Code", "EntryNotFound")
        else:
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", hashlib.sha1(content).hexdigest())
        self.end_headers()
        return content

    def do_GET(self):
        if self.path in self.server.files:
            self.server.asked.append(self.path)
        self.wfile.write(self.do_HEAD() or b"")

    def log_message(self, *args):
        pass


class Hub(ThreadingHTTPServer):
    """A hub at 127.0.0.1: `files` by path, `asked` the paths that were downloaded."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def put(self, timm_name: str, content: bytes) -> str:
        """Serve the weights of a timm model where its client looks for them; gives their SHA-256."""
        self.files[f"/timm/{timm_name}/resolve/main/model.safetensors"] = content
        return hashlib.sha256(content).hexdigest()


@pytest.fixture
def point_hub(tmp_path, monkeypatch):
    """Let the hub's client use another server and cache; it reads the environment only once."""

    def point(endpoint: str, folder: str = "hub") -> None:
        template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", endpoint)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / folder))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)

    return point


@pytest.fixture
def server():
    """A hub that answers, empty."""
    hub = Hub()
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    yield hub
    hub.shutdown()
    hub.server_close()


@pytest.fixture
def hub(server, point_hub):
    """The same, and the client in this process asks it."""
    point_hub(server.address)
    return server
