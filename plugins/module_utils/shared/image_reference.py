# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The names of images."""

from __future__ import annotations

import re
from dataclasses import dataclass

_REFERENCE = re.compile(
    r"(?P<name>[a-zA-Z0-9][a-zA-Z0-9._:/-]*):(?P<tag>\w[\w.-]{0,127})(@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True)
class Reference:
    """The name of an image: NAME:TAG, and the digest it is pinned to, if any."""

    name: str
    tag: str
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Raises ValueError unless text is NAME:TAG or NAME:TAG@sha256:DIGEST."""
        match = _REFERENCE.fullmatch(text)
        if not match:
            raise ValueError(
                f"{text!r} is not the name of an image: NAME:TAG or NAME:TAG@sha256:… is expected,"
                " such as registry.k8s.io/pause:3.2."
            )
        return cls(match["name"], match["tag"], match["digest"])

    @property
    def tagged(self) -> str:
        """NAME:TAG."""
        return f"{self.name}:{self.tag}"

    @property
    def pinned(self) -> str:
        """NAME@DIGEST."""
        return f"{self.name}@{self.digest}"

    @property
    def full(self) -> str:
        """NAME:TAG with the registry that it may leave out: busybox:1 is docker.io/library/busybox:1."""
        registry, slash, path = self.name.partition("/")
        if not slash or not (set(".:") & set(registry) or registry == "localhost"):
            registry, path = "docker.io", self.name
        if registry == "docker.io" and "/" not in path:
            path = f"library/{path}"
        return f"{registry}/{path}:{self.tag}"

    @property
    def base(self) -> str:
        """The name's last component."""
        return self.name.rpartition("/")[2]
