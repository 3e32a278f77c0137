# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module preflight: all checks of a host, each a pure function of what is wanted and seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks import (
    added_arguments,
    cluster,
    container_runtime,
    existing,
    firewall,
    host_facts,
    kernel,
    network,
    observation,
    release,
    system,
    values,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.finding import CHECKS, Finding
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.observation import Host
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import apt_packages, other_kubernetes
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release import install_record
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import selection
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import ledger_file
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.redact import redact

# In the order in which a person reads their findings; importing a group adds its checks to the table.
GROUPS = (
    *(system, kernel, release, cluster, added_arguments),
    *(values, existing, network, firewall, container_runtime),
)

TEXT = {"type": "str", "default": ""}
NEEDED = {"type": "str", "required": True}
PATHS = {"type": "list", "elements": "path", "default": []}
SPACE = {
    "path": {"type": "path", "default": ""},
    "megabytes": {"type": "int", "default": 0},
    "percent": {"type": "int", "default": 0},
}
PORT = {"port": {"type": "int", "required": True}, "address": NEEDED, "process": NEEDED}
ARGUMENTS: dict[str, Any] = {
    "version": NEEDED,
    "releases": {"type": "dict", "required": True},
    "checksum": TEXT,
    "artifacts": TEXT,
    "url": TEXT,
    "node_name": TEXT,
    "address": TEXT,
    "directories": {"type": "list", "elements": "dict", "options": SPACE, "default": []},
    "ports": {"type": "list", "elements": "dict", "options": PORT, "default": []},
    "memory_minimum": {"type": "int", "default": 0},
    "memory_comfortable": {"type": "int", "default": 0},
    "state_directory": {"type": "path", "default": "/var/lib/mink8s"},
    **ledger_file.ARGUMENTS,
    "programs": PATHS,
    "archives": PATHS,
    "files": PATHS,
    "authorities": PATHS,
    "time": {"type": "int", "default": 0},
    "container_runtime": {"type": "str", "choices": [*selection.RUNTIMES], "default": "docker"},
    "pod_network": TEXT,
    "runtime_settings": {"type": "dict"},
    "runtime_pause_image": TEXT,
    "runtime_registries": {"type": "dict", "default": {}},
    "runtime_defaults": {"type": "bool", "default": True},
    # A proxy may have a password.
    "runtime_proxy": {"type": "str", "default": "", "no_log": True},
    "runtime_packages": {"type": "list", "elements": "str", "default": []},
    "components": {"type": "list", "elements": "str", "default": ["etcd", "kube-apiserver"]},
    "authentication": TEXT,
    "apiserver_bind_address": {"type": "str", "default": "127.0.0.1"},
    "arguments": {"type": "dict", "default": {}},
    "service_network": {"type": "str", "default": other_kubernetes.NETWORK},
    "kubeconfig_users": {"type": "list", "elements": "str", "default": []},
    "apiserver_alternative_names": {"type": "list", "elements": "str", "default": []},
    "service_account_namespaces": {"type": "list", "elements": "str", "default": []},
    "image_registry": TEXT,
    "config_directory": {"type": "path", "default": "/etc/kubernetes"},
    "etcd_data_directory": {"type": "path", "default": "/var/lib/etcd"},
    "article_exact": {"type": "bool", "default": False},
    "switch_to_cgroup_v1": {"type": "bool", "default": False},
    "packages": {"type": "list", "elements": "str", "default": []},
    "known_facts": {"type": "dict", "default": {}},
    "facts": {"type": "list", "elements": "str", "choices": list(host_facts.NAMES), "default": []},
    "skip": {"type": "list", "elements": "str", "choices": sorted(CHECKS), "default": []},
}


class Findings(NamedTuple):
    """What keeps a host from becoming a cluster, and what is only to be known."""

    failures: list[Finding]
    warnings: list[Finding]


def examine(desired: Mapping[str, Any], host: Host) -> Findings:
    """All findings of all checks that are not skipped. desired: the module's options.

    What a person has set may hold a password, as a URL does.
    """
    found = Findings([], [])
    order = [group.__name__ for group in GROUPS]
    for name, function in sorted(CHECKS.items(), key=lambda item: order.index(item[1].__module__)):
        if name not in desired["skip"]:
            for fatal, message, remedy in function(desired, host):
                (found.failures if fatal else found.warnings).append(
                    Finding(name, redact(message), redact(remedy))
                )
    return found


def report(version: str, host: Host, findings: list[Finding]) -> str:
    """The findings as the numbered list a person reads."""
    lines = [f"This host can't run Kubernetes {version} yet. Nothing was changed. Findings: {len(findings)}"]
    lines += [f"{number}. {found}" for number, found in enumerate(findings, 1)]
    return "\n".join([*lines, f"The host: {host}."])


def _release_is_intact(params: dict[str, Any], host: Host) -> bool:
    parts = [[Path(path) for path in params[kind]] for kind in ("programs", "archives")]
    directory = Path(params["state_directory"], params["version"])
    return install_record.intact(directory, release.checksum(params, host), *parts)


def run(module: AnsibleModule) -> None:
    """Look at the host, and report."""
    host = observation.observe(module.params, module.run_command)
    failures, warnings = examine(module.params, host)
    for found in warnings:
        module.warn(str(found))
    switches = any(found.name == "cgroup" for found in warnings)
    result = {
        "findings": [asdict(found) for found in failures],
        "cautions": [asdict(found) for found in warnings],
        "cgroup_v1_parameters": list(host.cgroup_v1_parameters) if switches else [],
        "packages": apt_packages.installed(module, module.params["packages"]),
        "remove_pods_from": network.stale_pods(module.params, host),
        "node": {
            "name": module.params["node_name"] or host.hostname,
            "address": module.params["address"] or host.address,
            "version": module.params["version"],
        },
        "pod_subnet": host.pod_subnet or "",
        "has_pod_network": host.has_pod_network,
        "has_kube_proxy_rules": host.filter.has_kube_proxy_rules,
        "resolv_conf": host_facts.resolv_conf(host),
        "release_intact": _release_is_intact(module.params, host),
        "tarball_verified": host.tarball_digest == release.checksum(module.params, host) != "",
        "facts": host_facts.summary(host),
    }
    if failures:
        module.fail_json(msg=report(module.params["version"], host, failures), **result)
    facts = host_facts.facts(module.params["facts"], module.params["known_facts"], host)
    module.exit_json(changed=False, ansible_facts=facts, **result)
