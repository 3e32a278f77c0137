# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prints when the milestones of a cluster are reached on this host, seen through its API and nothing else.

Arguments: the image of the first pod, or nothing for none; names of nodes to watch besides. Each line printed
has a milestone's name and the second at which it was reached on the machine's monotonic clock. For a line
read, memory and received bytes are printed; it ends when there is nothing more to read.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import select
import ssl
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import memory

KUBECONFIG = Path("/etc/kubernetes/admin.conf")
INTERVAL_SECONDS = 0.1
RECEIVED = Path("/sys/class/net/eth0/statistics/rx_bytes")
PODS = "/api/v1/namespaces/default/pods"
CREDENTIALS = ("certificate-authority", "client-certificate", "client-key")
STATIC_PODS = ("etcd-", "kube-apiserver-")
READY_OF = "ready "
NOTHING: dict[str, Any] = {}


def main(image: str, *names: str) -> None:
    """Ask again and again for the milestones that are still to come."""
    waiting = ["api", "registered", "ready", "static pods", *(["pod"] if image else [])]
    waiting += [f"{READY_OF}{name}" for name in names]
    cluster, received, peak = Cluster(image), RECEIVED.read_text(), 0
    tell(watching=time.monotonic())
    while True:
        peak = max(peak, memory.held())
        for milestone in cluster.reached(waiting):
            waiting.remove(milestone)
            tell(**{milestone: time.monotonic()})
        if select.select([sys.stdin], [], [], INTERVAL_SECONDS)[0]:
            if not os.read(sys.stdin.fileno(), 1):
                return
            fetched = int(RECEIVED.read_text()) - int(received)
            tell(
                fetched=fetched, memory={"peak": peak, "held": memory.held(), "processes": memory.processes()}
            )


def tell(**facts: Any) -> None:
    """Print facts in a line."""
    print(json.dumps(facts), flush=True)


class Cluster:
    """What can be seen of a cluster. image: of the first pod, which is made as soon as the API accepts it."""

    def __init__(self, image: str) -> None:
        self._image, self._api, self._node, self._created = image, Api(), "", False

    def reached(self, waiting: list[str]) -> list[str]:
        """Which of the milestones have been reached."""
        if "api" in waiting:
            return ["api"] if self._api.ask("GET", "/readyz")[0] == http.client.OK else []
        found = []
        others = [milestone for milestone in waiting if milestone.startswith(READY_OF)]
        if "ready" in waiting or others:
            nodes = {each["metadata"]["name"]: each for each in self._api.items("/api/v1/nodes")}
            own = self._node or next(iter(nodes), "")
            if own in nodes:
                self._node = own
                found += ["registered"] if "registered" in waiting else []
                found += ["ready"] if "ready" in waiting and is_ready(nodes[own]) else []
            found += [each for each in others if is_ready(nodes.get(each[len(READY_OF) :], NOTHING))]
        if "pod" in waiting and self._node and self._pod_runs():
            found.append("pod")
        if "static pods" in waiting and visible(self._api):
            found.append("static pods")
        return found

    def _pod_runs(self) -> bool:
        """Whether the first pod is Running, its container too. It is created if it is not there yet."""
        if not self._created:
            status = self._api.ask("POST", PODS, pod(self._image, self._node))[0]
            # The answer to an earlier request may have been lost.
            self._created = status in (http.client.CREATED, http.client.CONFLICT)
            return False
        first = self._api.ask("GET", f"{PODS}/first")[1]
        return first.get("status", NOTHING).get("phase") == "Running" and is_ready(first)


class Api:
    """One connection to the API, with the credentials of the administrator's kubeconfig once it is there."""

    def __init__(self) -> None:
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        """The status and the document of an answer; status 0 if there is none."""
        try:
            self._connection = self._connection or connect(KUBECONFIG.read_text())
            text = json.dumps(body) if body else None
            self._connection.request(method, path, text, {"Content-Type": "application/json"})
            answer = self._connection.getresponse()
            content = answer.read()
            return answer.status, json.loads(content) if content.startswith(b"{") else NOTHING
        except (OSError, http.client.HTTPException, ValueError):
            self._connection = None
            return 0, NOTHING

    def items(self, path: str) -> list[dict[str, Any]]:
        """The objects of a list; none if it cannot be had."""
        return list(self.ask("GET", path)[1].get("items", []))


def connect(kubeconfig: str) -> http.client.HTTPConnection:
    """A connection as a kubeconfig describes it, with files or with their content. Raises ValueError."""
    found = re.search(r"^ *server: (\S+)$", kubeconfig, re.MULTILINE)
    if not found:
        raise ValueError(f"{KUBECONFIG} names no server")
    server = urlsplit(found[1])
    if server.scheme == "http":
        return http.client.HTTPConnection(server.netloc, timeout=2)
    with tempfile.TemporaryDirectory() as scratch:
        files = {name: credential(kubeconfig, name, Path(scratch, name)) for name in CREDENTIALS}
        context = ssl.create_default_context(cafile=files["certificate-authority"])
        context.load_cert_chain(files["client-certificate"], files["client-key"])
    return http.client.HTTPSConnection(server.netloc, timeout=2, context=context)


def credential(kubeconfig: str, name: str, scratch: Path) -> Path:
    """The file of a credential, written to scratch if the kubeconfig has its content. Raises ValueError."""
    found = re.search(rf"\b{name}(-data)?: ([^\s,}}]+)", kubeconfig)
    if not found:
        raise ValueError(f"{KUBECONFIG} has no {name}")
    if not found[1]:
        return Path(found[2])
    scratch.write_bytes(base64.b64decode(found[2]))
    return scratch


def is_ready(thing: dict[str, Any]) -> bool:
    """Whether a node or a pod is Ready."""
    conditions = thing.get("status", NOTHING).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def visible(api: Api) -> bool:
    """Whether the mirror pods of all static pods of the article are there."""
    names = [pod["metadata"]["name"] for pod in api.items("/api/v1/namespaces/kube-system/pods")]
    return all(any(name.startswith(prefix) for name in names) for prefix in STATIC_PODS)


def pod(image: str, node: str) -> dict[str, Any]:
    """The first pod, placed as in the article."""
    container = {"name": "first", "image": image, "imagePullPolicy": "IfNotPresent"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "first"},
        "spec": {"nodeName": node, "containers": [container]},
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
