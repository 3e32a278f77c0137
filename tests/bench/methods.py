# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is compared: the ways to a cluster, what is run on a finished one, and in which order."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

HOSTS = "hosts"
# One cluster, of a control plane host and so many other nodes.
NODES = "nodes"


@dataclass(frozen=True)
class Method:
    """A way from a host in one state to a cluster.

    state: what the host has, one of nodes.STATES. runtime: the container runtime that the cluster has.
    script: in tests/bench/inside, with its arguments after the artifacts and the version; empty for site.yml.
    fetches: whether site.yml fetches everything instead of being given artifacts.
    """

    title: str
    state: str = "docker"
    script: tuple[str, ...] = ()
    fetches: bool = False
    runtime: str = "docker"


METHODS = {
    "by-hand": Method("by hand", script=("by-hand",)),
    "tuned": Method("by hand, tuned", script=("by-hand", "tuned")),
    "site": Method("`site.yml`"),
    "packages": Method("`site.yml`, its packages there", state="packages"),
    "kubeadm": Method("`kubeadm init`", script=("kubeadm",)),
    "bare": Method("`site.yml`, bare host", state="bare"),
    "fetched": Method("`site.yml`, bare host, everything fetched", state="bare", fetches=True),
    "by-hand-containerd": Method(
        "by hand, containerd", state="containerd", script=("by-hand", "containerd"), runtime="containerd"
    ),
    "tuned-containerd": Method(
        "by hand, tuned, containerd",
        state="containerd",
        script=("by-hand", "tuned", "containerd"),
        runtime="containerd",
    ),
    "containerd": Method("`site.yml`, containerd", state="containerd", runtime="containerd"),
}


@dataclass(frozen=True)
class Following:
    """What is run on the finished host of a method. options: further ones of ansible-playbook."""

    title: str
    method: str = "site"
    options: tuple[str, ...] = ()


FOLLOWING = {
    "again": Following("`site.yml` again"),
    "check": Following("`site.yml --check`", options=("--check",)),
    "containerd-again": Following("`site.yml` again, containerd", "containerd"),
    "containerd-check": Following("`site.yml --check`, containerd", "containerd", ("--check",)),
}


@dataclass(frozen=True)
class Step:
    """A method on hosts of its own, with what is run on them afterwards.

    wanted: the keys of the results that are kept. joined: whether the hosts are one cluster.
    """

    key: str
    method: Method
    hosts: int
    following: tuple[str, ...]
    wanted: tuple[str, ...]
    joined: bool = False


def plan(only: Collection[str], hosts: Collection[int], nodes: Collection[int] = ()) -> list[Step]:
    """The steps of a round. hosts: how many at once. nodes: how many join a control plane host."""
    steps = [
        Step(key, method, 1, after, tuple(name for name in (key, *after) if name in only))
        for key, method in METHODS.items()
        for after in [tuple(name for name, what in FOLLOWING.items() if what.method == key and name in only)]
        if key in only or after
    ]
    for number in sorted(hosts) if HOSTS in only else []:
        key = f"{HOSTS}-{number}"
        steps.append(Step(key, METHODS["site"], number, ("again",), (key, f"{key}-again")))
    for number in sorted(nodes) if NODES in only else []:
        key = f"{NODES}-{number}"
        wanted = (key, f"{key}-again")
        steps.append(Step(key, METHODS["containerd"], number + 1, ("again",), wanted, joined=True))
    return steps


def title(key: str) -> str:
    """The name of a result in messages and tables."""
    if key in METHODS:
        return METHODS[key].title
    if key in FOLLOWING:
        return FOLLOWING[key].title
    what, number, *again = key.split("-")
    of = "a cluster with " if what == NODES else ""
    plural = what if number != "1" else what.removesuffix("s")
    return f"`site.yml`{' again' if again else ''}, {of}{number} {plural}"
