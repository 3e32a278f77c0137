"""A node leaves its cluster, by reset or because its host is gone, and nothing of it stays anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bare_node
import pytest
import snapshot
import yaml
from bare_node import Node, bare, changed, said, sandbox, shell

ALPHA, BETA = "mink8s-nodes", "mink8s-nodes-2"
SUBNETS = "/etc/kubernetes/pod-subnets.json"
CONFIRMED = {"reset_confirm": True, "reset_container_runtime": True}
# Docker writes it when a node of the sandbox is started.
OUTSIDE = ("file /etc/hosts ",)


@pytest.fixture(scope="module")
def beta(given: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """The host that joins, bare."""
    with bare(BETA, given, tmp_path_factory.mktemp("beta")) as node:
        yield node


@pytest.fixture(scope="module")
def was_bare(beta: Node) -> snapshot.Snapshot:
    """What there was on it before there was a cluster."""
    # Its mount points for data have the modes that dockerd and containerd give them.
    beta.run("sh", "-c", "chmod 710 /var/lib/docker; chmod 700 /var/lib/containerd")
    return snapshot.take(beta)


@pytest.fixture(scope="module")
def alpha(node: Node, beta: Node, was_bare: snapshot.Snapshot) -> Node:
    """The control plane of a cluster of two nodes, with the inventory of both."""
    inventory = yaml.safe_load(node.inventory.read_text())
    inventory["mink8s"]["vars"]["cluster_authentication"] = "certificates"
    other = bare_node.runtimes()[-1]
    workers = {
        "hosts": {BETA: {"cluster_container_runtime": other}},
        "vars": {"cluster_control_plane": ALPHA},
    }
    inventory["mink8s"]["children"] = {"workers": workers}
    node.inventory.write_text(yaml.safe_dump(inventory))
    joined(node)
    return node


def joined(alpha: Node) -> None:
    """Make a cluster of both."""
    assert changed(alpha.playbook("site.yml"))
    assert registered(alpha) == [ALPHA, BETA]
    assert sorted(json.loads(alpha.run("cat", SUBNETS))) == [ALPHA, BETA]
    assert alpha.run("ip", "route", "show", "proto", "118").count("via") == 1


def registered(alpha: Node) -> list[str]:
    """The names of the nodes in the API."""
    return shell(alpha, "kubectl get nodes --output jsonpath='{.items[*].metadata.name}'").split()


def is_gone(alpha: Node) -> None:
    """The API and the control plane's host have nothing of beta, and the next run has nothing to do."""
    assert registered(alpha) == [ALPHA]
    assert BETA not in shell(alpha, "kubectl get pods,leases --all-namespaces --output wide")
    assert list(json.loads(alpha.run("cat", SUBNETS))) == [ALPHA]
    assert alpha.run("ip", "route", "show", "proto", "118") == ""
    assert changed(alpha.playbook("site.yml", "--limit", ALPHA)) == []


def test_a_control_plane_is_not_reset_without_its_nodes(alpha: Node) -> None:
    run = alpha.playbook("reset.yml", "--limit", ALPHA, **CONFIRMED)
    assert f"{ALPHA} has the control plane of other nodes: {BETA}. Nothing was changed." in said(run)
    assert registered(alpha) == [ALPHA, BETA]
    checked = alpha.playbook("reset.yml", "--check")
    assert checked.returncode == 0, said(checked)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "Which node?"),
        (
            "nobody",
            f"No cluster has a node nobody. Nothing was changed. There are {BETA} in the cluster of {ALPHA}.",
        ),
        (ALPHA, f"{ALPHA} is the control plane's own node"),
        (BETA, f"The kubelet of {BETA} runs on {BETA}"),
    ],
)
def test_a_node_that_is_not_to_be_removed_stays(alpha: Node, name: str, message: str) -> None:
    run = alpha.playbook("remove_node.yml", node=name)
    assert run.returncode != 0
    assert message in said(run)
    assert registered(alpha) == [ALPHA, BETA]


def test_what_a_control_plane_alone_has_is_fetched_from_it(alpha: Node, tmp_path: Path) -> None:
    for name in ("backup", "kubeconfig"):
        file = {"kubeconfig_file": str(tmp_path / "config")} if name == "kubeconfig" else {}
        run = alpha.playbook(f"{name}.yml", backup_dir=str(tmp_path / "backups"), **file)
        assert run.returncode == 0, said(run)
    assert (tmp_path / "config").exists()
    (backup,) = (tmp_path / "backups").iterdir()
    assert backup.name.startswith(f"{ALPHA}-2")


def test_a_node_that_is_reset_is_gone_and_its_host_as_before(
    alpha: Node, beta: Node, was_bare: snapshot.Snapshot
) -> None:
    run = alpha.playbook("reset.yml", "--limit", BETA, **CONFIRMED)
    assert "Delete the Node and its pods" in " ".join(changed(run))
    difference = snapshot.difference(was_bare, snapshot.take(beta))
    assert [line for line in difference if not line.startswith(OUTSIDE)] == []
    is_gone(alpha)
    assert changed(alpha.playbook("reset.yml", "--limit", BETA, **CONFIRMED)) == []


def test_a_node_whose_host_is_gone_is_removed_with_one_command(alpha: Node) -> None:
    joined(alpha)
    sandbox("node-rm", BETA)
    assert len(changed(alpha.playbook("remove_node.yml", "--check", node=BETA))) == 3
    assert registered(alpha) == [ALPHA, BETA]
    run = alpha.playbook("remove_node.yml", node=BETA)
    assert len(changed(run)) == 3
    assert f"node {BETA} is registered" in said(run)
    is_gone(alpha)
    assert changed(alpha.playbook("reset.yml", "--limit", ALPHA, **CONFIRMED))
