"""The nodes of one cluster as a person sees them: their pods, what runs on them, and the ways between."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import container_runtime
import lesson
from bare_node import Node
from container_runtime import ContainerRuntime

DIRECTORY = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
INVENTORY = Path(os.environ["MOLECULE_INVENTORY_FILE"]).parent
ALPHA, BETA, GAMMA, DELTA = (
    Node(f"mink8s-{name}", INVENTORY) for name in ("alpha", "beta", "gamma", "delta")
)
WORKERS = (BETA, GAMMA)
NODES = (ALPHA, *WORKERS)
POD_NETWORK = IPv4Network("10.244.0.0/16")
# What joins the others' group, for as long as it is given to a playbook besides the scenario's inventory.
WITH_DELTA = f"""
workers:
  hosts:
    {DELTA.name}:
      ansible_connection: community.docker.docker
      ansible_user: root
"""
ASK = "timeout 3 wget -q -O - http://{}/cgi-bin/who"


@dataclass(frozen=True)
class Web:
    """A pod of the Deployment web that is Ready."""

    name: str
    node: str
    address: str


def runtime(node: Node) -> ContainerRuntime:
    """The container runtime of a node, as the API says."""
    info = get("node", node.name)["status"]["nodeInfo"]
    return container_runtime.RUNTIMES[info["containerRuntimeVersion"].partition(":")[0]]


def get(*what: str) -> Any:
    """What `kubectl get` says in JSON."""
    return lesson.get(ALPHA, *what)


def subnets() -> dict[str, str]:
    """The pods' subnet of each node."""
    return {item["metadata"]["name"]: item["spec"]["podCIDR"] for item in get("nodes")["items"]}


def web() -> list[Web]:
    """The pods of the Deployment that are Ready, those of a node together."""
    found = []
    for name, pod in lesson.pods(ALPHA, "web").items():
        conditions = {each["type"]: each["status"] for each in pod["status"].get("conditions", [])}
        if conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]:
            found.append(Web(name, pod["spec"]["nodeName"], pod["status"]["podIP"]))
    return sorted(found, key=lambda pod: pod.node)


def of_each_node(pods: list[Web]) -> list[Web]:
    """One pod of each node."""
    return list({pod.node: pod for pod in pods}.values())


def ask(pod: Web, *hosts: str) -> list[tuple[str, str]]:
    """What a pod hears from web servers: the name of each, and the address that it is seen with."""
    script = "; ".join(f"{ASK.format(host)} || echo {host} silent" for host in hosts)
    done = lesson.within(ALPHA, pod.name, script)
    assert done.returncode == 0, done.stderr
    answers = (line.partition(" ") for line in done.stdout.splitlines())
    return [(name, address) for name, _space, address in answers]


def running(node: Node) -> dict[str, str]:
    """What another node is no reason to start anew: static pods, the kubelet and the container runtime."""
    each = runtime(node)
    containers = [one for one in each.containers(node) if one.name != "POD" and one.pod.endswith(node.name)]
    main = ("systemctl", "show", "--property", "MainPID", "--value")
    return {
        **{one.pod: one.key for one in containers},
        **{unit: node.run(*main, unit).strip() for unit in ("kubelet", each.name)},
    }


def routes(node: Node) -> dict[str, str]:
    """The next hop to each part of the pod network that is on another node."""
    listed = json.loads(node.run("ip", "-4", "-json", "route", "show"))
    hops = {each["dst"]: each["gateway"] for each in listed if "gateway" in each and each["dst"] != "default"}
    return {dst: hop for dst, hop in hops.items() if IPv4Network(dst).subnet_of(POD_NETWORK)}


def keys(node: Node) -> dict[str, str]:
    """The sum of each private key, by the name of its file."""
    listed = node.run("find", "/etc/kubernetes", "-name", "*.key", "-exec", "sha256sum", "{}", "+")
    return {path.rpartition("/")[2]: digest for digest, path in map(str.split, listed.splitlines())}


def changed_on(node: Node, run: subprocess.CompletedProcess[str]) -> list[str]:
    """The tasks of a run that changed something for a node."""
    tasks = re.findall(r"^TASK \[(.*)\] \*+\n((?:(?!TASK |PLAY ).*\n)*)", run.stdout, re.M)
    return [name for name, results in tasks if re.search(rf"^changed: \[{node.name}\b", results, re.M)]
