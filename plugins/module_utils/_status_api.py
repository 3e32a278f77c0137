# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the API of a host's cluster has of nodes and pods."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils import _wait
from ansible_collections.mink8s.kubernetes.plugins.module_utils._components import COMPONENTS

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

SECONDS = 20


def seconds(timestamp: str) -> float:
    """A moment as Docker and Kubernetes write it, in seconds since the epoch; 0 if it is none."""
    found = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)", timestamp or "")
    if not found or found[1].startswith("0001"):
        return 0.0
    return datetime.fromisoformat(f"{found[1]}+00:00").timestamp()


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
    code, printed, error = module.run_command(_wait.limited(SECONDS, *command))
    if code:
        said = error.strip().splitlines()[-1:] or [f"kubectl ended with code {code}"]
        remarks.append(f"The API does not answer: {said[0]}")
        return None
    items: list[dict[str, Any]] = json.loads(printed)["items"]
    return items


def ready_since(items: list[dict[str, Any]]) -> dict[str, float]:
    """From when on the API knows components as Ready: of static pods, and of the kubelet by its node."""
    found = {}
    for item in items:
        name = "kubelet" if item["kind"] == "Node" else item["spec"]["containers"][0]["name"]
        if item["kind"] == "Pod" and not is_component(item):
            continue
        for condition in item["status"].get("conditions", []):
            if condition["type"] == "Ready" and condition["status"] == "True":
                found[name] = seconds(condition["lastTransitionTime"])
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
