# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Put an image archive into a registry, without an engine that would have to trust that registry."""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import archive

TYPE = "application/vnd.docker"
MANIFEST_TYPE = f"{TYPE}.distribution.manifest.v2+json"
CONFIG_TYPE = f"{TYPE}.container.image.v1+json"
LAYER_TYPE = f"{TYPE}.image.rootfs.diff.tar.gzip"

# A proxy for the internet can't reach a container.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def push(path: Path, registry: str, name: str, tag: str) -> str:
    """Push the one image of an archive and return the digest that pins it.

    registry: its URL.
    """
    repository = f"{registry}/v2/{name}"
    image = archive.manifests(path)[0]
    with tarfile.open(path) as tar:
        config = _upload(repository, CONFIG_TYPE, _member(tar, image["Config"]))
        layers = [
            _upload(repository, LAYER_TYPE, gzip.compress(_member(tar, layer), 1, mtime=0))
            for layer in image["Layers"]
        ]
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": config, "layers": layers}
    content = json.dumps(manifest).encode()
    _request("PUT", f"{repository}/manifests/{tag}", content, MANIFEST_TYPE)
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def has(registry: str, name: str, tag: str) -> bool:
    """Whether a registry has an image."""
    try:
        _request("HEAD", f"{registry}/v2/{name}/manifests/{tag}")
    except urllib.error.HTTPError as problem:
        if problem.code != HTTPStatus.NOT_FOUND:
            raise
        return False
    return True


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    stream = tar.extractfile(name)
    return stream.read() if stream else b""


def _upload(repository: str, media_type: str, content: bytes) -> dict[str, Any]:
    """Upload a blob unless the registry has it; what a manifest says of it."""
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    try:
        _request("HEAD", f"{repository}/blobs/{digest}")
    except urllib.error.HTTPError:
        location = _request("POST", f"{repository}/blobs/uploads/")
        separator = "&" if "?" in location else "?"
        _request("PUT", f"{location}{separator}{urlencode({'digest': digest})}", content)
    return {"mediaType": media_type, "size": len(content), "digest": digest}


def _request(method: str, url: str, content: bytes = b"", kind: str = "application/octet-stream") -> str:
    """Send a request and return where the answer says to go on. Raises HTTPError for a refusal."""
    request = urllib.request.Request(url, content or None, {"Content-Type": kind}, method=method)
    with DIRECT.open(request, timeout=60) as answer:
        return str(answer.headers["Location"])
