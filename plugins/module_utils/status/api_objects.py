# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the API of a host's cluster has of nodes and pods."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.api.nodes import PRESSURES
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release.components import COMPONENTS
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import timestamps, waiting
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status import model

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

SECONDS = 20


def ask(
    module: AnsibleModule, kubeconfig: Path, made: list[Path], remarks: list[str], node: str = ""
) -> list[dict[str, Any]] | None:
    """The items of nodes and pods. None if the API does not answer; then the reason is added to the remarks.

    made: what the collection made on the host, where kubectl is looked for. node: the one whose kubelet's
    credentials the kubeconfig has, which show it and its pods alone; empty for an administrator's.
    """
    directories = [str(path.parent) for path in made if path.name == "kubectl"]
    kubectl = module.get_bin_path("kubectl", opt_dirs=directories)
    if not kubectl or not kubeconfig.exists():
        remarks.append("The API can't be asked: kubectl or its kubeconfig is gone.")
        return None
    options = (f"--kubeconfig={kubeconfig}", "--request-timeout=10s")
    items: list[dict[str, Any]] = []
    for wanted in of_one(node) if node else (("nodes,pods", "--all-namespaces"),):
        command = (kubectl, *options, "get", *wanted, "--output=json")
        code, printed, error = module.run_command(waiting.limited(SECONDS, *command))
        if code:
            said = error.strip().splitlines()[-1:] or [f"kubectl ended with code {code}"]
            remarks.append(f"The API does not answer: {said[0]}")
            return None
        items += json.loads(printed)["items"]
    return items


def of_one(node: str) -> tuple[tuple[str, ...], ...]:
    """What kubectl is to get where nothing but a node and its pods may be read."""
    return (
        ("nodes", f"--field-selector=metadata.name={node}"),
        ("pods", "--all-namespaces", f"--field-selector=spec.nodeName={node}"),
    )


def node_name(arguments: Sequence[str], hostname: str) -> str:
    """The name with which a kubelet registers its node. arguments: its command line."""
    words = " ".join(arguments)
    given = re.search(r"--hostname-override[= ](\S+)", words)
    return given[1] if given else hostname.lower()


def own_node(items: Sequence[Mapping[str, Any]], name: str) -> tuple[Mapping[str, Any] | None, list[str]]:
    """The node of that name, None if the API has none, and what a person should know of all nodes."""
    nodes = {item["metadata"]["name"]: item for item in items if item["kind"] == "Node"}
    remarks = [remark for node in nodes.values() for remark in _unwell(node)]
    if name not in nodes:
        known = ", ".join(nodes) or "no node at all"
        return None, [f"The kubelet here registers as {name}, and the API knows {known}.", *remarks]
    return nodes[name], remarks


def _unwell(node: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a node."""
    for condition in node["status"].get("conditions", []):
        kind, unknown = condition["type"], condition["status"] == "Unknown"
        # Of a node that is silent all is unknown, and its being Ready stands for that.
        if condition["status"] == ("True" if kind == "Ready" else "False") or (unknown and kind != "Ready"):
            continue
        said = ": ".join(filter(None, (condition.get("reason"), condition.get("message"))))
        what = f"has {kind} and {PRESSURES[kind]}" if kind in PRESSURES else f"is not healthy ({kind})"
        who = "kube-controller-manager" if unknown else "The kubelet"
        yield f"Node {node['metadata']['name']} {what}. {who} says: {said.rstrip('.')}."


def nodes(items: Sequence[Mapping[str, Any]]) -> Iterator[model.Node]:
    """The nodes that the API knows."""
    for item in items:
        if item["kind"] == "Node":
            status, info = item["status"], item["status"].get("nodeInfo", {})
            ready = (each["status"] for each in status.get("conditions", []) if each["type"] == "Ready")
            addresses = (
                each["address"] for each in status.get("addresses", []) if each["type"] == "InternalIP"
            )
            yield model.Node(
                name=item["metadata"]["name"],
                ready=next(ready, "") == "True",
                version=info.get("kubeletVersion", ""),
                runtime=info.get("containerRuntimeVersion", ""),
                address=next(addresses, ""),
                pod_network=item.get("spec", {}).get("podCIDR", ""),
            )


def ready_since(items: Sequence[Mapping[str, Any]], name: str) -> dict[str, float]:
    """From when on the API knows components as Ready: of static pods, and of the kubelet by its node.

    name: of the host's node.
    """
    found = {}
    for item in items:
        host = item["metadata"]["name"] if item["kind"] == "Node" else item["spec"].get("nodeName", name)
        if host != name:
            continue
        name = "kubelet" if item["kind"] == "Node" else item["spec"]["containers"][0]["name"]
        if item["kind"] == "Pod" and not is_component(item):
            continue
        for condition in item["status"].get("conditions", []):
            if condition["type"] == "Ready" and condition["status"] == "True":
                found[name] = timestamps.seconds(condition["lastTransitionTime"])
    return found


def is_component(pod: Mapping[str, Any]) -> bool:
    """Whether a pod of the API is the mirror of a component's static pod."""
    meta = pod["metadata"]
    return (
        meta["namespace"] == "kube-system"
        and meta.get("annotations", {}).get("kubernetes.io/config.source") == "file"
        and pod["spec"]["containers"][0]["name"] in COMPONENTS
    )


def state(status: Mapping[str, Any]) -> str:
    """What a pod is doing, or is waiting for, in a word."""
    waiting = (each["state"].get("waiting", {}).get("reason") for each in status.get("containerStatuses", []))
    return str(next(filter(None, waiting), status.get("phase", "")))
