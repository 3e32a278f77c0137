# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module preflight, for whatever Python runs the collection."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks import (
    examine,
    host_facts,
    observation,
    release,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.observation import Host
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import apt_packages
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release import install_record


def _release_is_intact(params: dict[str, Any], host: Host) -> bool:
    parts = [[Path(path) for path in params[kind]] for kind in ("programs", "archives")]
    directory = Path(params["state_directory"], params["version"])
    return install_record.intact(directory, release.checksum(params, host), *parts)


def run(module: AnsibleModule) -> None:
    """Look at the host, and report."""
    host = observation.observe(module.params, module.run_command)
    failures, warnings = examine.examine(module.params, host)
    for found in warnings:
        module.warn(str(found))
    switches = any(found.name == "cgroup" for found in warnings)
    result = {
        "findings": [asdict(found) for found in failures],
        "cautions": [asdict(found) for found in warnings],
        "cgroup_v1_parameters": list(host.cgroup_v1_parameters) if switches else [],
        "packages": apt_packages.installed(module, module.params["packages"]),
        "has_kube_proxy_rules": host.filter.has_kube_proxy_rules,
        "resolv_conf": host_facts.resolv_conf(host),
        "release_intact": _release_is_intact(module.params, host),
        "tarball_verified": host.tarball_digest == release.checksum(module.params, host) != "",
        "facts": host_facts.summary(host),
    }
    if failures:
        module.fail_json(msg=examine.report(module.params["version"], host, failures), **result)
    facts = host_facts.facts(module.params["facts"], module.params["known_facts"], host)
    module.exit_json(changed=False, ansible_facts=facts, **result)
