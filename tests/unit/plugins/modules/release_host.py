"""A host with the artifacts of a release that is small and says what it is, and the module release on it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

TARBALL = "kubernetes-server-linux-amd64.tar.gz"


def program(name: str, version: str, build: str = "") -> bytes:
    """A program that says which version it is, as the real one does."""
    said = f'Client Version: version.Info{{Major:"1", GitVersion:"{version}"}}' if name == "kubectl" else ""
    asked = "version" if name == "kubectl" else "--version"
    answer = said or f"Kubernetes {version}"
    return f"#!/bin/sh\n# {name} {version} {build}\n[ $1 = {asked} ] && echo '{answer}'\n".encode()


def elf(machine: int) -> bytes:
    """The header of a Linux program for a machine."""
    return b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00" + bytes([machine, 0]) + bytes(40)


def image(tag: str, architecture: str = "amd64") -> bytes:
    """An image archive."""
    configuration = {"architecture": architecture, "rootfs": {"diff_ids": []}}
    manifest = [{"Config": "config.json", "RepoTags": [tag], "Layers": []}]
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in (("config.json", configuration), ("manifest.json", manifest)):
            data = json.dumps(content).encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return stream.getvalue()


class Host:
    """The directories of a host, and the module run on it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bin"
        self.kept = root / "lib"
        self.ledger = root / "ledger.json"
        self.artifacts = root / "artifacts"
        self.artifacts.mkdir()

    def publish(self, version: str, **files: bytes) -> str:
        """Make a tarball of files that hold their name and version, and SHA512SUMS. Returns its SHA-512."""
        images = {
            f"{name}.tar": image(f"k8s.gcr.io/{name}-amd64:{version}")
            for name in ("kube-apiserver", "kube-scheduler")
        }
        programs = {name: program(name, version) for name in ("kubelet", "kubectl", "kube-apiserver")}
        contents = {**programs, **images, **files}
        with tarfile.open(self.artifacts / TARBALL, "w:gz") as tar:
            for name, content in contents.items():
                member = tarfile.TarInfo(f"kubernetes/server/bin/{name}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        checksum = hashlib.sha512((self.artifacts / TARBALL).read_bytes()).hexdigest()
        (self.artifacts / "SHA512SUMS").write_text(f"{checksum}  {TARBALL}\n")
        return checksum

    def run(self, environment: dict[str, str] | None = None, **options: object) -> dict[str, Any]:
        """The module's result."""
        defaults: dict[str, object] = {
            "version": "v1.18.20",
            "architecture": "amd64",
            "directory": str(self.kept),
            "bin_dir": str(self.bin),
            "ledger": str(self.ledger),
        }
        if "url" not in options:
            defaults["artifacts"] = str(self.artifacts)
        done = subprocess.run(
            [sys.executable, "-m", "ansible_collections.mink8s.kubernetes.plugins.modules.release"],
            input=json.dumps({"ANSIBLE_MODULE_ARGS": {**defaults, **options}}),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **(environment or {})},
            text=True,
            stdout=subprocess.PIPE,
            check=False,
        )
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    def check(self, **options: object) -> dict[str, Any]:
        """The module's result in check mode."""
        return self.run(None, _ansible_check_mode=True, **options)
