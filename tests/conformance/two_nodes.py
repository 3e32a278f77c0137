# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cluster that is tested: two nodes, the first with the control plane, and all there is of Kubernetes."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import bare_node
import yaml
from bare_node import Node, sandbox

NAMES = ("mink8s-conformance", "mink8s-conformance-2")
COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")


def variables(given: dict[str, Any], registry: str) -> dict[str, Any]:
    """The variables of the cluster. given: of the release; registry: host and port of the tests' images."""
    docker = given.get("cluster_docker_settings", {})
    insecure = [*dict.fromkeys([*docker.get("insecure-registries", []), registry])]
    return {
        **given,
        "cluster_authentication": "certificates",
        "cluster_components": [*COMPONENTS, *(["coredns"] if bare_node.has_coredns(given) else [])],
        "cluster_docker_settings": {**docker, "insecure-registries": insecure},
        "cluster_containerd_registries": {
            **given.get("cluster_containerd_registries", {}),
            registry: [f"http://{registry}"],
        },
    }


def make(settings: dict[str, Any], directory: Path) -> Node:
    """The node with the control plane of the cluster, made of the nodes that there are, or of new ones.

    directory: where its inventory, kubectl and the administrator's kubeconfig are put.
    """
    alpha, beta = NAMES
    hosts = {alpha: {}, beta: {"cluster_control_plane": alpha}}
    inventory = directory / "hosts.yml"
    group = {"hosts": hosts, "vars": {**settings, **bare_node.CONNECTION}}
    inventory.write_text(yaml.safe_dump({"mink8s": group}))
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda name: sandbox("node", name), NAMES))
    node = Node(alpha, inventory)
    _run(node, "site.yml")
    _run(node, "kubeconfig.yml", kubeconfig_file=str(directory / "kubeconfig"))
    kubectl = node.run("sh", "-c", "realpath $(command -v kubectl)").strip()
    copy = ["docker", "cp", f"{alpha}:{kubectl}", str(directory / "kubectl")]
    subprocess.run(copy, check=True, capture_output=True)
    return node


def status(node: Node) -> dict[str, str]:
    """What the API says of the programs of a node."""
    command = ("kubectl", "get", "node", node.name, "--output=jsonpath={.status.nodeInfo}")
    return dict(json.loads(node.run(*command)))


def remove() -> None:
    """Remove the nodes, if they are there."""
    for name in NAMES:
        sandbox("node-rm", name)


def _run(node: Node, playbook: str, **more: str) -> None:
    done = node.playbook(playbook, **more)
    if done.returncode:
        raise SystemExit(f"{playbook} failed:\n{bare_node.said(done)}")
