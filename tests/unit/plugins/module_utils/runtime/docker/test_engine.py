"""What is asked of Docker is done by a real dockerd, and what has gone already is no error."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    Container,
    ContainerRuntimeError,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker import client
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker.engine import Docker, log_text
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.image_reference import Reference

STATIC, OTHER = "0123456789abcdef" * 2, "8a1f52a5-4d7a-4be0-9a2c-4d5c7d6f1c11"


def docker(*arguments: str) -> str:
    done = subprocess.run(
        ["docker", *arguments], check=True, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    return done.stdout.strip()


@pytest.fixture
def image(tmp_path: Path) -> Iterator[str]:
    """An image of nothing."""
    name = f"mink8s-test-{uuid.uuid4().hex[:8]}:1"
    archive = tmp_path / "empty.tar"
    archive.write_bytes(bytes(10240))
    docker("import", str(archive), name)
    yield name
    subprocess.run(["docker", "rmi", name], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture
def container(image: str) -> Iterator[str]:
    """A container as a kubelet makes it, which does not run."""
    labels = {
        "io.kubernetes.docker.type": "container",
        "io.kubernetes.pod.namespace": "kube-system",
        "io.kubernetes.pod.name": "etcd-node",
        "io.kubernetes.pod.uid": STATIC,
        "io.kubernetes.container.name": "etcd",
    }
    words = [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
    options = ("--volume", "/data", "--network", "none", "--entrypoint", "/nothing")
    identity = docker("create", *options, *words, image, "--flag")
    yield identity
    Docker().remove([identity])


def listed(identity: str) -> Container:
    (found,) = (each for each in Docker().containers() if each.identity == identity)
    return found


def test_a_container_of_a_kubelet_is_known_by_its_labels(container: str, image: str) -> None:
    seen = listed(container)
    assert (seen.namespace, seen.pod, seen.uid, seen.role) == ("kube-system", "etcd-node", STATIC, "etcd")
    assert (seen.kubelets, seen.runs, seen.state) == (True, False, "created")
    assert seen.is_component("etcd")
    assert not seen.is_component("kube-apiserver")
    assert seen.image == docker("image", "inspect", "--format", "{{.Id}}", image)
    assert seen.name == docker("inspect", "--format", "{{.Name}}", container).lstrip("/")
    assert len(seen.volumes) == 1
    details = Docker().details(container)
    assert (details.runs, details.pid, details.code, details.started) == (False, 0, 0, 0.0)
    assert details.command == ("/nothing", "--flag")


def test_a_container_of_somebody_else_has_no_pod(image: str) -> None:
    identity = docker(
        "create", "--network", "none", "--label", f"io.kubernetes.pod.uid={STATIC}", image, "/x"
    )
    try:
        seen = listed(identity)
        assert (seen.kubelets, seen.pod, seen.uid) == (False, "", "")
        assert not seen.is_component("etcd")
    finally:
        Docker().remove([identity])


def test_only_the_pod_of_a_manifest_is_a_component() -> None:
    own = Container("1", "x", namespace="kube-system", pod="etcd-node", uid=STATIC, role="etcd")
    assert own.is_component("etcd")
    copy = Container("1", "x", namespace="kube-system", pod="etcd-node", uid=OTHER, role="etcd")
    assert not copy.is_component("etcd")
    pause = Container("1", "x", namespace="kube-system", pod="etcd-node", uid=STATIC, role="POD")
    assert (pause.is_component("etcd"), pause.is_in_static_pod("etcd")) == (False, True)


def test_removing_takes_the_volumes_and_twice_is_no_error(container: str) -> None:
    runtime, volumes = Docker(), listed(container).volumes
    assert f"volume {next(iter(volumes))}" in runtime.others(frozenset())
    assert f"volume {next(iter(volumes))}" not in runtime.others(volumes)
    for _again in range(2):
        runtime.stop([container, "0" * 64], 1)
        runtime.remove([container, "0" * 64])
    assert container not in {each.identity for each in runtime.containers()}
    assert f"volume {next(iter(volumes))}" not in runtime.others(frozenset())


def test_what_a_command_in_a_container_says_is_told_and_nothing_is_left(image: str) -> None:
    before = {each.identity for each in Docker().containers()}
    with pytest.raises(ContainerRuntimeError, match="/missing"):
        Docker().run(image, ["/missing"], {})
    assert before >= {each.identity for each in Docker().containers()}


def test_names_come_and_go(image: str, tmp_path: Path) -> None:
    runtime, second = Docker(), f"{image.partition(':')[0]}:2"
    first = runtime.image(image)
    assert first
    assert first.identity == docker("image", "inspect", "--format", "{{.Id}}", image)
    runtime.tag(image, second)
    assert runtime.image(second) == first
    assert {image, second} <= set(runtime.images()[first.identity])
    archive = tmp_path / "saved.tar"
    runtime.save(second, str(archive))
    for _again in range(2):
        runtime.untag(second)
    assert runtime.image(second) is None
    runtime.load(str(archive))
    assert runtime.image(second) == first
    runtime.untag(second)


def test_an_archive_that_is_none_is_refused_by_name_in_dockers_words(tmp_path: Path) -> None:
    archive = tmp_path / "broken.tar"
    archive.write_text("broken")
    with pytest.raises(ContainerRuntimeError, match=r"broken\.tar can't be loaded\. Docker: .*EOF"):
        Docker().load(str(archive))


def test_a_registry_that_does_not_answer_is_named() -> None:
    reference = Reference.parse(f"127.0.0.1:1/thing:1@sha256:{'0' * 64}")
    with pytest.raises(ContainerRuntimeError, match=r"127\.0\.0\.1:1.*connection refused"):
        Docker().pull(reference)


def test_without_a_socket_docker_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "SOCKET", str(tmp_path / "docker.sock"))
    for ask in (Docker().version, Docker().containers, Docker().images):
        with pytest.raises(ContainerRuntimeError, match=r"not answer at .*: no such file or directory"):
            ask()
    assert Docker().host_address() == ""


def piece(place: int, text: str) -> bytes:
    """A piece of a log as Docker's API documents it."""
    content = text.encode()
    return bytes([place, 0, 0, 0]) + len(content).to_bytes(4, "big") + content


def test_pieces_of_both_streams_come_in_their_order() -> None:
    stream = piece(1, "first\n") + piece(2, "gr\u00fc\u00dfe\n") + piece(1, "last\n")
    assert log_text(stream) == "first\ngr\u00fc\u00dfe\nlast\n"


def test_a_piece_that_is_cut_off_is_read_as_far_as_it_goes() -> None:
    assert log_text(piece(2, "flag provided but not defined")[:20]) == "flag provide"


def test_the_log_of_a_terminal_has_nothing_between() -> None:
    assert log_text(b"plain text\n") == "plain text\n"
    assert log_text(b"") == ""
