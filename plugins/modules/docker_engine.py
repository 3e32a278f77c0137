#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Docker engine, with its settings and its images."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_engine
version_added: 0.1.0
short_description: Run the Docker engine with its settings and images
description:
  - Adds settings to C(daemon.json) and keeps everything else in it, in its order. Dictionaries are merged,
    lists get the items they lack, anything else is set. Items of C(exec-opts) that set the same option, such
    as V(native.cgroupdriver=systemd) and V(native.cgroupdriver=cgroupfs), replace each other.
  - What it added before and is not asked for any more is taken out again, and what was there before comes
    back.
  - Settings that dockerd refuses change nothing. Those that it refuses only when it starts with them are
    taken back, and Docker is started as it was.
  - Passes dockerd a proxy, or takes back the one it passed.
  - Enables and starts C(docker.service), and restarts it if it is older than its configuration. That it was
    not enabled is no reason to restart it. A kubelet that runs is stopped meanwhile.
  - Brings images into the engine, as M(mink8s.kubernetes.container_images) does.
author: The mink8s authors (@mink8s)
extends_documentation_fragment: [mink8s.kubernetes.images, mink8s.kubernetes.ledger]
attributes:
  check_mode:
    description: Reports what would change, on a host without Docker too.
    support: full
  diff_mode:
    description: Shows the files, the unit's state and the ID of each image before and after.
    support: full
options:
  settings:
    description:
      - What O(daemon_json) has to contain, among other things.
      - C(min-api-version) is V(1.24) from Engine 29 on unless it is set here, because kubelets up to 1.23
        speak no version that such an engine takes by itself.
    type: dict
    default: {}
  daemon_json:
    description: Configuration file of dockerd; made with mode 0644, and its directory with 0755, if missing.
    type: path
    default: /etc/docker/daemon.json
  defaults:
    description:
      - Whether settings of the collection's own are added where it has installed the engine, or is going to -
        a bound for the logs of containers, unless O(settings) or the file name a C(log-driver), and
        C(userland-proxy) V(false), with which a pod reaches itself through its Service's address.
      - What O(settings) or the file have of these stays.
    type: bool
    default: true
  state:
    description:
      - V(configured) only writes the files, and only where there is no engine yet, so that the first start of
        the one that is installed next has them.
    type: str
    choices: [configured, running]
    default: running
  proxy:
    description:
      - Variables of dockerd's environment, each NAME=VALUE on a line, written to O(proxy_file), a drop-in of
        the unit. Without any, the file is removed.
    type: str
    default: ""
  proxy_file:
    description: The drop-in of C(docker.service) that holds a proxy.
    type: path
    default: /etc/systemd/system/docker.service.d/mink8s-proxy.conf
  images:
    description: Names of images the engine has to have, each NAME:TAG or NAME:TAG@sha256:DIGEST.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Keep the engine's cgroup driver in step with the kubelet's, and have the pause image
  mink8s.kubernetes.docker_engine:
    settings:
      exec-opts: [native.cgroupdriver=systemd]
      log-opts:
        max-size: 10m
    images: ["registry.k8s.io/pause:3.2"]
    archives: [/srv/artifacts]
    architecture: amd64
"""

RETURN = r"""
reasons:
  description: Why something changed, one sentence for each change.
  type: list
  elements: str
  returned: always
  sample: ["log-opts.max-size: now not set, wanted \"10m\""]
version:
  description: The engine's version. Empty in check mode if there is none yet.
  type: str
  returned: always
  sample: 20.10.24+dfsg1
cgroup_driver:
  description: V(cgroupfs) or V(systemd); in check mode the one the engine has now, or would have if started.
  type: str
  returned: always
  sample: cgroupfs
bridge:
  description: The host's address on the engine's default bridge; empty if there is none, or no engine yet.
  type: str
  returned: always
  sample: 172.17.0.1
images:
  description: The images, as M(mink8s.kubernetes.container_images) returns them.
  type: list
  elements: dict
  returned: always
"""

from contextlib import nullcontext
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import (
    previous_configuration,
    service,
    systemd,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import (
    daemon,
    images,
    settings_file,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker import dockerd
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker.engine import Docker
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan, carry_out, together


def apply(module: AnsibleModule, planned: daemon.Daemon, version: str) -> None:
    """Write the files and (re)start the engine. Raises RefusedError, UnitError, LedgerError and OSError."""
    restarts = planned.restart_reasons
    asks = bool(planned.change.plan.reasons or restarts)
    refused = dockerd.refusal(module.run_command, planned, version) if asks else ""
    # Docker loses a container that the kubelet starts while it goes down, and it keeps its ports.
    meanwhile = service.stopped(module, previous_configuration.KUBELET) if restarts else nullcontext()
    daemon.apply(module, planned, refused, meanwhile)


def run(module: AnsibleModule) -> None:
    """Bring the engine to what is wanted and end the module. Raises what its parts raise."""
    params = module.params
    docker, names = Docker(), ("settings", "defaults", "proxy", "proxy_file", "ledger")
    desired = dockerd.Desired(path=params["daemon_json"], **{name: params[name] for name in names})
    version, cgroup_driver = docker.version_and_driver(module.run_command)
    unit = systemd.observe(module, dockerd.PROGRAM.unit)
    if params["state"] == "configured":
        planned = dockerd.prepare(desired, version, False, unit)
        plan = Plan() if version else planned.files_plan
        known: dict[str, Any] = {
            "version": version,
            "cgroup_driver": cgroup_driver,
            "bridge": "",
            "images": [],
        }
        carry_out(module, plan, lambda: daemon.write(planned, installed=False), **known)
    planned = dockerd.prepare(desired, version, bool(version) or not module.check_mode, unit)
    if planned.plan.reasons and not module.check_mode:
        apply(module, planned, version)
        version, cgroup_driver = docker.version_and_driver(module.run_command)
    if not module.check_mode:
        settings_file.settle(desired.ledger, planned.path, planned.wanted)
    missing, bring, results = images.prepare(module, docker)
    carry_out(
        module,
        together(planned.plan, missing),
        bring,
        version=version,
        cgroup_driver=cgroup_driver,
        bridge=docker.host_address(),
        images=results,
    )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        {
            **daemon.ARGUMENTS,
            "defaults": {"type": "bool", "default": True},
            "daemon_json": {"type": "path", "default": "/etc/docker/daemon.json"},
            "proxy_file": {
                "type": "path",
                "default": "/etc/systemd/system/docker.service.d/mink8s-proxy.conf",
            },
        },
        supports_check_mode=True,
    )
    daemon.run_module(module, dockerd.PROGRAM, run)


if __name__ == "__main__":
    main()
