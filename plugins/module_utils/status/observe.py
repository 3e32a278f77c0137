# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asking a host what there is of a cluster on it.

Nothing here reads the user's variables: processes, sockets, the container runtime, the kubelet and the API
are asked.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import etcd_client
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import procfs, systemd
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release.components import COMPONENTS
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import selection
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    PAUSE,
    Container,
    ContainerRuntime,
    ContainerRuntimeError,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import ledger_file
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status import (
    api_objects,
    components,
    model,
    network,
    ports,
    routes,
)

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


@dataclass(frozen=True)
class Process:
    """What a component runs as. pid: 0 if it does not run; problem says why then.

    arguments: the command line of one in a container.
    """

    name: str
    place: str
    pid: int = 0
    started: float = 0.0
    problem: str = ""
    arguments: tuple[str, ...] = ()


@dataclass
class Seen:
    """What the host has answered.

    version: the container runtime's; empty if it did not answer. api: the items of nodes and pods; None if it
    did not answer. etcd: how kube-apiserver reaches it; None if the collection made no kube-apiserver.
    cluster: the fingerprint of its authority; empty if there is none.
    """

    runtime: ContainerRuntime
    processes: list[Process] = field(default_factory=list)
    sockets: list[model.Socket] = field(default_factory=list)
    containers: list[Container] = field(default_factory=list)
    version: str = ""
    bridge: str = ""
    api: list[dict[str, Any]] | None = None
    etcd: etcd_client.Access | None = None
    remarks: list[str] = field(default_factory=list)
    node_name: str = ""
    control_plane: bool = False
    kubeconfig: Path = Path()
    cluster: str = ""


def look(module: AnsibleModule) -> Seen:
    """Ask the host."""
    seen = Seen(selection.of_host())
    try:
        ledger = ledger_file.read(module.params["ledger"])
    except (ledger_file.LedgerError, OSError) as error:
        ledger = None
        seen.remarks.append(str(error))
    made = [Path(path) for path in ledger.paths] if ledger else []
    if not made and not seen.remarks:
        seen.remarks.append("This collection has made nothing on this host.")
    _look_at_runtime(seen)
    seen.processes = [*_units(module, seen.runtime), *_static_pods(seen, made)]
    _code, printed, _error = module.run_command(list(ports.COMMAND))
    seen.sockets = list(ports.parse(printed))
    seen.etcd = next((etcd_client.access(path) for path in made if path.name == "kube-apiserver.yaml"), None)
    kubelet = next((each.pid for each in seen.processes if each.name == "kubelet" and each.pid), 0)
    words = procfs.text(f"/proc/{kubelet}/cmdline").split("\0") if kubelet else []
    seen.node_name = api_objects.node_name(words, os.uname().nodename)
    _look_at_cluster(module, seen, {path.name: path for path in made}, made)
    if seen.version:
        seen.remarks += network.look(module, seen.runtime)
    return seen


def _look_at_cluster(module: AnsibleModule, seen: Seen, named: Mapping[str, Path], made: list[Path]) -> None:
    """Ask the API, as the administrator where the control plane is, and elsewhere as the node's kubelet."""
    seen.control_plane = "admin.conf" in named
    kubeconfig = named.get("admin.conf") or named.get("kubelet.conf")
    if kubeconfig:
        seen.kubeconfig, only = kubeconfig, "" if seen.control_plane else seen.node_name
        seen.api = api_objects.ask(module, kubeconfig, made, seen.remarks, only)
    authority = procfs.text(named["ca.crt"]) if "ca.crt" in named else ""
    seen.cluster = hashlib.sha256("".join(authority.split()).encode()).hexdigest() if authority else ""


def note(seen: Seen) -> str:
    """Why a host shows less than others; empty if it does not."""
    if seen.control_plane or not seen.cluster:
        return ""
    server = re.search(r"^ *server: (\S+)$", procfs.text(seen.kubeconfig), re.MULTILINE)
    where = f" The control plane is at {server[1]}." if server else ""
    return f"No control plane: the kubelet's credentials show nothing but this node and its pods.{where}"


def _look_at_runtime(seen: Seen) -> None:
    try:
        version, seen.containers = seen.runtime.version(), seen.runtime.containers()
    except ContainerRuntimeError as error:
        seen.remarks.append(f"{error}.")
        return
    seen.version, seen.bridge = version, selection.host_address(seen.runtime)


def _units(module: AnsibleModule, runtime: ContainerRuntime) -> Iterator[Process]:
    for name in map(components.unit_name, (*runtime.units, "kubelet.service")):
        unit = systemd.observe(module, f"{name}.service")
        if unit.loaded:
            problem = "" if unit.pid else f"{name}.service does not run: see `journalctl -u {name}`."
            yield Process(name, f"unit {name}.service", unit.pid, unit.started_at, problem)


def _static_pods(seen: Seen, made: list[Path]) -> Iterator[Process]:
    manifests = {path.stem for path in made if path.parent.name == "manifests" and path.exists()}
    for name in COMPONENTS:
        # The newest comes first.
        own = [each for each in seen.containers if each.is_component(name)]
        if own:
            yield _container(seen.runtime, own[0])
        elif name in manifests and not seen.version:
            problem = f"its container can't be seen, as {seen.runtime.name} does not answer."
            yield Process(name, "static pod", problem=problem)
        elif name in manifests:
            problem = "it has a manifest and no container: see `journalctl -u kubelet`."
            yield Process(name, "static pod", problem=problem)


def _container(runtime: ContainerRuntime, container: Container) -> Process:
    name, place = container.role, f"static pod, container {container.short}"
    try:
        details = runtime.details(container.identity)
    except ContainerRuntimeError:
        return Process(name, place, problem="its container has just gone.")
    if details.runs:
        return Process(name, place, details.pid, details.started, arguments=details.command)
    ended = f"its container ended with code {details.code} at {model.moment(details.finished)} UTC"
    return Process(name, place, problem=f"{ended}: see `{runtime.log_command(container.short)}`.")


def pods(seen: Seen) -> Iterator[model.Pod]:
    """Every pod but the components', from the API, or from the container runtime if that does not answer."""
    if seen.api is None:
        yield from _pods_of_runtime(seen.containers)
        return
    for item in seen.api:
        if item["kind"] == "Pod" and not api_objects.is_component(item):
            meta, status = item["metadata"], item["status"]
            state = "Terminating" if "deletionTimestamp" in meta else api_objects.state(status)
            node = item["spec"].get("nodeName", "")
            yield model.Pod(meta["namespace"], meta["name"], state, status.get("podIP", ""), node)


def _pods_of_runtime(containers: list[Container]) -> Iterator[model.Pod]:
    for each in containers:
        if each.role == PAUSE and not any(each.is_in_static_pod(word) for word in COMPONENTS):
            yield model.Pod(each.namespace, each.pod, each.state.capitalize())


def commands(seen: Seen) -> Iterator[model.Command]:
    """What a person types on the host to see more of what answers there."""
    if seen.version:
        yield model.Command("all containers", seen.runtime.list_command())
        yield model.Command("the log of a container", seen.runtime.log_command("CONTAINER"))
    if seen.api is None:
        return
    if seen.control_plane:
        yield model.Command("all pods", "kubectl get pods --all-namespaces")
        yield model.Command("the log of a pod", "kubectl logs --namespace NAMESPACE POD")
    else:
        words = " ".join(("get", *api_objects.of_one(seen.node_name)[1]))
        yield model.Command("all pods of the node", f"kubectl --kubeconfig={seen.kubeconfig} {words}")


def status(module: AnsibleModule) -> model.Status:
    """The whole of it."""
    seen = look(module)
    found = tuple(components.look(module, seen))
    others = tuple(sorted(pods(seen), key=lambda pod: pod.full_name))
    names = {process.pid: process.name for process in seen.processes if process.pid}
    here = ("", seen.node_name)
    addresses = {pod.address: pod.full_name for pod in others if pod.address and pod.node in here}
    node, of_nodes = api_objects.own_node(seen.api, seen.node_name) if seen.api is not None else (None, [])
    own = {each.local for each in seen.sockets}
    nodes = tuple(api_objects.nodes(seen.api or []))
    return model.Status(
        host=os.uname().nodename,
        node=node["metadata"]["name"] if node else "",
        system=procfs.distribution(),
        taken=time.time(),
        components=found,
        pods=others,
        connections=tuple(model.connections(seen.sockets, names, addresses, own)),
        missing=tuple(missing(seen, module.params["name"] or os.uname().nodename, len(nodes) > 1)),
        remarks=(*seen.remarks, *of_nodes),
        commands=tuple(commands(seen)),
        nodes=nodes,
        routes=routes.look(module.run_command),
        cluster=seen.cluster,
        control_plane=seen.control_plane,
        note=note(seen),
    )


def missing(seen: Seen, host: str, several: bool) -> Iterable[model.Missing]:
    """What the article lists and is not there. On a node without control plane, of what every node has."""
    running = {process.name for process in seen.processes if process.pid}
    if seen.cluster and not seen.control_plane:
        return model.of_a_node(running)
    server = next((each for each in seen.processes if each.name == "kube-apiserver"), None)
    certificates = any(word.startswith("--client-ca-file") for word in server.arguments) if server else False
    return model.missing(running, certificates, host, several)
