# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the API of a host's cluster has of nodes and pods."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.api.nodes import PRESSURES
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release.components import COMPONENTS
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import timestamps, waiting

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

SECONDS = 20


def ask(
    module: AnsibleModule, kubeconfig: Path, made: list[Path], remarks: list[str]
) -> list[dict[str, Any]] | None:
    """The items of nodes and pods. None if the API does not answer; then the reason is added to the remarks.

    made: what the collection made on the host, where kubectl is looked for.
    """
    directories = [str(path.parent) for path in made if path.name == "kubectl"]
    kubectl = module.get_bin_path("kubectl", opt_dirs=directories)
    if not kubectl or not kubeconfig.exists():
        remarks.append("The API can't be asked: kubectl or its kubeconfig is gone.")
        return None
    options = (f"--kubeconfig={kubeconfig}", "--request-timeout=10s")
    command = (kubectl, *options, "get", "nodes,pods", "--all-namespaces", "--output=json")
    code, printed, error = module.run_command(waiting.limited(SECONDS, *command))
    if code:
        said = error.strip().splitlines()[-1:] or [f"kubectl ended with code {code}"]
        remarks.append(f"The API does not answer: {said[0]}")
        return None
    items: list[dict[str, Any]] = json.loads(printed)["items"]
    return items


def node_name(arguments: Sequence[str], hostname: str) -> str:
    """The name with which a kubelet registers its node. arguments: its command line."""
    words = " ".join(arguments)
    given = re.search(r"--hostname-override[= ](\S+)", words)
    return given[1] if given else hostname.lower()


def own_node(items: Sequence[Mapping[str, Any]], name: str) -> tuple[Mapping[str, Any] | None, list[str]]:
    """The node of that name, None if the API has none, and what a person should know of it."""
    nodes = {item["metadata"]["name"]: item for item in items if item["kind"] == "Node"}
    if name not in nodes:
        known = ", ".join(nodes) or "no node at all"
        return None, [f"The kubelet here registers as {name}, and the API knows {known}."]
    others = [other for other in nodes if other != name]
    remarks = [f"The API has other nodes, too: {', '.join(others)}."] if others else []
    for condition in nodes[name]["status"].get("conditions", []):
        bad = condition["status"] != ("True" if condition["type"] == "Ready" else "False")
        if bad:
            said = ": ".join(filter(None, (condition.get("reason"), condition.get("message"))))
            kind = condition["type"]
            what = f"has {kind} and {PRESSURES[kind]}" if kind in PRESSURES else f"is not healthy ({kind})"
            remarks.append(f"Node {name} {what}. The kubelet says: {said}.")
    return nodes[name], remarks


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
