# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Image archives as `docker save` writes them, made and read without an engine.

Nobody's images are touched this way, and the same content always gives the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
import tempfile
from pathlib import Path
from typing import Any

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
ARCHITECTURE = ARCHITECTURES[platform.machine()]
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
EPOCH = "1970-01-01T00:00:00Z"


def write(path: Path, tag: str, root: Path, command: list[str], **more: str | list[str]) -> None:
    """Write an image archive of one layer.

    root: the directory that is the image's file system.
    command: what a container of the image runs unless told otherwise.
    more: of the image's configuration, as Entrypoint.
    """
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".layer-") as layer:
        with tarfile.open(fileobj=layer, mode="w") as tar:
            for entry in sorted(root.iterdir()):
                tar.add(entry, entry.name, filter=_undated)
        layer.flush()
        digest = file_digest(Path(layer.name), "sha256")
        config = json.dumps(_config(digest, {"Cmd": command, **more})).encode()
        name = f"{hashlib.sha256(config).hexdigest()}.json"
        manifest = [{"Config": name, "RepoTags": [tag], "Layers": [f"{digest}/layer.tar"]}]
        partial = path.with_name(f".{path.name}.part")
        with tarfile.open(partial, "w") as tar:
            tar.add(layer.name, f"{digest}/layer.tar", filter=_undated)
            for member, content in ((name, config), ("manifest.json", json.dumps(manifest).encode())):
                info = tarfile.TarInfo(member)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        partial.replace(path)


def manifests(path: Path) -> list[dict[str, Any]]:
    """What the archive's manifest.json says, one entry for each image; none if it is not an image archive."""
    with tarfile.open(path) as tar:
        try:
            member = tar.extractfile("manifest.json")
        except KeyError:
            return []
        found: list[dict[str, Any]] = json.load(member) if member else []
        return found


def file_digest(path: Path, algorithm: str) -> str:
    """The hexadecimal digest of a file."""
    digest = hashlib.new(algorithm)
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _config(layer: str, container: dict[str, str | list[str]]) -> dict[str, Any]:
    """The image's configuration, whose own digest is the image's ID. container: that of its containers."""
    return {
        "architecture": ARCHITECTURE,
        "os": "linux",
        "created": EPOCH,
        "config": {"Env": [f"PATH={SEARCH_PATH}"], **container},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer}"]},
        "history": [{"created": EPOCH, "created_by": "mink8s test sandbox"}],
    }


def _undated(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mtime = 0
    member.pax_headers = {}
    return member
