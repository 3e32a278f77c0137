"""Of a container runtime's containers and images only the cluster's go."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.reset import containers, steps
from ansible_collections.mink8s.kubernetes.plugins.module_utils.reset.containers import Observed
from ansible_collections.mink8s.kubernetes.plugins.module_utils.reset.steps import Findings
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import selection
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import Container

ETCD = Container("c1", "k8s_etcd", "sha256:etcd", uid="1")
ENDED = Container("c2", "k8s_web", "sha256:web", state="exited", uid="2")
# A name like the kubelet's is not enough.
WEB = Container("c3", "k8s_theirs", "sha256:theirs")
OBSERVED = Observed(
    (ETCD, ENDED, WEB),
    {"sha256:etcd": ("etcd:1",), "sha256:web": ("web:1",), "sha256:theirs": ("theirs:1",), "sha256:old": ()},
    ("volume data", "network net"),
)
# An archive with nothing in it.
EMPTY_TAR = bytes(10240)


def taken(found: Findings) -> list[tuple[str, ...]]:
    return [(step.action, *step.names) for step in found.steps]


def test_the_kubelets_containers_go_and_no_other() -> None:
    found = containers.remove_containers(OBSERVED)
    assert taken(found) == [("stop", "c1"), ("remove_containers", "c1", "c2")]
    assert containers.remove_containers(replace(OBSERVED, containers=(WEB,))).steps == []


def test_an_image_that_was_loaded_goes_once() -> None:
    found = containers.remove_images(OBSERVED, {"etcd:1": "", "gone:1": ""})
    assert taken(found) == [("untag", "etcd:1")]


def test_a_name_goes_back_to_the_image_that_had_it() -> None:
    found = containers.remove_images(OBSERVED, {"etcd:1": "sha256:old"})
    assert taken(found) == [("untag", "etcd:1"), ("tag", "sha256:old", "etcd:1")]
    # Killed in between.
    between = replace(OBSERVED, images={"sha256:old": ()})
    found = containers.remove_images(between, {"etcd:1": "sha256:old"})
    assert taken(found) == [("tag", "sha256:old", "etcd:1")]
    done = replace(OBSERVED, images={"sha256:old": ("etcd:1",)})
    assert containers.remove_images(done, {"etcd:1": "sha256:old"}).steps == []


def test_a_name_whose_former_image_is_gone_just_goes() -> None:
    found = containers.remove_images(OBSERVED, {"etcd:1": "sha256:forgotten"})
    assert taken(found) == [("untag", "etcd:1")]


def test_an_image_that_others_use_stays() -> None:
    found = containers.remove_images(OBSERVED, {"theirs:1": "", "etcd:1": ""})
    assert taken(found) == [("untag", "etcd:1")]
    assert found.kept == ["Image theirs:1 is left: the container k8s_theirs is made from it."]


def test_what_is_others_is_named() -> None:
    assert containers.foreign(OBSERVED, {"etcd:1": ""}) == [
        "container k8s_theirs",
        "image theirs:1",
        "image old",
        "volume data",
        "network net",
    ]
    assert containers.foreign(Observed(), {}) == []


def test_images_of_pods_are_the_clusters() -> None:
    assert containers.brought(OBSERVED) == {"etcd:1": "", "web:1": ""}


def docker(*arguments: str, given: bytes = b"") -> str:
    done = subprocess.run(["docker", *arguments], check=True, input=given, stdout=subprocess.PIPE)
    return done.stdout.decode().strip()


@pytest.fixture
def name() -> Iterator[str]:
    """The name of an image and of a container that a kubelet might have made of it, with a volume."""
    name = f"mink8s-test-{uuid.uuid4().hex[:12]}"
    docker("import", "-", name, given=EMPTY_TAR)
    labels = ("io.kubernetes.docker.type=container", f"io.kubernetes.pod.uid={name}")
    options = (f"--name={name}", "--volume=/data", *(f"--label={label}" for label in labels))
    docker("create", *options, name, "/nothing")
    yield name
    docker("rm", "--force", "--volumes", name)
    docker("rmi", "--force", name)


def test_what_a_reset_that_was_killed_has_removed_is_no_failure(name: str) -> None:
    runtime = selection.of_host()
    seen = containers.observe(runtime)
    (ours,) = (container for container in seen.containers if container.name == name)
    assert ours.kubelets
    (volume,) = ours.volumes
    assert f"volume {volume}" not in seen.others
    observed = replace(seen, containers=(replace(ours, state="running"),))
    work = containers.remove_containers(observed).steps
    work += containers.remove_images(observed, {f"{name}:latest": ""}).steps
    assert [step.action for step in work] == ["stop", "remove_containers", "untag"]
    for _time in range(2):
        assert [steps.ask(runtime, step) for step in work] == ["", "", ""]
    left = containers.observe(runtime)
    assert name not in [container.name for container in left.containers]
    assert left.identity(f"{name}:latest") == ""
    assert f"volume {volume}" not in left.others


def test_what_the_container_runtime_refuses_is_a_failure(name: str) -> None:
    failure = steps.ask(selection.of_host(), steps.Step("", action="untag", names=(f"{name}:latest",)))
    assert "container" in failure
