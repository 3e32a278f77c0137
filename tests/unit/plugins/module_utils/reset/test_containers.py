"""Of an engine's containers and images only the cluster's go."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.mink8s.kubernetes.plugins.module_utils.reset import containers
from ansible_collections.mink8s.kubernetes.plugins.module_utils.reset.containers import Container, Observed

ETCD = Container(
    "c1", "k8s_etcd", "sha256:etcd", running=True, kubelets=True, volumes=frozenset({"anonymous"})
)
ENDED = Container("c2", "k8s_web", "sha256:web", running=False, kubelets=True)
# A name like the kubelet's is not enough.
WEB = Container("c3", "k8s_theirs", "sha256:theirs", running=True, kubelets=False)
OBSERVED = Observed(
    (ETCD, ENDED, WEB),
    {"sha256:etcd": ("etcd:1",), "sha256:web": ("web:1",), "sha256:theirs": ("theirs:1",), "sha256:old": ()},
    frozenset({"anonymous", "data"}),
    frozenset({"bridge", "host", "none", "net"}),
)


def test_the_kubelets_containers_go_and_no_other() -> None:
    found = containers.remove_containers("docker", OBSERVED)
    assert [step.command for step in found.steps] == [
        ("docker", "stop", "--time", "10", "c1"),
        ("docker", "rm", "--force", "--volumes", "c1", "c2"),
    ]
    assert containers.remove_containers("docker", replace(OBSERVED, containers=(WEB,))).steps == []


def test_an_image_that_was_loaded_goes_once() -> None:
    found = containers.remove_images("docker", OBSERVED, {"etcd:1": "", "gone:1": ""})
    assert [step.command for step in found.steps] == [("docker", "rmi", "etcd:1")]


def test_a_name_goes_back_to_the_image_that_had_it() -> None:
    found = containers.remove_images("docker", OBSERVED, {"etcd:1": "sha256:old"})
    assert [step.command for step in found.steps] == [
        ("docker", "rmi", "etcd:1"),
        ("docker", "tag", "sha256:old", "etcd:1"),
    ]
    # Killed in between.
    between = replace(OBSERVED, images={"sha256:old": ()})
    found = containers.remove_images("docker", between, {"etcd:1": "sha256:old"})
    assert [step.command for step in found.steps] == [("docker", "tag", "sha256:old", "etcd:1")]
    done = replace(OBSERVED, images={"sha256:old": ("etcd:1",)})
    assert containers.remove_images("docker", done, {"etcd:1": "sha256:old"}).steps == []


def test_a_name_whose_former_image_is_gone_just_goes() -> None:
    found = containers.remove_images("docker", OBSERVED, {"etcd:1": "sha256:forgotten"})
    assert [step.command for step in found.steps] == [("docker", "rmi", "etcd:1")]


def test_an_image_that_others_use_stays() -> None:
    found = containers.remove_images("docker", OBSERVED, {"theirs:1": "", "etcd:1": ""})
    assert [step.command for step in found.steps] == [("docker", "rmi", "etcd:1")]
    assert found.kept == ["Image theirs:1 is left: the container k8s_theirs is made from it."]


def test_what_is_others_is_named() -> None:
    assert containers.foreign(OBSERVED, {"etcd:1": ""}) == [
        "container k8s_theirs",
        "image theirs:1",
        "image old",
        "volume data",
        "network net",
    ]
    assert containers.foreign(Observed(networks=frozenset({"bridge", "host", "none"})), {}) == []


def test_images_of_pods_are_the_clusters() -> None:
    assert containers.brought(OBSERVED) == {"etcd:1": "", "web:1": ""}
