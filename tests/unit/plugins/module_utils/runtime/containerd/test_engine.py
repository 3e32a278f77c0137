"""What is asked of containerd is done by a real one, and what has gone already is no error."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import programs
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    ContainerRuntimeError,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.containerd import cri
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.containerd.engine import (
    Containerd,
    log_text,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import image_archive
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.image_reference import Reference
from ansible_collections.mink8s.kubernetes.plugins.modules import bundle_images

CONFIGURATION = """
version = 2
root = "{directory}/root"
state = "{directory}/state"
[grpc]
  address = "{directory}/containerd.sock"
"""
SECONDS = 30


@pytest.fixture(scope="module")
def containerd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containerd]:
    """A containerd of this test's own."""
    directory = tmp_path_factory.mktemp("containerd")
    configuration = directory / "config.toml"
    configuration.write_text(CONFIGURATION.format(directory=directory))
    program, usual = programs.find("containerd"), cri.SOCKET
    with (
        (directory / "log").open("wb") as log,
        subprocess.Popen([program, "--config", str(configuration)], stdout=log, stderr=log) as process,
    ):
        cri.SOCKET = str(directory / "containerd.sock")
        try:
            _wait()
            yield Containerd()
        finally:
            cri.SOCKET = usual
            process.terminate()


def _wait() -> None:
    end = time.monotonic() + SECONDS
    while True:
        try:
            cri.call("Version", version="v1")
            return
        except ContainerRuntimeError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


@pytest.fixture
def image(containerd: Containerd, tmp_path: Path) -> Iterator[str]:
    """An image of nothing, in an archive as `docker save` writes them."""
    name, archive = f"mink8s-test-{uuid.uuid4().hex[:8]}:1", tmp_path / "image.tar"
    layer = tmp_path / "layer.tar"
    layer.write_bytes(bytes(10240))
    with layer.open("rb") as content:
        command = ["docker", "import", "-", name]
        subprocess.run(command, stdin=content, stdout=subprocess.DEVNULL, check=True)
    subprocess.run(["docker", "save", "--output", str(archive), name], check=True)
    subprocess.run(["docker", "rmi", name], stdout=subprocess.DEVNULL, check=True)
    containerd.load(str(archive))
    yield name
    containerd.untag(name)


def test_a_running_one_tells_its_version(containerd: Containerd) -> None:
    shown = subprocess.run(
        [programs.find("containerd"), "--version"], stdout=subprocess.PIPE, text=True, check=True
    )
    assert containerd.version() == shown.stdout.split()[2].lstrip("v")
    assert containerd.containers() == []


def test_names_come_and_go(containerd: Containerd, image: str, tmp_path: Path) -> None:
    second = f"{image.partition(':')[0]}:2"
    first = containerd.image(image)
    assert first
    assert first.identity.startswith("sha256:")
    assert first.architecture == {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
    assert first.created
    assert len(first.layers) == 1
    containerd.tag(image, second)
    assert containerd.image(second) == first
    assert {image, second} <= set(containerd.images()[first.identity])
    archive = tmp_path / "saved.tar"
    containerd.save(second, str(archive))
    for _again in range(2):
        containerd.untag(second)
    assert containerd.image(second) is None
    assert containerd.image(image) == first
    containerd.load(str(archive))
    assert containerd.image(second) == first
    containerd.untag(second)


def test_an_image_without_a_name_goes(containerd: Containerd, image: str) -> None:
    first = containerd.image(image)
    assert first
    containerd.untag(image)
    assert first.identity not in containerd.images()


def test_the_kubelet_is_told_not_to_delete_what_was_tagged(containerd: Containerd, image: str) -> None:
    containerd.tag(image, image)
    command = ["ctr", "--address", cri.SOCKET, "--namespace", "k8s.io", "images", "list"]
    listed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    (line,) = (line for line in listed.splitlines() if line.startswith(Reference.parse(image).full))
    assert "io.cri-containerd.pinned=pinned" in line


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Reference]:
    """An image of nothing, for two architectures, in a registry."""
    blobs: dict[str, tuple[str, bytes]] = {}

    def add(kind: str, content: bytes | dict[str, Any]) -> dict[str, Any]:
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        blobs[digest] = (f"application/vnd.oci.image.{kind}", content)
        return {"mediaType": blobs[digest][0], "digest": digest, "size": len(content)}

    def manifest(architecture: str) -> dict[str, Any]:
        layer = bytes(10240) + architecture.encode().ljust(512)
        rootfs = {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]}
        config = add("config.v1+json", {"architecture": architecture, "os": "linux", "rootfs": rootfs})
        layers = [add("layer.v1.tar", layer)]
        made = add("manifest.v1+json", {"schemaVersion": 2, "config": config, "layers": layers})
        return {**made, "platform": {"architecture": architecture, "os": "linux"}}

    index = add("index.v1+json", {"schemaVersion": 2, "manifests": [manifest("amd64"), manifest("arm64")]})

    class Registry(BaseHTTPRequestHandler):
        """It has these blobs, under any name."""

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            kind, content = blobs[self.path.rpartition("/")[2]]
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content if self.command == "GET" else b"")

        def log_message(self, *_arguments: object) -> None:
            """Quietly."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        Thread(target=server.serve_forever).start()
        yield Reference.parse(f"127.0.0.1:{server.server_port}/nothing:1@{index['digest']}")
        server.shutdown()


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_an_image_for_another_architecture_is_saved_and_goes(
    containerd: Containerd, registry: Reference, tmp_path: Path, architecture: str
) -> None:
    command = ["ctr", "--address", cri.SOCKET, "--namespace", "k8s.io", "images", "list", "--quiet"]
    before = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    archive = tmp_path / "saved.tar"
    bundle_images.save(containerd, registry, architecture, archive)
    (saved,) = image_archive.survey([str(archive)])[0]
    assert (saved.architecture, saved.tags) == (architecture, (registry.tagged,))
    assert subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout == before


def test_what_has_gone_needs_nothing_done_to_it(containerd: Containerd) -> None:
    containerd.stop(["0" * 64], 1)
    containerd.remove(["0" * 64])
    containerd.untag("mink8s-test-missing:1")


def test_an_archive_that_is_none_is_refused(containerd: Containerd, tmp_path: Path) -> None:
    archive = tmp_path / "broken.tar"
    archive.write_text("broken")
    with pytest.raises(ContainerRuntimeError, match=r"ended with code 1: ctr: .*EOF"):
        containerd.load(str(archive))


def test_a_registry_that_does_not_answer_is_named(containerd: Containerd) -> None:
    reference = Reference.parse(f"127.0.0.1:1/thing:1@sha256:{'0' * 64}")
    with pytest.raises(ContainerRuntimeError, match=r"127\.0\.0\.1:1.*connection refused"):
        containerd.pull(reference)


def test_namespaces_of_others_are_not_the_clusters(containerd: Containerd, image: str) -> None:
    assert containerd.others(frozenset()) == []
    own = ["ctr", "--address", cri.SOCKET]
    exported = subprocess.run(
        [*own, "--namespace", "k8s.io", "images", "export", "-", Reference.parse(image).full],
        stdout=subprocess.PIPE,
        check=True,
    )
    command = [*own, "--namespace", "somebody", "images", "import", "-"]
    subprocess.run(command, input=exported.stdout, stdout=subprocess.DEVNULL, check=True)
    assert containerd.others(frozenset()) == ["namespace somebody"]


def test_without_a_socket_containerd_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cri, "SOCKET", str(tmp_path / "containerd.sock"))
    for ask in (Containerd().version, Containerd().containers, Containerd().images):
        with pytest.raises(ContainerRuntimeError, match=r"containerd does not answer at "):
            ask()


def test_a_log_is_what_the_container_wrote() -> None:
    lines = [
        "2026-11-26T17:00:00.000000001Z stdout F first\n",
        "2026-11-26T17:00:00.000000002Z stderr P in two \n",
        "2026-11-26T17:00:00.000000003Z stderr F parts\n",
        "2026-11-26T17:00:00.000000004Z stdout F \n",
        "neither time nor stream\n",
    ]
    assert log_text(lines) == "first\nin two parts\n\nneither time nor stream\n"
