#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait until the kube-apiserver of another host answers this one."""

from __future__ import annotations

DOCUMENTATION = r"""
module: apiserver_health
version_added: 0.1.0
short_description: Wait until kube-apiserver is healthy
description:
  - Waits until kube-apiserver, with a certificate of the authority, answers this host that it is healthy.
  - A kubelet that is started then registers its node at once.
  - Where kube-apiserver is just being replaced by one of a later release, waits for that, because no kubelet
    may be newer than it.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: Looks once, reports what it saw in RV(problem) and does not fail.
    support: full
  diff_mode:
    description: Nothing is changed, so there is nothing to show.
    support: none
options:
  server:
    description: URL of kube-apiserver.
    type: str
    required: true
  control_plane:
    description: Name of its host in the inventory, for the error.
    type: str
    required: true
  ca_file:
    description: Certificate of the authority that has to have signed kube-apiserver's.
    type: path
    required: true
  certificate_file:
    description: Certificate with which this host signs in.
    type: path
    required: true
  key_file:
    description: Its private key.
    type: path
    required: true
  version:
    description: The earliest release that it may be. Any if not given.
    type: str
  timeout:
    description: Longest wait, in seconds.
    type: int
    default: 180
"""

EXAMPLES = r"""
- name: Wait for kube-apiserver
  mink8s.kubernetes.apiserver_health:
    server: https://192.0.2.7:6443
    control_plane: alpha
    ca_file: /etc/kubernetes/pki/ca.crt
    certificate_file: /etc/kubernetes/pki/kubelet-client.crt
    key_file: /etc/kubernetes/pki/kubelet-client.key
    version: v1.20.15
"""

RETURN = r"""
problem:
  description: Why kube-apiserver is not healthy. Empty if it is.
  type: str
  returned: always
"""

import json
from http.client import HTTPException
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import no_answer, versions, waiting

SECONDS = 5


def read(params: dict[str, Any], url: str) -> bytes:
    """What kube-apiserver answers. Raises OSError and HTTPException."""
    with open_url(
        url,
        use_proxy=False,
        timeout=SECONDS,
        ca_path=params["ca_file"],
        client_cert=params["certificate_file"],
        client_key=params["key_file"],
    ) as answer:
        return bytes(answer.read())


def too_old(answer: bytes, version: str | None) -> list[str]:
    """One line if that is of an earlier release than the version. answer: what /version says."""
    reported = str(json.loads(answer)["gitVersion"])
    if version and versions.parse(reported) < versions.parse(version):
        return [f"it is {reported}, and a kubelet {version} must not be newer"]
    return []


def unhealthy(params: dict[str, Any]) -> list[str]:
    """One line that says why kube-apiserver is not healthy, or not yet of the release; empty if it is."""
    url = f"{params['server']}/healthz"
    try:
        read(params, url)
        return too_old(read(params, f"{params['server']}/version"), params["version"])
    except (OSError, HTTPException) as error:
        return [f"{url} answers: {no_answer.words(error)}"]


def main() -> None:
    """Run the module."""
    path = {"type": "path", "required": True}
    module = AnsibleModule(
        {
            "server": {"type": "str", "required": True},
            "control_plane": {"type": "str", "required": True},
            "ca_file": path,
            "certificate_file": path,
            # The file's path; the key itself is never shown.
            "key_file": {**path, "no_log": False},
            "version": {"type": "str"},
            "timeout": {"type": "int", "default": 180},
        },
        supports_check_mode=True,
    )
    host, timeout = module.params["control_plane"], module.params["timeout"]
    seen = waiting.until_none(lambda: unhealthy(module.params), 0 if module.check_mode else timeout)
    problem = seen[0] if seen else ""
    if problem and not module.check_mode:
        module.fail_json(
            msg=f"After {timeout} s kube-apiserver on {host} is not healthy for this host: {problem}. The"
            f" playbook status for {host} shows what runs there; a packet filter between the hosts has to let"
            " TCP port 6443 through.",
            problem=problem,
        )
    module.exit_json(changed=False, problem=problem)


if __name__ == "__main__":
    main()
