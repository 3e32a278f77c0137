"""A cluster with containerd, on a host of its own and beside somebody's Docker."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import bare_node
import objects
import pytest
import snapshot
from bare_node import Node, changed, load, said, shell

KUBECTL = ("env", "KUBECONFIG=/etc/kubernetes/admin.conf", "kubectl")
COMPONENTS = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"]
CLUSTER: dict[str, Any] = {"cluster_container_runtime": "containerd", "cluster_components": COMPONENTS}
CONFIGURATION = "/etc/containerd/config.toml"
THEIRS = r"""
set -eu
apt-get -qq update
DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends docker.io >/dev/null
printf '# Somebody has written this.\n%s\n' "$(cat /etc/containerd/config.toml)" >/etc/containerd/config.toml
systemctl restart containerd docker
"""


@pytest.fixture(scope="module")
def bare(node: Node) -> snapshot.Snapshot:
    """The bare host; its mount points for data have the modes that dockerd and containerd give them."""
    node.run("sh", "-c", "chmod 710 /var/lib/docker; chmod 700 /var/lib/containerd")
    return snapshot.take(node)


def test_a_cluster_comes_up_and_a_second_run_changes_nothing(node: Node, bare: snapshot.Snapshot) -> None:
    assert changed(node.playbook("site.yml", "--check", **CLUSTER))
    assert snapshot.difference(bare, snapshot.take(node)) == []
    assert changed(node.playbook("site.yml", **CLUSTER))
    version = node.run(
        *KUBECTL, "get", "nodes", "--output", "jsonpath={.items[0].status.nodeInfo.containerRuntimeVersion}"
    )
    assert version.startswith("containerd://")
    assert node.run("sh", "-c", "command -v dockerd docker || true") == ""
    assert changed(node.playbook("site.yml", **CLUSTER)) == []
    assert changed(node.playbook("site.yml", "--check", **CLUSTER)) == []


def test_the_proofs_are_the_same_as_with_docker(node: Node) -> None:
    run = node.playbook("verify.yml", **CLUSTER)
    assert run.returncode == 0, said(run)
    assert "A killed container came back" in said(run)


def test_pods_reach_each_other_themselves_and_the_outside(node: Node) -> None:
    load(node, "containerd")
    shell(node, objects.WEB)
    address = shell(node, "kubectl get service web --output jsonpath='{.spec.clusterIP}'")
    pods = shell(node, "kubectl get pods --selector app=web --output jsonpath='{.items[*].metadata.name}'")
    # Half of the answers are a pod's own.
    for pod in pods.split():
        for _again in range(8):
            shell(node, f"timeout 10 kubectl exec {pod} -- wget -q -O - http://{address}/ | grep mink8s")
    gateway = shell(node, "ip route show default | cut -d ' ' -f 3").strip()
    shell(node, f"kubectl exec {pods.split()[0]} -- ping -c 1 -W 5 {gateway}")


def test_status_names_containerd_and_what_a_person_types(node: Node) -> None:
    told = said(node.playbook("status.yml", **CLUSTER))
    assert "unit containerd.service" in told
    assert "unit docker.service" not in told
    for component in COMPONENTS:
        assert f"{component} " in told
    assert "not healthy" not in told


def test_a_component_that_does_not_start_is_told_in_its_own_words(node: Node) -> None:
    run = node.playbook("site.yml", **CLUSTER, cluster_arguments={"kube-scheduler": {"v": "many"}})
    assert run.returncode != 0
    assert 'invalid argument "many"' in said(run)
    assert "/var/log/containers/" in said(run)
    assert changed(node.playbook("site.yml", **CLUSTER)) == []


def test_a_backup_is_restored(node: Node, tmp_path: Path) -> None:
    shell(node, "kubectl create configmap kept --from-literal=a=1")
    run = node.playbook("backup.yml", **CLUSTER, backup_dir=str(tmp_path))
    assert run.returncode == 0, said(run)
    shell(node, "kubectl delete configmap kept")
    (archive,) = tmp_path.iterdir()
    run = node.playbook("restore.yml", **CLUSTER, restore_file=str(archive))
    assert run.returncode == 0, said(run)
    assert shell(node, "kubectl get configmap kept --output jsonpath='{.data.a}'") == "1"


def test_it_comes_back_after_a_restart_of_the_host(node: Node) -> None:
    subprocess.run(["docker", "restart", node.name], check=True, capture_output=True)
    # What the API says at first is what was so before.
    form = "jsonpath={.items[*].status.containerStatuses[0].restartCount}"
    ask = (*KUBECTL, "get", "pods", "--selector", "app=web", "--output", form)
    objects.until(
        node, lambda: node.run(*ask, check=False).split() == ["1", "1"], "pods run anew", seconds=120
    )
    shell(node, "kubectl rollout status deployment web --timeout=60s")
    assert "10.244.0.1/24" in node.run("ip", "-brief", "address", "show", "cni0")


def test_reset_leaves_nothing(node: Node, bare: snapshot.Snapshot) -> None:
    run = node.playbook("reset.yml", reset_confirm=True)
    assert run.returncode == 0, said(run)
    assert node.run("ctr", "--namespace", "k8s.io", "containers", "list", "--quiet") == ""
    assert node.run("ctr", "--namespace", "k8s.io", "images", "list", "--quiet") == ""
    assert node.run("ip", "-brief", "link", "show", "type", "bridge") == ""
    assert "veth" not in node.run("ip", "-brief", "link", "show")
    run = node.playbook("reset.yml", reset_confirm=True, reset_container_runtime=True)
    assert run.returncode == 0, said(run)
    documented = ("iptables ", "file /etc/hosts ")
    left = snapshot.difference(bare, snapshot.take(node))
    assert [line for line in left if not line.startswith(documented)] == []
    assert changed(node.playbook("reset.yml", reset_confirm=True, reset_container_runtime=True)) == []


def test_a_containerd_that_would_be_too_old_is_told_before_anything_is_changed(
    given: dict[str, Any], tmp_path: Path
) -> None:
    with bare_node.bare("mink8s-containerd-old", given, tmp_path, "bullseye") as old:
        run = old.playbook("site.yml", **CLUSTER)
        assert run.returncode != 0
        assert "the one that apt would install, 1.4." in said(run)
        assert "does not speak CRI v1. Install containerd 1.6 or later" in said(run)
        assert "changed=0 " in said(run)


def test_somebodys_docker_runs_on_beside_it(node: Node) -> None:
    node.run("sh", "-c", THEIRS)
    load(node, "docker")
    node.run("docker", "run", "--detach", "--name", "theirs", "busybox:1.35", "sleep", "1000000")
    inspect = ("docker", "inspect", "--format", "{{json .State}}", "theirs")
    before, text = json.loads(node.run(*inspect)), node.run("cat", CONFIGURATION)
    assert changed(node.playbook("site.yml", **CLUSTER))
    assert changed(node.playbook("site.yml", **CLUSTER)) == []
    assert "# Somebody has written this." in node.run("cat", CONFIGURATION)
    assert json.loads(node.run(*inspect)) == before
    run = node.playbook("verify.yml", **CLUSTER)
    assert run.returncode == 0, said(run)
    run = node.playbook("reset.yml", reset_confirm=True)
    assert run.returncode == 0, said(run)
    assert json.loads(node.run(*inspect)) == before
    assert node.run("cat", CONFIGURATION) == text


def test_a_cluster_changes_its_container_runtime_and_keeps_its_data(node: Node) -> None:
    assert changed(node.playbook("site.yml", **{**CLUSTER, "cluster_container_runtime": "docker"}))
    assert "k8s_etcd_etcd-" in node.run("docker", "ps", "--format", "{{.Names}}")
    shell(node, "kubectl create configmap kept --from-literal=a=1")
    load(node, "docker")
    node.run("docker", "create", "--name", "somebodys", "busybox:1.35")
    run = node.playbook("site.yml", **CLUSTER)
    assert changed(run)
    assert "runtime_change: The kubelet of this host uses docker, and is going to use containerd" in said(run)
    assert "k8s_" not in node.run("docker", "ps", "--all", "--format", "{{.Names}}")
    assert "containerd://" in shell(node, "kubectl get nodes --output wide")
    assert shell(node, "kubectl get configmap kept --output jsonpath='{.data.a}'") == "1"
    assert changed(node.playbook("site.yml", **CLUSTER)) == []
    run = node.playbook("reset.yml", reset_confirm=True, reset_container_runtime=True)
    assert run.returncode == 0, said(run)
    assert "somebodys" in node.run("docker", "ps", "--all", "--format", "{{.Names}}")
