"""What a connected node brings together is all that a node without a route out needs."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import offline
import pytest
from bare_node import Node, bare, changed, runtime
from offline import DIRECTORY, IMAGES, PACKAGES, RELEASE, address, bundle, docker

OFFLINE = "mink8s-offline"
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5)"
FLIP = "f = open('{}', 'r+b'); f.seek(-4096, 2); b = f.read(1); f.seek(-1, 1); f.write(bytes([b[0] ^ 1]))"
KUBELET_PORT = 10250


@pytest.fixture(scope="module")
def connected(fetched: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A cluster with a way to the release server and the registry."""
    with bare("mink8s-bundle", fetched, tmp_path_factory.mktemp("connected")) as node:
        run = node.playbook("site.yml")
        assert run.returncode == 0, run.stdout
        yield node


@pytest.fixture(scope="module")
def made(connected: Node) -> list[str]:
    """What the first run brings together."""
    would = bundle(connected, "--check")
    assert connected.run("sh", "-c", f"ls -d {DIRECTORY} || true") == ""
    did = bundle(connected)
    assert did == would
    return did


@pytest.fixture(scope="module")
def artifacts(connected: Node, made: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle, brought to the controller."""
    target = tmp_path_factory.mktemp("artifacts") / "bundle"
    docker("cp", f"{connected.name}:{DIRECTORY}", str(target))
    return target


@pytest.fixture(scope="module")
def cut_off(fetched: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A bare node without a route out."""
    with offline.node(OFFLINE, fetched, tmp_path_factory.mktemp("offline")) as node:
        yield node


def test_a_bundle_holds_everything_with_its_sums(connected: Node, made: list[str], artifacts: Path) -> None:
    assert made == [RELEASE, IMAGES, PACKAGES]
    subprocess.run(["sha512sum", "--check", "--strict", "SHA512SUMS"], cwd=artifacts, check=True)
    listed = {line.split()[1] for line in (artifacts / "SHA512SUMS").read_text().splitlines()}
    assert listed == {path.name for path in artifacts.iterdir()} - {"SHA512SUMS"}


def test_a_second_run_changes_nothing(connected: Node, made: list[str]) -> None:
    # How many blocks files take, which the first line of a directory says, is settled later.
    listing = f"ls -l --full-time --inode {DIRECTORY} | tail --lines +2"
    before = connected.run("sh", "-c", listing)
    assert bundle(connected) == []
    assert connected.run("sh", "-c", listing) == before


def test_what_is_damaged_or_missing_is_fetched_again_and_nothing_else(
    connected: Node, artifacts: Path
) -> None:
    images = runtime().images(connected)
    connected.run("python3", "-c", FLIP.format(f"{DIRECTORY}/etcd.tar"))
    connected.run("rm", f"{DIRECTORY}/packages.tar")
    assert bundle(connected, "--check") == [IMAGES, PACKAGES]
    assert bundle(connected) == [IMAGES, PACKAGES]
    connected.run("sh", "-c", f"cd {DIRECTORY} && sha512sum --check --strict SHA512SUMS")
    assert bundle(connected) == []
    assert runtime().images(connected) == images


def test_a_container_runtime_that_had_none_of_the_images_has_none_afterwards(
    connected: Node, artifacts: Path, fetched: dict[str, Any]
) -> None:
    other = f"{fetched.get('cluster_image_registry', 'registry.k8s.io')}/"
    pause = [name for name in runtime().tags(connected) if name.startswith(other) and "/pause:" in name]
    assert len(pause) == 1
    # A tag of another name keeps the running containers' image.
    runtime().tag(connected, pause[0], "kept:1")
    runtime().untag(connected, pause[0])
    connected.run("rm", f"{DIRECTORY}/pause.tar")
    assert bundle(connected) == [IMAGES]
    assert pause[0] not in runtime().tags(connected)
    runtime().tag(connected, "kept:1", pause[0])
    runtime().untag(connected, "kept:1")


def test_there_is_no_route_out(connected: Node, cut_off: Node) -> None:
    target = (address(connected), KUBELET_PORT)
    socket.create_connection(target, timeout=5).close()
    assert cut_off.run("ip", "route", "show", "default") == ""
    tried = subprocess.run(
        ["docker", "exec", cut_off.name, "python3", "-c", CONNECT, target[0], str(target[1])],
        check=False,
        capture_output=True,
        text=True,
    )
    assert "Network is unreachable" in tried.stderr


def test_damaged_packages_are_refused(cut_off: Node, artifacts: Path, tmp_path: Path) -> None:
    spoiled = tmp_path / "bundle"
    spoiled.mkdir()
    for path in artifacts.iterdir():
        (spoiled / path.name).hardlink_to(path)
    packages = spoiled / "packages.tar"
    content = bytearray(packages.read_bytes())
    content[-100_000] ^= 1
    packages.unlink()
    packages.write_bytes(content)
    run = cut_off.playbook("site.yml", cluster_artifacts=str(spoiled), cluster_address=address(cut_off))
    assert run.returncode != 0, run.stdout
    said = run.stdout + run.stderr
    assert "packages.tar has the SHA-512" in said
    assert "playbooks/bundle.yml" in said
    assert cut_off.run("sh", "-c", f"command -v {runtime().program} socat || true") == ""


def test_a_cluster_is_made_of_the_bundle_alone(cut_off: Node, artifacts: Path) -> None:
    variables = {"cluster_artifacts": str(artifacts), "cluster_address": address(cut_off)}
    assert cut_off.run("sh", "-c", f"command -v {runtime().program} || true") == ""
    listing = "ls -l --full-time /var/lib/apt/lists /etc/apt | grep --invert-match ^total"
    lists = cut_off.run("sh", "-c", listing)
    run = cut_off.playbook("site.yml", **variables)
    assert run.returncode == 0, run.stdout
    assert cut_off.run("sh", "-c", listing) == lists
    node = cut_off.run("kubectl", "get", "nodes", "--output", "jsonpath={.items[0].metadata.name}")
    (pause,) = {each.image for each in runtime().running(cut_off, "POD")}
    spec = {"spec": {"nodeName": node, "containers": [{"name": "hello", "image": pause}]}}
    overrides = ["--overrides", json.dumps({"apiVersion": "v1", **spec})]
    cut_off.run("kubectl", "run", "hello", f"--image={pause}", "--restart=Never", *overrides)
    cut_off.run("kubectl", "wait", "--for=condition=Ready", "--timeout=60s", "pod/hello")
    assert changed(cut_off.playbook("site.yml", **variables)) == []
