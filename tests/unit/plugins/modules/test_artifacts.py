"""Artifacts are verified where they are, all at once, and whose sum it is is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from release_host import TARBALL, Host, image

OWN = "the collection's own table"


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    """A directory with a release and the archive of etcd."""
    host = Host(tmp_path)
    host.publish("v1.18.20")
    (host.artifacts / "etcd.tar").write_bytes(image("registry.k8s.io/etcd:3.4.3-0"))
    list_sums(host.artifacts)
    return host.artifacts


def list_sums(directory: Path) -> None:
    """Write SHA512SUMS."""
    script = "sha512sum *.tar.gz *.tar >SHA512SUMS"
    subprocess.run(script, shell=True, cwd=directory, check=True)


def run(directory: Path, **options: object) -> dict[str, Any]:
    defaults = {
        "path": str(directory),
        "version": "v1.18.20",
        "architecture": "amd64",
        "images": ["registry.k8s.io/etcd:3.4.3-0"],
    }
    done = subprocess.run(
        [sys.executable, "-m", "ansible_collections.mink8s.kubernetes.plugins.modules.artifacts"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": {**defaults, **options}}),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
        stdout=subprocess.PIPE,
        check=False,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_whole_artifacts_are_as_they_should_be(artifacts: Path) -> None:
    assert run(artifacts)["problems"] == []
    assert not run(artifacts)["changed"]


@pytest.mark.parametrize("origin", [OWN, "cluster_release_checksum"])
def test_it_says_whose_sum_another_tarball_contradicts(artifacts: Path, origin: str) -> None:
    (problem,) = run(artifacts, checksum="0" * 128, checksum_origin=origin)["problems"]
    assert problem.startswith(f"{artifacts}/{TARBALL} has the SHA-512 ")
    assert f"but {origin} says {'0' * 128}" in problem


def test_everything_is_told_at_once(artifacts: Path) -> None:
    os.truncate(artifacts / TARBALL, 100)
    with (artifacts / "etcd.tar").open("ab") as stream:
        stream.write(bytes(512))
    wanted = ["registry.k8s.io/etcd:3.4.3-0", "registry.k8s.io/pause:3.2"]
    tarball, archive, missing = run(artifacts, images=wanted)["problems"]
    assert f"but {artifacts}/SHA512SUMS says" in tarball
    assert archive.startswith(f"{artifacts}/etcd.tar has the SHA-512 ")
    assert f"{artifacts}/SHA512SUMS says" in archive
    assert missing.startswith(
        f"None of the archives in {artifacts} holds registry.k8s.io/pause:3.2 for amd64"
    )
    assert f"{artifacts}/etcd.tar holds registry.k8s.io/etcd:3.4.3-0 (amd64)" in missing


def test_a_tarball_that_is_missing_is_told_with_those_that_are_there(artifacts: Path) -> None:
    (artifacts / TARBALL).rename(artifacts / "kubernetes-server-linux-arm64.tar.gz")
    (problem,) = run(artifacts)["problems"]
    assert problem.startswith(f"{artifacts} has no {TARBALL}; it has kubernetes-server-linux-arm64.tar.gz.")


def test_what_is_no_archive_is_told_in_words(artifacts: Path) -> None:
    (artifacts / "etcd.tar").write_bytes(b"no tar")
    list_sums(artifacts)
    (problem,) = run(artifacts)["problems"]
    assert f"{artifacts}/etcd.tar is no tar archive, as `docker save` writes them" in problem


def test_a_sum_that_is_not_listed_is_asked_for(artifacts: Path) -> None:
    (artifacts / "SHA512SUMS").write_text("")
    (problem,) = run(artifacts, images=[])["problems"]
    assert problem.startswith(f"{artifacts}/SHA512SUMS does not list {TARBALL}.")
