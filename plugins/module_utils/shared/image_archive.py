# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Image archives, as `docker save` writes them, read without unpacking them."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import files, versions
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.image_reference import Reference

# JSON of another shape than what is looked for in it.
SHAPE = (AttributeError, TypeError, ValueError)
GZIP = b"\x1f\x8b"


class ArchiveError(Exception):
    """The file is no whole image archive. What it says goes on from the file's name."""


@dataclass(frozen=True)
class Image:
    """One image in an archive.

    archive: the archive's path.
    tags: the names the image has in there, such as k8s.gcr.io/kube-apiserver-amd64:v1.18.20.
    id: sha256 of the image's configuration, which is also the image's ID in most image stores.
    created, architecture, layers: what the configuration says of them.
    """

    archive: str
    tags: tuple[str, ...]
    id: str
    created: str
    architecture: str
    layers: tuple[str, ...]

    def tag_for(self, wanted: Reference, architecture: str) -> str | None:
        """The tag under which this image is the wanted one, or None if it is another.

        Only the last component of the name counts, because registries move. A release's own images
        carry the architecture in it, and there it is more reliable than in the configuration.
        """
        for tag in self.tags:
            last = tag.rpartition("/")[2]
            name, _colon, version = last.rpartition(":")
            if name == f"{wanted.base}-{architecture}" and _is_release(version, wanted.tag):
                return tag
            if (
                name == wanted.base
                and _is_release(version, wanted.tag)
                and self.architecture in ("", architecture)
            ):
                return tag
        return None


def read(path: str) -> tuple[Image, ...]:
    """The images in an archive, compressed or not; none if the tar is not an image archive.

    Raises ArchiveError if the file cannot be read to its end as what it claims to be.
    """
    try:
        with tarfile.open(path) as tar:
            if "manifest.json" not in tar.getnames():
                return ()
            manifest = json.loads(_content(tar, "manifest.json"))
            if not isinstance(manifest, list):
                return ()
            return tuple(_image(path, tar, entry) for entry in manifest)
    except (tarfile.TarError, EOFError, zlib.error, OSError, KeyError, *SHAPE) as error:
        raise ArchiveError(_words(Path(path), error)) from error


def survey(paths: Sequence[str]) -> tuple[tuple[Image, ...], tuple[str, ...]]:
    """All images in archives and in directories of archives, and for messages a line on each archive."""
    images: list[Image] = []
    lines = []
    for path in map(Path, paths):
        sums = files.listed(path)
        for file in sorted(path.glob("*.tar")) if path.is_dir() else [path]:
            if sums and file.name not in sums:
                lines.append(f"{file} is not in {files.LISTING}, so it is not used")
                continue
            try:
                found = read(str(file))
            except ArchiveError as error:
                lines.append(f"{file} {error}")
                continue
            tags = [f"{tag} ({image.architecture})" for image in found for tag in image.tags]
            lines.append(f"{file} holds {', '.join(tags) or 'no image with a tag'}")
            images.extend(found)
    return tuple(images), tuple(lines)


def _is_release(tag: str, wanted: str) -> bool:
    """Whether an image's tag is the wanted one, or that of a vendor's build of the wanted release."""
    return tag == wanted or (
        re.fullmatch(versions.FORM, wanted) is not None and versions.is_release(tag.replace("_", "+"), wanted)
    )


def _words(path: Path, error: Exception) -> str:
    """What is wrong with a file that cannot be read to its end, without the words of Python's libraries."""
    if path.is_dir():
        return "is a directory, and no image archive"
    if isinstance(error, KeyError):
        return f"is damaged: its manifest.json names {error.args[0]}, which is not in it"
    if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError)):
        return "is damaged: what should be JSON in it is not"
    if isinstance(error, SHAPE):
        return "has another manifest.json than `docker save` writes"
    if isinstance(error, OSError) and error.errno:
        return f"cannot be read: {error.strerror}"
    if not path.stat().st_size:
        return "is empty"
    with path.open("rb") as stream:
        compressed = stream.read(len(GZIP)) == GZIP
    if isinstance(error, EOFError) or "end of data" in str(error):
        return "ends early: its copy is not complete"
    if compressed or tarfile.is_tarfile(path):
        return "is damaged: it cannot be unpacked"
    return "is no tar archive, as `docker save` writes them"


def _image(path: str, tar: tarfile.TarFile, entry: dict[str, Any]) -> Image:
    content = _content(tar, str(entry["Config"]))
    configuration = json.loads(content)
    return Image(
        archive=path,
        tags=tuple(entry.get("RepoTags") or ()),
        id=f"sha256:{hashlib.sha256(content).hexdigest()}",
        created=configuration.get("created") or "",
        architecture=configuration.get("architecture") or "",
        layers=tuple(configuration["rootfs"]["diff_ids"]),
    )


def _content(tar: tarfile.TarFile, name: str) -> bytes:
    stream = tar.extractfile(name) if name in tar.getnames() else None
    if stream is None:
        raise KeyError(name)
    with stream:
        return stream.read()
