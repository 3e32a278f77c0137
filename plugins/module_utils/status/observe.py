# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asking a host what there is of a cluster on it.

Nothing here reads the user's variables: processes, sockets, the container runtime, the kubelet and the API
are asked.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import etcd_client
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import procfs, programs, systemd
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release.components import COMPONENTS
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import selection
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    PAUSE,
    Container,
    ContainerRuntime,
    ContainerRuntimeError,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import ledger_file, waiting
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status import (
    api_objects,
    model,
    network,
    ports,
)

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

NOBODY = "--userspec=65534:65534"


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
    kubeconfig = next((path for path in made if path.name == "admin.conf"), None)
    if kubeconfig:
        seen.api = api_objects.ask(module, kubeconfig, made, seen.remarks)
    if seen.version:
        seen.remarks += network.look(module, seen.runtime)
    kubelet = next((each.pid for each in seen.processes if each.name == "kubelet" and each.pid), 0)
    words = procfs.text(f"/proc/{kubelet}/cmdline").split("\0") if kubelet else []
    seen.node_name = api_objects.node_name(words, os.uname().nodename)
    return seen


def _look_at_runtime(seen: Seen) -> None:
    try:
        version, seen.containers = seen.runtime.version(), seen.runtime.containers()
    except ContainerRuntimeError as error:
        seen.remarks.append(f"{error}.")
        return
    seen.version, seen.bridge = version, selection.host_address(seen.runtime)


def _name(unit: str) -> str:
    """What a unit is called as a component."""
    return unit.partition(".")[0]


def _units(module: AnsibleModule, runtime: ContainerRuntime) -> Iterator[Process]:
    for name in map(_name, (*runtime.units, "kubelet.service")):
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


def components(module: AnsibleModule, seen: Seen) -> Iterator[model.Component]:
    """Each component, with what it says of itself."""
    ready = api_objects.ready_since(seen.api or [], seen.node_name)
    listening = {
        process.name: [each for each in seen.sockets if not each.peer_port and process.pid in each.pids]
        for process in seen.processes
        if process.pid
    }
    with ThreadPoolExecutor(8) as pool:
        asked = {
            (each.local, each.port): pool.submit(
                ports.knock, each.local, int(each.port), _health_path(name), _client(name, seen)
            )
            for name, sockets in listening.items()
            for each in sockets
            if each.protocol == "tcp" and _is_http(name, model.reach(each.local, seen.bridge))
        }
        answers = {key: future.result() for key, future in asked.items()}
    for process in seen.processes:
        own = [each for each in listening.get(process.name, []) if each.protocol in ("tcp", "udp")]
        told = [answers[key] for each in own if (key := (each.local, each.port)) in answers]
        problem = process.problem or _unhealthy(process.name, told, seen)
        yield model.Component(
            name=process.name,
            place=process.place,
            version=version(module, process, seen) if process.pid else "",
            problem=problem,
            since=0.0 if problem else max(process.started, ready.get(process.name, 0.0)),
            memory=procfs.memory(process.pid),
            ports=tuple(
                sorted(_ports(process.name, own, answers, seen.bridge), key=lambda port: port.number)
            ),
        )


def _leads_on(name: str, reach: str) -> bool:
    """Whether a port of a component leads to somebody's Service: what kube-proxy opens beyond the host."""
    return name == "kube-proxy" and reach != "host"


def _is_http(name: str, reach: str) -> bool:
    """Whether a component can be asked at a port."""
    return name != "coredns" and not _leads_on(name, reach)


def _ports(
    name: str, sockets: list[model.Socket], answers: Mapping[tuple[str, str], tuple[int, int]], bridge: str
) -> Iterator[model.Port]:
    for each in sockets:
        reach = model.reach(each.local, bridge)
        code, _healthy = answers.get((each.local, each.port), (0, 0))
        denied = code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
        yield model.Port(each.protocol, int(each.port), reach, None if _leads_on(name, reach) else denied)


def _client(name: str, seen: Seen) -> tuple[str, str] | None:
    """The certificate and key with which a component is asked that lets nobody in without."""
    way = seen.etcd if name == "etcd" else None
    return (way.certificate, way.key) if way and way.certificate else None


def _health_path(name: str) -> str:
    return "/health" if name == "etcd" else "/healthz"


def _unhealthy(name: str, told: list[tuple[int, int]], seen: Seen) -> str:
    """Why a component that runs is not healthy; empty if it is, or is one that has no word for it."""
    if name == _name(seen.runtime.unit) and not seen.version:
        return f"it runs, and does not answer: see `journalctl -u {name}`."
    silent = (*map(_name, seen.runtime.units), "coredns")
    if name in silent or any(health == HTTPStatus.OK for _m, health in told):
        return ""
    codes = sorted({f"HTTP {health}" for _metrics, health in told if health})
    return f"it runs, and answers {_health_path(name)} with {' and '.join(codes) or 'nothing'}."


def version(module: AnsibleModule, process: Process, seen: Seen) -> str:
    """What a running component says its version is; empty if it does not say."""
    if process.name == _name(seen.runtime.unit):
        return seen.version
    command = [f"/proc/{process.pid}/exe", "--version"]
    if process.arguments:
        # Its libraries are in the container, and it is no program of the host's: it runs as nobody.
        command = ["chroot", NOBODY, f"/proc/{process.pid}/root", process.arguments[0], "--version"]
    limited = waiting.limited(api_objects.SECONDS, *command)
    _code, out, error = module.run_command(limited, environ_update={"PATH": programs.PATH})
    found = re.search(r"\bv?\d+\.\d+\.\d+[\w.+~-]*", out + error)
    return found[0] if found else ""


def pods(seen: Seen) -> Iterator[model.Pod]:
    """Every pod but the components', from the API, or from the container runtime if that does not answer."""
    if seen.api is None:
        yield from _pods_of_runtime(seen.containers)
        return
    for item in seen.api:
        if item["kind"] == "Pod" and not api_objects.is_component(item):
            meta, status = item["metadata"], item["status"]
            state = "Terminating" if "deletionTimestamp" in meta else api_objects.state(status)
            yield model.Pod(meta["namespace"], meta["name"], state, status.get("podIP", ""))


def _pods_of_runtime(containers: list[Container]) -> Iterator[model.Pod]:
    for each in containers:
        if each.role == PAUSE and not any(each.is_in_static_pod(word) for word in COMPONENTS):
            yield model.Pod(each.namespace, each.pod, each.state.capitalize())


def commands(seen: Seen) -> Iterator[model.Command]:
    """What a person types on the host to see more of what answers there."""
    if seen.version:
        yield model.Command("all containers", seen.runtime.list_command())
        yield model.Command("the log of a container", seen.runtime.log_command("CONTAINER"))
    if seen.api is not None:
        yield model.Command("all pods", "kubectl get pods --all-namespaces")
        yield model.Command("the log of a pod", "kubectl logs --namespace NAMESPACE POD")


def status(module: AnsibleModule) -> model.Status:
    """The whole of it."""
    seen = look(module)
    found = tuple(components(module, seen))
    others = tuple(sorted(pods(seen), key=lambda pod: pod.full_name))
    names = {process.pid: process.name for process in seen.processes if process.pid}
    addresses = {pod.address: pod.full_name for pod in others if pod.address}
    node, of_node = api_objects.own_node(seen.api, seen.node_name) if seen.api is not None else (None, [])
    own = {each.local for each in seen.sockets}
    server = next((each for each in seen.processes if each.name == "kube-apiserver"), None)
    certificates = any(word.startswith("--client-ca-file") for word in server.arguments) if server else False
    running = {process.name for process in seen.processes if process.pid}
    return model.Status(
        host=os.uname().nodename,
        node=node["metadata"]["name"] if node else "",
        system=procfs.distribution(),
        taken=time.time(),
        components=found,
        pods=others,
        connections=tuple(model.connections(seen.sockets, names, addresses, own)),
        missing=tuple(model.missing(running, certificates)),
        remarks=(*seen.remarks, *of_node),
        commands=tuple(commands(seen)),
    )
