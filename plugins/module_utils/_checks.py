# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The checks: what would make a run fail, each a pure function of what is wanted and seen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils import _host

Problems = Iterator[tuple[str, str]]
Check = Callable[[Mapping[str, Any], _host.Host], Problems]
CHECKS: dict[str, Check] = {}

KUBELET_CONTROLLERS = {1: {"cpu", "cpuacct", "cpuset", "devices", "memory"}, 2: {"cpu", "cpuset", "memory"}}
SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"


@dataclass(frozen=True)
class Finding:
    """What was seen that keeps the host from becoming a cluster, and what to do about it."""

    name: str
    message: str
    remedy: str


def check(function: Check) -> Check:
    """Add a check. It yields what was seen and what to do, and its name is what O(skip) takes."""
    CHECKS[function.__name__] = function
    return function


@check
def linux(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    if host.system != "Linux":
        yield f"This is {host.system}.", "Choose a Linux host."


@check
def systemd(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    if not host.systemd_booted or host.init != "systemd":
        yield f"Process 1 is {host.init or 'hidden'}, not systemd.", "Choose a host booted with systemd."


@check
def root(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    if host.euid != 0:
        yield f"The user id is {host.euid}, not 0.", "Set become: true, or connect as root."


@check
def architecture(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    if not host.architecture:
        known = ", ".join(_host.ARCHITECTURES)
        yield f"The machine is {host.machine}.", f"Choose a host with one of: {known}."


@check
def version_range(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    seen = f"cluster_version is {desired['version']}."
    if not re.fullmatch(r"v1\.\d+\.\d+", desired["version"]):
        yield seen, "Write it as v1.Y.Z, such as v1.18.20."
    elif not 18 <= _minor(desired) <= 23:
        yield seen, "Choose v1.18 to v1.23: 1.24 took Docker (dockershim) out of the kubelet."


@check
def release_checksum(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    version, checksum = desired["version"], desired["checksum"]
    where = f"CHANGELOG-{'.'.join(version[1:].split('.')[:2])}.md of github.com/kubernetes/kubernetes"
    remedy = f"Set cluster_release_checksum to the SHA-512 of {host.tarball} from {where}."
    if checksum and not re.fullmatch(r"[0-9a-fA-F]{128}", checksum):
        yield f"The checksum given is not 128 hexadecimal digits: {checksum}.", remedy
    elif not (checksum or version in desired["known_versions"] or host.tarball in (host.artifact_sums or {})):
        known = ", ".join(desired["known_versions"]) or "none"
        yield f"The checksum of {version} is not known (known: {known}).", remedy


@check
def article_exact(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    if desired["article_exact"] and _minor(desired) >= 20:
        yield (
            f"cluster_article_exact is true with {desired['version']}, which has no insecure port.",
            "Choose a cluster_version of 1.18 or 1.19, or set cluster_article_exact to false.",
        )


@check
def cgroup(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    if host.cgroup_version == 2 and _minor(desired) < 19:
        yield f"The host has cgroup v2, which the kubelet {desired['version']} can't use.", _to_v1(host)
        return
    missing = ", ".join(sorted(KUBELET_CONTROLLERS[host.cgroup_version] - host.controllers))
    if missing:
        yield (
            f"cgroup v{host.cgroup_version} lacks the controllers {missing}.",
            "Take cgroup_disable= off the kernel command line, or add cgroup_enable= for each, and reboot.",
        )


def _to_v1(host: _host.Host) -> str:
    other = "set cluster_version to v1.19 or later"
    if host.systemd_version >= 258:
        return f"systemd {host.systemd_version} has no cgroup v1 any more: {other}."
    force = "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1 " if host.systemd_version >= 256 else ""
    return f"Reboot with the kernel parameters {force}systemd.unified_cgroup_hierarchy=0, or {other}."


@check
def swap(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    if host.swaps:
        yield (
            f"Swap is on ({', '.join(host.swaps)}), with which the kubelet does not start.",
            "Run swapoff --all and take swap out of /etc/fstab and systemd's swap units.",
        )


@check
def ports(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    for wanted in desired["ports"]:
        for seen in host.listeners:
            ours = host.has_state and seen.process == wanted["process"][:15]
            if seen.port == wanted["port"] and _overlap(seen.address, wanted["address"]) and not ours:
                owner = f"{seen.process} (pid {seen.pid})" if seen.pid else "a process that can't be seen"
                yield (
                    f"Port {seen.port} on {seen.address} is taken by {owner}; {wanted['process']} needs it.",
                    "Stop that process, or have it listen elsewhere.",
                )


def _overlap(seen: str, wanted: str) -> bool:
    """Whether both addresses can't be bound at once. A socket on :: usually takes IPv4 as well."""
    return seen in ("0.0.0.0", "::", wanted) or (wanted == "0.0.0.0" and ":" not in seen)


@check
def disk_space(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    for seen in host.file_systems:
        if seen.free < seen.wanted and not host.has_release:
            paths = ", ".join(seen.paths)
            yield (
                f"{seen.free} MB are free where {paths} are, {seen.wanted} MB are needed.",
                "Free some space, or mount a larger file system there.",
            )


@check
def address(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    if desired["address"] == "":
        yield (
            "The host has no default route, so it is not known at which address to register the node.",
            "Set cluster_address to one of the host's IPv4 addresses, other than loopback.",
        )


@check
def node_name(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    name = desired["node_name"] or host.hostname
    # The label kubernetes.io/hostname takes 63 characters; from 1.20 the common name
    # system:node:NAME of the kubelet's certificate takes 64.
    longest = 63 if _minor(desired) < 20 else 52
    if not re.fullmatch(SUBDOMAIN, name) or len(name) > longest:
        yield (
            f"The node's name would be {name!r} ({len(name)} characters).",
            f"Set cluster_node_name to at most {longest} lower-case letters, digits, '-' and '.', each part"
            " between the '.' beginning and ending with a letter or digit.",
        )


@check
def daemon_json(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    if host.daemon_json_error:
        yield f"{host.daemon_json_error}.", _host.DAEMON_JSON_REMEDY


@check
def existing_cluster(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    if host.files and not host.has_state:
        yield (
            f"Another Kubernetes is on this host, which is never touched: {', '.join(host.files)}.",
            "Choose another host, or remove that Kubernetes with the tool that installed it.",
        )


@check
def artifacts(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    remedy = f"Put {host.tarball} there, or set cluster_artifacts to the directory that has it."
    if desired["artifacts"] and host.artifacts is None:
        yield f"There is no directory {desired['artifacts']}.", remedy
    elif desired["artifacts"] and host.tarball not in (host.artifacts or ()):
        yield f"{desired['artifacts']} has no {host.tarball}.", remedy


@check
def mirror(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    if host.mirror_error:
        yield (
            f"{desired['url']}/{desired['version']}/{host.tarball} can't be fetched: {host.mirror_error}.",
            "Set cluster_release_url to a server that has it, or cluster_artifacts to a directory with it.",
        )


def _minor(desired: Mapping[str, Any]) -> int:
    """The version's second number; 18 if it has none, which version_range reports."""
    match = re.match(r"v1\.(\d+)", desired["version"])
    return int(match.group(1)) if match else 18


def examine(desired: Mapping[str, Any], host: _host.Host) -> list[Finding]:
    """All findings of all checks that are not skipped. desired: the module's options."""
    return [
        Finding(name, message, remedy)
        for name, function in CHECKS.items()
        if name not in desired["skip"]
        for message, remedy in function(desired, host)
    ]
