"""One step up or down: what it changes on the node, and what goes on as it was."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import objects
from bare_node import Node, changed, runtime

ARTICLE = ("etcd", "kube-apiserver")
CONFIG = "/etc/kubernetes"
# Where a component listens besides coredns, whose address is that of the pods' bridge.
PORTS = {"kube-controller-manager": [10257], "kube-scheduler": [10259], "kube-proxy": [10249, 10256]}


@dataclass(frozen=True)
class Running:
    """What runs on a node: the container of each pod, and the main processes of the units."""

    containers: dict[str, str]
    kubelet: str
    runtime: str


def running(node: Node) -> Running:
    """What runs now."""
    daemon = node.run("systemctl", "show", "--property", "MainPID", "--value", runtime().name).strip()
    return Running(objects.pods(node), objects.kubelet(node), daemon)


@dataclass
class Ladder:
    """A node and the components it has."""

    node: Node
    components: list[str] = field(default_factory=lambda: list(ARTICLE))

    @property
    def certificates(self) -> bool:
        """Whether clients are known by certificates."""
        return "https:" in self.node.run("cat", f"{CONFIG}/admin.conf")

    def up(self, word: str) -> None:
        """Add a component, and see nothing else restart."""
        self.components.append(word)
        self._step(word)

    def down(self, word: str) -> None:
        """Take a component out, and see nothing else restart and nothing of it stay."""
        self.components.remove(word)
        self._step(word)
        self._gone(word)

    def _restarts(self, word: str) -> set[str]:
        """The static pods whose manifest has to change with that component."""
        # Up to 1.19 there are no keys for tokens before anybody makes tokens.
        tokens = word == "kube-controller-manager" and not self.certificates
        return {"kube-apiserver"} if tokens or word == "kube-proxy" else set()

    def _step(self, word: str) -> None:
        before = running(self.node)
        assert changed(self.node.playbook("site.yml", cluster_components=self.components))
        after = running(self.node)
        restarts = {f"{name}-{self.node.name}" for name in self._restarts(word)}
        for pod in before.containers:
            if pod != f"{word}-{self.node.name}":
                assert (after.containers[pod] != before.containers[pod]) == (pod in restarts), pod
        # The kubelet tells pods where the name server is.
        assert (after.kubelet != before.kubelet) == (word == "coredns")
        assert after.runtime == before.runtime
        assert changed(self.node.playbook("site.yml", cluster_components=self.components)) == []
        again = running(self.node)
        assert after.containers.items() <= again.containers.items()
        assert (again.kubelet, again.runtime) == (after.kubelet, after.runtime)

    def _gone(self, word: str) -> None:
        pod = f"{word}-{self.node.name}"
        assert [path for path in files(self.node) if word in path] == []
        assert pod not in objects.pods(self.node)
        listed = self.node.run("kubectl", "get", "pods", "--namespace", "kube-system", "--output", "name")
        assert f"pod/{pod}" not in listed.split()
        assert self.node.run("pgrep", "--full", f"^(/[a-z/]+/)?{word} ", check=False) == ""
        assert not set(PORTS.get(word, [])) & listening(self.node)


def files(node: Node) -> list[str]:
    """Every file of the cluster's configuration."""
    return node.run("find", CONFIG, "-type", "f").splitlines()


def listening(node: Node) -> set[int]:
    """Every port on which somebody listens."""
    rows = node.run("ss", "--listening", "--tcp", "--udp", "--numeric", "--no-header").splitlines()
    return {int(row.split()[4].rpartition(":")[2]) for row in rows}


def rules(node: Node) -> list[str]:
    """The packet filter's rules, without what they have counted and without a CNI plugin's of single pods."""
    saved = node.run("sh", "-c", "iptables-save; ip6tables-save")
    lines = [line for line in saved.splitlines() if not re.match(r"#|.*\bCNI-", line)]
    return sorted(re.sub(r" ?\[\d+:\d+\]", "", line) for line in lines)
