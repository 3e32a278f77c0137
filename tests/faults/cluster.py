"""A cluster as its user sees it: what it acknowledged, whether it is Ready, and what runs."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from bare_node import Node, runtime
from container_runtime import Container

Record = Callable[[str], AbstractContextManager[None]]

# A container that has failed before is started again after up to five minutes.
PATIENCE = 420
STATIC_PODS = ("etcd", "kube-apiserver")
MANIFESTS = "/etc/kubernetes/manifests"
# Writes until it is told to stop, or until the node goes down, and prints each name the API acknowledged.
WRITE = """
number=0
while [ -e /run/{name} ]; do
    number=$((number + 1))
    written={name}-$number
    kubectl create configmap $written --from-literal=number=$number --request-timeout=5s >/dev/null 2>&1 &&
        echo $written
    sleep 0.2
done
"""


def until(node: Node, wanted: str, lacks: Callable[[], str], seconds: float = PATIENCE) -> None:
    """Wait until nothing is lacking. On a time-out, says what still is and what the node has to say.

    lacks: what is missing, in a few words; empty if nothing.
    """
    deadline = time.monotonic() + seconds
    while missing := lacks():
        if time.monotonic() > deadline:
            raise AssertionError(f"{wanted}: not after {seconds} s: {missing}\n{node.tell()}")
        time.sleep(0.5)


@dataclass
class Cluster:
    """A cluster on a node. record: keeps what comes of a row of the table, and how long it takes."""

    node: Node
    record: Record
    acknowledged: dict[str, str] = field(default_factory=dict)
    faults: int = 0

    def api(self, *arguments: str) -> Any:
        """What `kubectl get` says in JSON; None if it gets no answer, when it would print an empty list."""
        try:
            return json.loads(
                self.node.run("kubectl", "get", *arguments, "--output=json", "--request-timeout=5s")
            )
        except subprocess.CalledProcessError:
            return None

    def container(self, pod: str) -> str:
        """The ID of the running container of a static pod; empty if none runs."""
        return next((each.key for each in self._running(pod)), "")

    def process(self, name: str) -> str:
        """The process ID of a static pod's container or of a unit; empty or 0 if it does not run."""
        if name in STATIC_PODS:
            return next((each.process for each in self._running(name)), "")
        return self.node.run("systemctl", "show", "--property=MainPID", "--value", name, check=False).strip()

    def _running(self, pod: str) -> list[Container]:
        """The container of a static pod, the newest first."""
        pods = runtime().running(self.node, pod)
        return [each for each in reversed(pods) if each.pod == f"{pod}-{self.node.name}"]

    def deaf(self) -> str:
        """Why Docker would not learn of a container that ends; empty if it would, or if there is no Docker.

        containerd tells it so, and a killed one only after both run and Docker has asked it again.
        """
        if runtime().name != "docker":
            return ""
        command = ("timeout", "5", "docker", "exec", self.container("etcd") or "none", "etcd", "--version")
        try:
            self.node.run(*command)
        except subprocess.CalledProcessError:
            return "it does not notice the end of a command in etcd's container"
        return ""

    def not_ready(self, since: float) -> str:
        """What is not as it should be; empty if the cluster is Ready and has said so after a moment."""
        if not (there := self.api("nodes,pods,leases.coordination.k8s.io", "--all-namespaces")):
            return "the API does not answer"
        leases = [item for item in there["items"] if item["kind"] == "Lease"]
        objects = {item["metadata"]["name"]: item["status"] for item in there["items"] if item not in leases}
        conditions = objects.get(self.node.name, {}).get("conditions", [])
        ready = next((condition for condition in conditions if condition["type"] == "Ready"), {})
        if ready.get("status") != "True":
            return f"the node is not Ready: {ready}"
        # A status that has not changed is not told again for minutes.
        renewed = [each["spec"]["renewTime"] for each in leases if each["metadata"]["name"] == self.node.name]
        heartbeat = max((datetime.strptime(each, "%Y-%m-%dT%H:%M:%S.%fZ") for each in renewed), default=None)
        if not heartbeat or heartbeat.replace(tzinfo=timezone.utc).timestamp() <= since:
            return f"the node's last heartbeat is of {heartbeat}"
        for name in STATIC_PODS:
            status = objects.get(f"{name}-{self.node.name}", {})
            states = {condition["type"]: condition["status"] for condition in status.get("conditions", [])}
            known = [container["containerID"] for container in status.get("containerStatuses", [])]
            if states.get("Ready") != "True" or known != [f"{runtime().name}://{self.container(name)}"]:
                return f"the static pod {name} is not Ready, or not in the container that runs: {status}"
        return ""

    def lost(self) -> list[str]:
        """What the API acknowledged and does not have any more."""
        items = (self.api("configmaps") or {"items": []})["items"]
        there = {item["metadata"]["name"]: item.get("data", {}).get("number") for item in items}
        return [name for name, number in self.acknowledged.items() if there.get(name) != number]

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write all the while, and keep what was acknowledged."""
        self.faults += 1
        name = f"written-{self.faults}"
        command = [
            "docker",
            "exec",
            self.node.name,
            "sh",
            "-c",
            f"touch /run/{name}; {WRITE.format(name=name)}",
        ]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert writer.stdout
        first = writer.stdout.readline().strip()
        try:
            yield
        finally:
            self.node.run("rm", "-f", f"/run/{name}", check=False)
            out, _error = writer.communicate(timeout=60)
            for line in [first, *out.split()]:
                self.acknowledged[line] = line.rpartition("-")[2]
        assert first, "nothing was acknowledged before the fault"

    @contextmanager
    def fault(self, row: str) -> Iterator[None]:
        """Do something to a cluster that is being written to, and see it Ready again without a hand."""
        until(self.node, "Ready before the fault", lambda: self.not_ready(0))
        with self.writing(), self.record(row):
            since = time.time()
            yield
            until(self.node, f"Ready after {row}", lambda: self.not_ready(since))
        assert self.lost() == []


def made(node: Node, record: Record, **variables: Any) -> Cluster:
    """The cluster that site.yml makes of a node."""
    run = node.playbook("site.yml", **variables)
    assert run.returncode == 0, run.stdout + run.stderr
    return Cluster(node, record)
