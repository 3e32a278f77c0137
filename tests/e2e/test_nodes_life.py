"""A cluster of two nodes gets another version, other addresses, new certificates, and its data back."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import objects
import pytest
import yaml
from ansible_collections.mink8s.kubernetes.plugins.module_utils.pki import signing, x509
from bare_node import CONNECTION, Node, make, runtime, said, sandbox, shell

OLD, NEW = "v1.20.2", "v1.20.3"
COMPONENTS = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"]
PKI = "/etc/kubernetes/pki"
BUDGET = {
    "apiVersion": "policy/v1beta1",
    "kind": "PodDisruptionBudget",
    "metadata": {"name": "web"},
    "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}},
}
# The host has the new address alone, as after a start in another network.
MOVE = """
old=$(ip -4 -brief address show eth0 | awk '{print $3}')
ip address delete $old dev eth0
ip address add %s/16 dev eth0
ip route replace default via %s
"""


@dataclass
class Cluster:
    """Two nodes, the first with the control plane. variables: of the release that runs."""

    alpha: Node
    beta: Node
    variables: dict[str, Any]

    def play(self, name: str, *options: str, **variables: Any) -> str:
        """What a playbook prints, which has to succeed."""
        run = self.alpha.playbook(name, *options, **{**self.variables, **variables})
        assert run.returncode == 0, said(run)
        return said(run)

    def refusal(self, name: str, *options: str, **variables: Any) -> str:
        """What a playbook prints, which has to fail."""
        run = self.alpha.playbook(name, *options, **{**self.variables, **variables})
        assert run.returncode != 0, said(run)
        return said(run)

    def nodes(self) -> dict[str, Any]:
        """The nodes in the API, by name."""
        listed = json.loads(self.alpha.run("kubectl", "get", "nodes", "--output", "json"))
        return {item["metadata"]["name"]: item for item in listed["items"]}

    def subnets(self) -> dict[str, str]:
        """The part of the pod network of each."""
        return {name: node["spec"]["podCIDR"] for name, node in self.nodes().items()}

    def addresses(self) -> dict[str, str]:
        """The address of each."""
        return {name: node["status"]["addresses"][0]["address"] for name, node in self.nodes().items()}

    def versions(self) -> dict[str, str]:
        """The kubelet's version of each."""
        return {name: node["status"]["nodeInfo"]["kubeletVersion"] for name, node in self.nodes().items()}

    def are_ready(self) -> bool:
        """Whether both nodes are, and take pods."""
        return len(self.nodes()) == 2 and all(
            {"type": "Ready", "status": "True"}.items() <= each.items()
            for node in self.nodes().values()
            for each in node["status"]["conditions"]
            if each["type"] == "Ready" and not node["spec"].get("unschedulable")
        )

    def takes_a_pod(self, name: str) -> None:
        """Wait until a new pod runs on the second node."""
        objects.apply(self.alpha, objects.pod(self.beta, name))
        objects.runs(self.beta, name)


def variables(version: str) -> dict[str, Any]:
    """The variables of one of the two releases."""
    given = json.loads(sandbox("vars", "--artifacts", sandbox("release", version), "--version", version))
    return {**given, "cluster_release_checksum": "", "cluster_components": COMPONENTS}


def inventory(path: Path, alpha: str, beta: str) -> None:
    """The hosts of both nodes."""
    hosts = {alpha: {}, beta: {"cluster_control_plane": alpha}}
    path.write_text(yaml.safe_dump({"mink8s": {"hosts": hosts, "vars": CONNECTION}}))


def move(node: Node, address: str) -> None:
    """Give the host another address."""
    gateway = node.run("sh", "-c", "ip route show default | awk '{print $3}'").strip()
    node.run("sh", "-ec", MOVE % (address, gateway))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of the old version with two web servers."""
    directory = tmp_path_factory.mktemp("inventory")
    names = ("mink8s-nodes-life", "mink8s-nodes-life-2")
    try:
        alpha, beta = (make(name, {}, directory) for name in names)
        inventory(directory / "hosts.yml", *names)
        given = {**variables(OLD), "backup_dir": str(directory / "backups")}
        made = Cluster(alpha, beta, given)
        made.play("site.yml")
        image = min(name for name in runtime().tags(alpha) if "/pause:" in name)
        container = {"name": "web", "image": image, "imagePullPolicy": "Never"}
        spread = {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": "web"}},
        }
        spec = {"containers": [container], "terminationGracePeriodSeconds": 1}
        web = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web"},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": {"app": "web"}},
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {**spec, "topologySpreadConstraints": [spread]},
                },
            },
        }
        objects.apply(alpha, web)
        shell(alpha, "kubectl rollout status deployment web --timeout=60s")
        yield made
    finally:
        for name in names:
            sandbox("node-rm", name)


def test_a_node_is_not_upgraded_before_its_control_plane(cluster: Cluster) -> None:
    text = cluster.refusal("upgrade.yml", "--limit", cluster.beta.name, **variables(NEW))
    assert f"kube-apiserver on {cluster.alpha.name} is {OLD}, and a kubelet is never newer" in text
    assert "changed=0 " in text
    assert set(cluster.versions().values()) == {OLD}


def test_pods_that_a_disruption_budget_keeps_stay(cluster: Cluster) -> None:
    objects.apply(cluster.alpha, BUDGET)
    allowed = "kubectl get poddisruptionbudget web --output jsonpath={.status.currentHealthy}"
    objects.until(cluster.alpha, lambda: shell(cluster.alpha, allowed) == "2", "the budget counts its pods")
    text = cluster.refusal("upgrade.yml", upgrade_drain=True, upgrade_drain_timeout=6, **variables(NEW))
    assert f"Node {cluster.alpha.name} still has pods. After 6 s a disruption budget still keeps" in text
    assert "default/web (healthy pods: 2, needed: 2)" in text
    assert "It is uncordoned again" in text
    assert set(cluster.versions().values()) == {OLD}
    assert cluster.are_ready()
    shell(cluster.alpha, "kubectl delete poddisruptionbudget web")


def test_the_next_version_comes_to_the_control_plane_and_then_to_the_node(cluster: Cluster) -> None:
    before = cluster.subnets()
    cluster.variables.update(variables(NEW))
    text = cluster.play("upgrade.yml", upgrade_drain=True)
    first, second = (
        text.index(f"{node.name} ran {OLD} and runs kubelet {NEW}, kube-apiserver {NEW}")
        for node in (cluster.alpha, cluster.beta)
    )
    assert first < second
    assert set(cluster.versions().values()) == {NEW}
    assert cluster.subnets() == before
    assert cluster.are_ready()
    assert len(list(Path(cluster.variables["backup_dir"]).iterdir())) == 2
    assert cluster.play("upgrade.yml").count(f"already runs {NEW}") == 2


def test_a_certificate_near_its_end_is_renewed(cluster: Cluster, tmp_path: Path) -> None:
    for node, name in ((cluster.alpha, "ca"), (cluster.beta, "kubelet-client")):
        for suffix in ("crt", "key"):
            subprocess.run(
                ["docker", "cp", "-q", f"{node.name}:{PKI}/{name}.{suffix}", str(tmp_path)], check=True
            )
    authority, found = (x509.load(tmp_path, name) for name in ("ca", "kubelet-client"))
    assert authority.certificate and authority.key and found.certificate and found.key
    end = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=10)
    issuer = x509.Identity(authority.certificate, authority.key)
    contents = x509.contents(found.certificate)
    short = signing.issue(contents, found.key, issuer, end - timedelta(days=300), end)
    (tmp_path / "short.crt").write_bytes(x509.certificate_pem(short))
    target = f"{cluster.beta.name}:{PKI}/kubelet-client.crt"
    subprocess.run(["docker", "cp", "-q", str(tmp_path / "short.crt"), target], check=True)
    before = objects.kubelet(cluster.alpha)
    cluster.play("site.yml")
    renewed = x509.read_certificate(cluster.beta.run("cat", f"{PKI}/kubelet-client.crt"))
    assert x509.not_after(renewed) > end + timedelta(days=100)
    assert objects.kubelet(cluster.alpha) == before
    assert cluster.are_ready()


def test_a_changed_authority_signs_for_all_in_one_run(cluster: Cluster) -> None:
    before = objects.kubelet(cluster.beta)
    cluster.alpha.run("sh", "-c", f"rm {PKI}/ca.* {PKI}/kubelet-ca.*")
    cluster.play("site.yml")
    for name in ("ca", "kubelet-ca"):
        authorities = {node.run("cat", f"{PKI}/{name}.crt") for node in (cluster.alpha, cluster.beta)}
        assert len(authorities) == 1
    assert objects.kubelet(cluster.beta) != before
    assert cluster.are_ready()
    cluster.takes_a_pod("trusting")
    objects.until(
        cluster.alpha,
        lambda: (
            "pause" not in shell(cluster.alpha, "kubectl logs trusting --limit-bytes 1 2>&1 || echo pause")
        ),
        "kube-apiserver reaches the node's kubelet",
    )


@pytest.mark.parametrize(("name", "last"), [("beta", 2), ("alpha", 1)])
def test_a_host_comes_back_with_another_address(cluster: Cluster, name: str, last: int) -> None:
    moved, other = getattr(cluster, name), cluster.alpha if name == "beta" else cluster.beta
    before, address = cluster.subnets(), f"172.17.201.{last}"
    move(moved, address)
    cluster.play("site.yml")
    assert cluster.addresses()[moved.name] == address
    assert cluster.subnets() == before
    assert cluster.are_ready()
    assert f"via {address} " in other.run("ip", "route", "show", before[moved.name])
    assert f" src {address} " in moved.run("ip", "route", "show", before[other.name])
    listed = json.loads(cluster.alpha.run("cat", "/etc/kubernetes/pod-subnets.json"))
    assert listed[moved.name] == {"address": address, "subnet": before[moved.name]}
    cluster.takes_a_pod(f"moved-{name}")


def test_a_restore_has_the_nodes_see_what_comes_after_it(cluster: Cluster) -> None:
    before = cluster.subnets()
    cluster.play("backup.yml", "--limit", cluster.alpha.name)
    *_others, backup = sorted(Path(cluster.variables["backup_dir"]).iterdir())
    # Versions that come again afterwards, and that a watch from before would pass over.
    shell(cluster.alpha, "for n in $(seq 40); do kubectl create configmap later-$n; done")
    cluster.play("restore.yml", "--limit", cluster.alpha.name, restore_file=str(backup))
    assert "later-1" not in shell(cluster.alpha, "kubectl get configmaps")
    cluster.takes_a_pod("restored")
    objects.until(cluster.alpha, cluster.are_ready, "both nodes are Ready")
    assert cluster.subnets() == before


def test_a_control_plane_is_made_anew_from_a_backup(cluster: Cluster, tmp_path: Path) -> None:
    before = cluster.subnets()
    cluster.play("backup.yml", "--limit", cluster.alpha.name)
    *_others, backup = sorted(Path(cluster.variables["backup_dir"]).iterdir())
    make(cluster.alpha.name, {}, tmp_path)
    cluster.play("restore.yml", "--limit", cluster.alpha.name, restore_file=str(backup))
    cluster.play("site.yml")
    assert cluster.subnets() == before
    objects.until(cluster.alpha, cluster.are_ready, "both nodes are Ready")
    cluster.takes_a_pod("anew")
