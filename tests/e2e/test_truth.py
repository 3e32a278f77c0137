"""What check mode says is what a run does, and a run does only what there is to do."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from typing import Any

import pytest
import snapshot
from bare_node import Node, changed, runtime

SERVED_NAMES = """
import ssl, subprocess
pem = ssl.get_server_certificate(("127.0.0.1", 6443))
print(subprocess.run(["openssl", "x509", "-noout", "-ext", "subjectAltName"], input=pem, text=True,
                     capture_output=True, check=True).stdout)
"""


@dataclass(frozen=True)
class Running:
    """What runs on a node: container IDs of the static pods, and the main processes of the units."""

    etcd: str
    apiserver: str
    kubelet: str
    runtime: str


def running(node: Node) -> Running:
    """What runs now."""

    def container(name: str) -> str:
        # A kube-apiserver that was told to end answers its last requests beside the next one.
        deadline = time.monotonic() + 90
        while len(found := runtime().running(node, name)) != 1:
            assert time.monotonic() < deadline, f"{name} runs in {found}"
            time.sleep(1)
        return found[0].key

    def process(unit: str) -> str:
        return node.run("systemctl", "show", "--property", "MainPID", "--value", unit).strip()

    units = (process(unit) for unit in ("kubelet", runtime().name))
    return Running(container("etcd"), container("kube-apiserver"), *units)


@pytest.fixture(scope="module")
def checked(node: Node) -> list[str]:
    """What check mode says of the bare node, on which it changes nothing."""
    before = snapshot.take(node)
    run = node.playbook("site.yml", "--check", "--diff")
    said = changed(run)
    assert snapshot.difference(before, snapshot.take(node)) == []
    return said


@pytest.fixture(scope="module")
def made(node: Node, checked: list[str]) -> list[str]:
    """What the run then does."""
    return changed(node.playbook("site.yml"))


@pytest.fixture(scope="module")
def variables(made: list[str]) -> dict[str, Any]:
    """The variables the tests below have given the cluster so far."""
    return {}


def test_check_mode_on_a_bare_host_names_exactly_the_tasks_that_change_it(
    checked: list[str], made: list[str]
) -> None:
    assert len(made) > 5
    assert checked == made


def test_a_second_run_changes_nothing(node: Node, made: list[str]) -> None:
    assert changed(node.playbook("site.yml")) == []


def test_a_run_after_a_reboot_changes_nothing(node: Node, made: list[str]) -> None:
    subprocess.run(["docker", "restart", node.name], check=True, capture_output=True)
    assert changed(node.playbook("site.yml")) == []


def test_a_longer_wait_touches_nothing(node: Node, variables: dict[str, Any]) -> None:
    before = running(node)
    variables["cluster_timeout"] = 200
    assert changed(node.playbook("site.yml", **variables)) == []
    assert running(node) == before


def test_another_namespace_touches_the_api_alone(node: Node, variables: dict[str, Any]) -> None:
    before = running(node)
    variables["cluster_service_account_namespaces"] = ["default", "lesson"]
    assert changed(node.playbook("site.yml", **variables)) == [
        "mink8s.kubernetes.node : Create default ServiceAccounts and wait for the node and its static pods,"
        " at most 200 seconds"
    ]
    assert "default" in node.run("kubectl", "get", "serviceaccounts", "--namespace", "lesson")
    assert running(node) == before


def test_another_name_of_the_api_restarts_it_alone(node: Node, variables: dict[str, Any]) -> None:
    before = running(node)
    variables["cluster_apiserver_alternative_names"] = ["lesson.example"]
    said = changed(node.playbook("site.yml", "--check", **variables))
    assert changed(node.playbook("site.yml", **variables)) == said
    assert said == [
        "mink8s.kubernetes.credentials : Make certificates and kubeconfigs",
        "mink8s.kubernetes.control_plane : Write the static pods' manifests",
    ]
    after = running(node)
    assert after.apiserver != before.apiserver
    assert (after.etcd, after.kubelet, after.runtime) == (before.etcd, before.kubelet, before.runtime)
    assert "DNS:lesson.example" in node.run("python3", "-c", SERVED_NAMES)


def test_another_directory_for_programs_restarts_the_kubelet_alone(
    node: Node, variables: dict[str, Any]
) -> None:
    before = running(node)
    variables["cluster_bin_dir"] = "/opt/kubernetes/bin"
    assert changed(node.playbook("site.yml", **variables)) == [
        "mink8s.kubernetes.release : Install the Kubernetes release",
        "mink8s.kubernetes.kubelet : Configure and start the kubelet",
    ]
    after = running(node)
    assert node.run("readlink", f"/proc/{after.kubelet}/exe").strip() == "/opt/kubernetes/bin/kubelet"
    assert (after.etcd, after.apiserver, after.runtime) == (before.etcd, before.apiserver, before.runtime)


def test_a_setting_of_the_container_runtime_restarts_it(
    node: Node, given: dict[str, Any], variables: dict[str, Any]
) -> None:
    before = running(node)
    name = runtime().settings
    variables[name] = {**given.get(name, {}), **runtime().debug}
    assert changed(node.playbook("site.yml", **variables)) == [runtime().role_task]
    after = running(node)
    assert after.runtime != before.runtime
    # Where containers stop by it, the kubelet is stopped meanwhile.
    same = [getattr(after, each) == getattr(before, each) for each in ("etcd", "apiserver", "kubelet")]
    assert same == [runtime().keeps_containers] * 3
    assert changed(node.playbook("site.yml", **variables)) == []
