# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asking a host what there is of a cluster on it.

Nothing here reads the user's variables: processes, sockets, the engine, the kubelet and the API are asked.
"""

from __future__ import annotations

import json
import os
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils import (
    _host_engine,
    _host_proc,
    _ledger,
    _status,
    _systemd,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils._status import Component, Pod, Port, Socket

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

PROBE_SECONDS = 5
# An engine that hangs would keep its client waiting for ever.
LIMITED = ("timeout", "--kill-after=5", "20")
LABEL = "io.kubernetes"
SOCKETS = ("ss", "--no-header", "--numeric", "--processes", "--all", "--tcp", "--udp", "--unix", "--oneline")
RUNNING_STATES = ("LISTEN", "ESTAB", "UNCONN")


@dataclass(frozen=True)
class Process:
    """What a component runs as. pid: 0 if it does not run; problem says why then."""

    name: str
    place: str
    pid: int = 0
    started: float = 0.0
    problem: str = ""
    container: str = ""
    arguments: tuple[str, ...] = ()


@dataclass
class Seen:
    """What the host has answered. api: the items of nodes and pods; None if it did not answer."""

    processes: list[Process] = field(default_factory=list)
    sockets: list[Socket] = field(default_factory=list)
    containers: list[dict[str, Any]] = field(default_factory=list)
    docker: str = ""
    bridge: str = ""
    api: list[dict[str, Any]] | None = None
    remarks: list[str] = field(default_factory=list)


def seconds(timestamp: str) -> float:
    """A moment as Docker and Kubernetes write it, in seconds since the epoch; 0 if it is none."""
    found = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)", timestamp or "")
    if not found or found[1].startswith("0001"):
        return 0.0
    return datetime.fromisoformat(f"{found[1]}+00:00").timestamp()


def parse_sockets(printed: str) -> Iterator[Socket]:
    """The sockets in what ss has printed."""
    for line in printed.splitlines():
        protocol, state, _received, _sent, *fields = line.split(maxsplit=4)
        if state not in RUNNING_STATES or not fields:
            continue
        ends, _users, holders = fields[0].partition("users:")
        pids = tuple(int(pid) for pid in re.findall(r"pid=(\d+)", holders))
        words = ends.split()
        if protocol.startswith("u_"):
            # Both ends have numbers, but only the server's has a name.
            protocol, local, port, peer, peer_port = "unix", words[0].strip("*"), words[1], "", words[3]
            listens = peer_port == "0"
        else:
            (local, _c, port), (peer, _d, peer_port) = (word.rpartition(":") for word in words[:2])
            listens = peer_port == "*"
            local, peer = _plain(local), _plain(peer)
        yield Socket(protocol, local, port, *(("", "") if listens else (peer, peer_port)), pids)


def _plain(address: str) -> str:
    """An address as ss writes it, without brackets and interface, and IPv4 as such."""
    return address.partition("%")[0].strip("[]").removeprefix("::ffff:")


def look(module: AnsibleModule) -> Seen:
    """Ask the host."""
    seen = Seen()
    try:
        ledger = _ledger.read(module.params["ledger"])
    except (_ledger.LedgerError, OSError) as error:
        ledger = None
        seen.remarks.append(str(error))
    made = [Path(path) for path in ledger.paths] if ledger else []
    if not made and not seen.remarks:
        seen.remarks.append("This collection has made nothing on this host.")
    _look_at_engine(seen)
    seen.processes = [*_units(module), *_static_pods(seen, made)]
    _code, printed, _error = module.run_command(list(SOCKETS))
    seen.sockets = list(parse_sockets(printed))
    kubeconfig = next((path for path in made if path.name == "admin.conf"), None)
    if kubeconfig:
        seen.api = _ask_api(module, kubeconfig, made, seen.remarks)
    return seen


def _look_at_engine(seen: Seen) -> None:
    try:
        version, seen.containers = _host_engine.ask("/version", "/containers/json?all=1")
    except (OSError, HTTPException) as error:
        seen.remarks.append(f"Docker does not answer: {error}.")
        return
    seen.docker, seen.bridge = version["Version"], _host_engine.bridge()


def _units(module: AnsibleModule) -> Iterator[Process]:
    for name in _status.UNITS:
        unit = _systemd.observe(module, f"{name}.service")
        if unit.loaded:
            problem = "" if unit.pid else f"{name}.service does not run: see `journalctl -u {name}`."
            yield Process(name, f"unit {name}.service", unit.pid, unit.started_at, problem)


def _static_pods(seen: Seen, made: list[Path]) -> Iterator[Process]:
    manifests = {path.stem for path in made if path.parent.name == "manifests" and path.exists()}
    for name in _status.STATIC_PODS:
        # The newest comes first.
        own = [each for each in seen.containers if _is_static(each, name)]
        if own:
            yield _container(name, own[0])
        elif name in manifests:
            problem = "it has a manifest and no container: see `journalctl -u kubelet`."
            yield Process(name, "static pod", problem=problem)


def _is_static(container: Mapping[str, Any], name: str) -> bool:
    labels = container["Labels"]
    pod = f"{labels.get(f'{LABEL}.pod.namespace')}/{labels.get(f'{LABEL}.pod.name')}"
    # The identity of a static pod is a hash, unlike that of a pod that came through the API.
    uid = labels.get(f"{LABEL}.pod.uid", "")
    return (
        labels.get(f"{LABEL}.container.name") == name
        and pod.startswith(f"kube-system/{name}-")
        and re.fullmatch("[0-9a-f]{32}", uid) is not None
    )


def _container(name: str, container: Mapping[str, Any]) -> Process:
    short = container["Id"][:12]
    place = f"static pod, container {short}"
    try:
        (full,) = _host_engine.ask(f"/containers/{container['Id']}/json")
    except (OSError, HTTPException):
        return Process(name, place, problem="its container has just gone.")
    state = full["State"]
    if state["Running"]:
        return Process(
            name,
            place,
            state["Pid"],
            seconds(state["StartedAt"]),
            container=full["Id"],
            arguments=(full["Path"], *full["Args"]),
        )
    ended = (
        f"its container ended with code {state['ExitCode']} at {_status.moment(seconds(state['FinishedAt']))}"
    )
    return Process(name, place, problem=f"{ended} UTC: see `docker logs {short}`.")


def _ask_api(
    module: AnsibleModule, kubeconfig: Path, made: list[Path], remarks: list[str]
) -> list[dict[str, Any]] | None:
    directories = [str(path.parent) for path in made if path.name == "kubectl"]
    kubectl = module.get_bin_path("kubectl", opt_dirs=directories)
    if not kubectl or not kubeconfig.exists():
        remarks.append("The API can't be asked: kubectl or its kubeconfig is gone.")
        return None
    options = (f"--kubeconfig={kubeconfig}", "--request-timeout=10s")
    command = [*LIMITED, kubectl, *options, "get", "nodes,pods", "--all-namespaces", "--output=json"]
    code, printed, error = module.run_command(command)
    if code:
        said = error.strip().splitlines()[-1:] or [f"kubectl ended with code {code}"]
        remarks.append(f"The API does not answer: {said[0]}")
        return None
    items: list[dict[str, Any]] = json.loads(printed)["items"]
    return items


def components(module: AnsibleModule, seen: Seen) -> Iterator[Component]:
    """Each component, with what it says of itself."""
    ready = _ready_since(seen.api or [])
    listening = {
        process.name: [each for each in seen.sockets if not each.peer_port and process.pid in each.pids]
        for process in seen.processes
        if process.pid
    }
    with ThreadPoolExecutor(8) as pool:
        asked = {
            (each.local, each.port): pool.submit(knock, each.local, int(each.port), _health_path(name))
            for name, sockets in listening.items()
            for each in sockets
            if each.protocol == "tcp"
        }
        answers = {key: future.result() for key, future in asked.items()}
    for process in seen.processes:
        own = [each for each in listening.get(process.name, []) if each.protocol in ("tcp", "udp")]
        told = [answers[each.local, each.port] for each in own if each.protocol == "tcp"]
        problem = process.problem or _unhealthy(process.name, told)
        yield Component(
            name=process.name,
            place=process.place,
            version=version(module, process, seen.docker) if process.pid else "",
            problem=problem,
            since=0.0 if problem else max(process.started, ready.get(process.name, 0.0)),
            memory=_memory(process.pid),
            ports=tuple(sorted(_ports(own, answers, seen.bridge), key=lambda port: port.number)),
        )


def _ports(
    sockets: list[Socket], answers: Mapping[tuple[str, str], tuple[int, int]], bridge: str
) -> Iterator[Port]:
    for each in sockets:
        denied, _healthy = answers.get((each.local, each.port), (0, 0))
        guarded = denied in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
        yield Port(each.protocol, int(each.port), _status.reach(each.local, bridge), guarded)


def _health_path(name: str) -> str:
    return "/health" if name == "etcd" else "/healthz"


def knock(address: str, port: int, health_path: str) -> tuple[int, int]:
    """The HTTP status that somebody without credentials gets for /metrics and for health; 0 for none."""
    host = "127.0.0.1" if address in ("*", "0.0.0.0", "::") else address
    for context in (_anybody(), None):
        statuses = [_status_of(host, port, path, context) for path in ("/metrics", health_path)]
        if any(statuses):
            return statuses[0], statuses[1]
    return 0, 0


def _anybody() -> ssl.SSLContext:
    """TLS that trusts whoever is there: who may come in is what is asked."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _status_of(host: str, port: int, path: str, context: ssl.SSLContext | None) -> int:
    try:
        with closing(_Connection(host, port, context)) as connection:
            connection.request("GET", path)
            return connection.getresponse().status
    except (OSError, HTTPException):
        return 0


class _Connection(HTTPConnection):
    """HTTP over a stream that may be TLS."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        super().__init__(host, port, timeout=PROBE_SECONDS)
        self._context = context

    def connect(self) -> None:
        """Open it."""
        super().connect()
        if self._context:
            self.sock = self._context.wrap_socket(self.sock)


def _unhealthy(name: str, told: list[tuple[int, int]]) -> str:
    """Why a component that runs is not healthy; empty if it is, or is one that has no word for it."""
    if name in ("containerd", "docker", "coredns") or any(health == HTTPStatus.OK for _m, health in told):
        return ""
    codes = sorted({f"HTTP {health}" for _metrics, health in told if health})
    return f"it runs, and answers {_health_path(name)} with {' and '.join(codes) or 'nothing'}."


def version(module: AnsibleModule, process: Process, docker: str) -> str:
    """What a running component says its version is; empty if it does not say."""
    if process.name == "docker":
        return docker
    command = [f"/proc/{process.pid}/exe", "--version"]
    if process.container:
        program = _host_engine.program("docker")
        command = [*LIMITED, program, "exec", process.container, process.arguments[0], "--version"]
    _code, out, error = module.run_command(command)
    found = re.search(r"\bv?\d+\.\d+\.\d+[\w.+-]*", out + error)
    return found[0] if found else ""


def _memory(pid: int) -> int:
    """What a process has in memory, in bytes."""
    found = re.search(r"^VmRSS:\s+(\d+) kB$", _host_proc.text(f"/proc/{pid}/status"), re.MULTILINE)
    return int(found[1]) * 1024 if found and pid else 0


def _ready_since(items: list[dict[str, Any]]) -> dict[str, float]:
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
        and pod["spec"]["containers"][0]["name"] in _status.STATIC_PODS
    )


def pods(seen: Seen) -> Iterator[Pod]:
    """Every pod but the components', from the API, or from the engine where that does not answer."""
    if seen.api is None:
        yield from _pods_of_engine(seen.containers)
        return
    for item in seen.api:
        if item["kind"] == "Pod" and not is_component(item):
            meta, status = item["metadata"], item["status"]
            state = "Terminating" if "deletionTimestamp" in meta else _state(status)
            yield Pod(meta["namespace"], meta["name"], state, status.get("podIP", ""))


def _state(status: Mapping[str, Any]) -> str:
    waiting = (each["state"].get("waiting", {}).get("reason") for each in status.get("containerStatuses", []))
    return str(next(filter(None, waiting), status.get("phase", "")))


def _pods_of_engine(containers: list[dict[str, Any]]) -> Iterator[Pod]:
    for each in containers:
        labels = each["Labels"]
        name, namespace = labels.get(f"{LABEL}.pod.name", ""), labels.get(f"{LABEL}.pod.namespace", "")
        ours = any(name.startswith(f"{word}-") for word in _status.STATIC_PODS)
        if labels.get(f"{LABEL}.container.name") == "POD" and not (namespace == "kube-system" and ours):
            yield Pod(namespace, name, each["State"].capitalize())


def status(module: AnsibleModule) -> _status.Status:
    """The whole of it."""
    seen = look(module)
    found = tuple(components(module, seen))
    others = tuple(sorted(pods(seen), key=lambda pod: pod.full_name))
    names = {process.pid: process.name for process in seen.processes if process.pid}
    addresses = {pod.address: pod.full_name for pod in others if pod.address}
    node = next((item for item in seen.api or [] if item["kind"] == "Node"), None)
    own = {each.local for each in seen.sockets}
    server = next((each for each in seen.processes if each.name == "kube-apiserver"), None)
    certificates = any(word.startswith("--client-ca-file") for word in server.arguments) if server else False
    running = {process.name for process in seen.processes if process.pid}
    return _status.Status(
        host=os.uname().nodename,
        node=node["metadata"]["name"] if node else "",
        system=_host_proc.text("/etc/os-release").partition('PRETTY_NAME="')[2].partition('"')[0],
        taken=time.time(),
        components=found,
        pods=others,
        connections=tuple(_status.connections(seen.sockets, names, addresses, own)),
        missing=tuple(_status.missing(running, certificates)),
        remarks=tuple(seen.remarks),
    )
