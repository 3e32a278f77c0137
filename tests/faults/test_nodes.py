"""Several nodes: one is gone for a while, or the network between them, and runs that add one go wrong."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import bare_node
import lesson
import objects
import power
import pytest
import yaml
from bare_node import Node, said, sandbox
from cluster import Cluster, Record, until

COMPONENTS = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"]
NAMES = ("mink8s-faults", "mink8s-faults-2", "mink8s-faults-3", "mink8s-faults-4")
DOWN = 300
REPLICAS = 4
FETCH = "import urllib.request; print(urllib.request.urlopen('http://{}/', timeout=5).read().decode())"
# Of the two nodes' own packets, and of those of their pods.
CUT = """
iptables --{0} INPUT --source {1} --jump DROP
iptables --{0} OUTPUT --destination {1} --jump DROP
iptables --{0} FORWARD --source {2} --jump DROP
iptables --{0} FORWARD --destination {2} --jump DROP
"""


@dataclass
class Nodes:
    """The nodes of one cluster, the first with the control plane, and the two that join later."""

    cluster: Cluster
    beta: Node
    more: tuple[Node, Node]

    @property
    def alpha(self) -> Node:
        """The control plane's host."""
        return self.cluster.node

    def not_ready(self) -> str:
        """What keeps a node from being Ready and having a subnet of its own; empty if nothing does."""
        items = (self.cluster.api("nodes") or {"items": []})["items"]
        conditions = {
            item["metadata"]["name"]: {each["type"]: each["status"] for each in item["status"]["conditions"]}
            for item in items
        }
        subnets = {item["spec"].get("podCIDR") for item in items}
        well = bool(items) and all(each["Ready"] == "True" for each in conditions.values())
        return (
            "" if well and len(subnets) == len(items) and None not in subnets else f"{conditions} {subnets}"
        )

    def names(self) -> set[str]:
        """The nodes in the API."""
        return {item["metadata"]["name"] for item in self.cluster.api("nodes")["items"]}

    def pods(self, node: Node) -> dict[str, dict[str, Any]]:
        """The web servers of a node that are not about to go, by name."""
        return {
            name: pod
            for name, pod in lesson.pods(self.alpha, "web").items()
            if pod["spec"].get("nodeName") == node.name and "deletionTimestamp" not in pod["metadata"]
        }

    def left_over(self) -> str:
        """The pods there are, if they are more than there are to be."""
        found = list(lesson.pods(self.alpha, "web"))
        return str(found) if len(found) > REPLICAS else ""

    def page(self, node: Node, address: str) -> str:
        """What a node gets from the web server at an address."""
        return node.run("python3", "-c", FETCH.format(address)).strip()

    def settle(self, *nodes: Node) -> None:
        """Wait until all web servers are behind the Service, on these nodes and no other."""

        def lacks() -> str:
            found = {node.name: set(self.pods(node)) for node in nodes}
            ready = lesson.endpoints(self.alpha, "web")
            there = set().union(*found.values())
            return (
                ""
                if ready == there and len(there) == REPLICAS and all(found.values())
                else f"{found} {ready}"
            )

        until(self.alpha, "web servers are Ready", lacks)


@pytest.fixture(scope="module")
def nodes(given: dict[str, Any], record: Record, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """A cluster of two nodes with web servers on both, and two bare hosts."""
    directory = tmp_path_factory.mktemp("inventory")
    variables = {**given, "cluster_authentication": "certificates", "cluster_components": COMPONENTS}
    try:
        made = [bare_node.make(name, variables, directory) for name in NAMES]
        inventory = yaml.safe_load(made[0].inventory.read_text())
        alpha, *others = NAMES
        inventory["mink8s"]["hosts"] = {
            alpha: {},
            **{name: {"cluster_control_plane": alpha} for name in others},
        }
        made[0].inventory.write_text(yaml.safe_dump(inventory))
        site(made[0], *made[:2])
        for node in made[:2]:
            bare_node.load(node, bare_node.runtime().name)
        found = Nodes(Cluster(made[0], record), made[1], (made[2], made[3]))
        deployment, service = lesson.web(given["verify_images"]["busybox"], REPLICAS)
        spec = deployment["spec"]["template"]["spec"]
        # On both nodes, if there are both.
        spec["topologySpreadConstraints"][0]["whenUnsatisfiable"] = "ScheduleAnyway"
        # A pod stays on a node that is gone for five minutes by default.
        gone = {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}
        keys = ("node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready")
        spec["tolerations"] = [{"key": key, **gone} for key in keys]
        objects.apply(made[0], deployment, service)
        found.settle(made[0], made[1])
        yield found
    finally:
        for name in NAMES:
            sandbox("node-rm", name)


def site(inventory: Node, *nodes: Node) -> str:
    """Run site.yml for these nodes, which has to succeed."""
    run = inventory.playbook("site.yml", "--limit", ",".join(node.name for node in nodes))
    assert run.returncode == 0, said(run)
    return run.stdout


def test_node_down(nodes: Nodes) -> None:
    with nodes.cluster.fault("node down"):
        with power.off(nodes.beta):
            nodes.settle(nodes.alpha)
        until(nodes.alpha, "all nodes are Ready", nodes.not_ready)
    # Pods of before, which the kubelet ends when it is back.
    until(nodes.alpha, "no pod is left over", nodes.left_over)


def test_node_cut_off(nodes: Nodes) -> None:
    nodes.alpha.run("kubectl", "rollout", "restart", "deployment", "web")
    nodes.alpha.run("kubectl", "rollout", "status", "deployment", "web", "--timeout=90s")
    nodes.settle(nodes.alpha, nodes.beta)
    name, pod = next(iter(nodes.pods(nodes.beta).items()))
    address = pod["status"]["podIP"]
    subnet = nodes.cluster.api("node", nodes.alpha.name)["spec"]["podCIDR"]
    assert nodes.page(nodes.alpha, address) == name
    with nodes.cluster.fault("nodes cut off"):
        nodes.beta.run("sh", "-ec", CUT.format("insert", nodes.alpha.address, subnet))
        until(
            nodes.alpha, "the node is not Ready", lambda: "" if nodes.not_ready() else "all nodes are Ready"
        )
        assert nodes.page(nodes.beta, address) == name
        nodes.beta.run("sh", "-ec", CUT.format("delete", nodes.alpha.address, subnet))
        until(nodes.alpha, "all nodes are Ready", nodes.not_ready)
    nodes.settle(nodes.alpha, nodes.beta)
    for name, pod in nodes.pods(nodes.beta).items():
        assert nodes.page(nodes.alpha, pod["status"]["podIP"]) == name


def test_nodes_added_by_two_runs(nodes: Nodes) -> None:
    with nodes.cluster.fault("two runs"), ThreadPoolExecutor() as pool:
        list(pool.map(lambda node: site(nodes.alpha, node), nodes.more))
        until(nodes.alpha, "all nodes are Ready", nodes.not_ready)
    assert nodes.names() == set(NAMES)
    site(nodes.alpha, nodes.alpha, nodes.beta, *nodes.more)
    assert bare_node.changed(nodes.alpha.playbook("site.yml")) == []


@pytest.mark.parametrize("point", range(2))
def test_node_added_by_a_killed_run(nodes: Nodes, point: int, request: pytest.FixtureRequest) -> None:
    node = nodes.more[0]
    chance = random.Random(f"{request.config.getoption('seed')}-nodes-{point}")
    sandbox("node-rm", node.name)
    sandbox("node", node.name)
    playbook = str(bare_node.ROOT / "playbooks" / "site.yml")
    command = ["ansible-playbook", "-i", str(nodes.alpha.inventory), "--limit", node.name, playbook]
    seconds = chance.uniform(0, 60)
    with (
        nodes.cluster.fault("killed while joining"),
        subprocess.Popen(
            command, cwd=bare_node.ROOT, stdout=subprocess.DEVNULL, start_new_session=True
        ) as run,
    ):
        time.sleep(seconds)
        print(f"killed after {seconds:.1f} s")
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        site(nodes.alpha, node)
        until(nodes.alpha, "all nodes are Ready", nodes.not_ready)
    assert nodes.names() >= {nodes.alpha.name, nodes.beta.name, node.name}


def test_control_plane_down(nodes: Nodes) -> None:
    nodes.settle(*(node for node in (nodes.alpha, nodes.beta) if nodes.pods(node)))
    before = nodes.pods(nodes.beta)
    assert before
    with nodes.cluster.fault("control plane down"):
        with power.off(nodes.alpha):
            back = time.monotonic() + DOWN
            while time.monotonic() < back:
                for name, pod in before.items():
                    assert nodes.page(nodes.beta, pod["status"]["podIP"]) == name
                time.sleep(10)
        until(nodes.alpha, "all nodes are Ready", nodes.not_ready)
    after = nodes.pods(nodes.beta)
    assert {name: pod["metadata"]["uid"] for name, pod in before.items()} == {
        name: pod["metadata"]["uid"] for name, pod in after.items()
    }
