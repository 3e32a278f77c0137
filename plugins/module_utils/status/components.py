# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the components on a host say of themselves: version, health, and who is let in at their ports."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import procfs, programs
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import waiting
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status import api_objects, model, ports

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule
    from ansible_collections.mink8s.kubernetes.plugins.module_utils.status.observe import Process, Seen

NOBODY = "--userspec=65534:65534"


def unit_name(unit: str) -> str:
    """What a unit is called as a component."""
    return unit.partition(".")[0]


def look(module: AnsibleModule, seen: Seen) -> Iterator[model.Component]:
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
            version=_version(module, process, seen) if process.pid else "",
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
    if name == unit_name(seen.runtime.unit) and not seen.version:
        return f"it runs, and does not answer: see `journalctl -u {name}`."
    silent = (*map(unit_name, seen.runtime.units), "coredns")
    if name in silent or any(health == HTTPStatus.OK for _m, health in told):
        return ""
    codes = sorted({f"HTTP {health}" for _metrics, health in told if health})
    return f"it runs, and answers {_health_path(name)} with {' and '.join(codes) or 'nothing'}."


def _version(module: AnsibleModule, process: Process, seen: Seen) -> str:
    """What a running component says its version is; empty if it does not say."""
    if process.name == unit_name(seen.runtime.unit):
        return seen.version
    command = [f"/proc/{process.pid}/exe", "--version"]
    if process.arguments:
        # Its libraries are in the container, and it is no program of the host's: it runs as nobody.
        command = ["chroot", NOBODY, f"/proc/{process.pid}/root", process.arguments[0], "--version"]
    limited = waiting.limited(api_objects.SECONDS, *command)
    _code, out, error = module.run_command(limited, environ_update={"PATH": programs.PATH})
    found = re.search(r"\bv?\d+\.\d+\.\d+[\w.+~-]*", out + error)
    return found[0] if found else ""
