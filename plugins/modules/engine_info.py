#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Facts of the container engine that the other parts have to agree with."""

from __future__ import annotations

DOCUMENTATION = r"""
module: engine_info
short_description: Read facts of the Docker engine
version_added: 0.1.0
description:
  - Reads what the kubelet and the other parts have to know of the Docker engine on the host.
  - Where no engine answers, the cgroup driver is the one the engine would use once started.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: Reads only, so check mode makes no difference.
    support: full
  diff_mode:
    description: Nothing is changed.
    support: none
options:
  daemon_json:
    description: The engine's configuration file, read if no engine answers. It may be missing.
    type: path
    default: /etc/docker/daemon.json
"""

EXAMPLES = r"""
- name: Read the engine's facts
  mink8s.kubernetes.engine_info:
  register: engine

- name: Show the cgroup driver the kubelet has to use
  ansible.builtin.debug:
    var: engine.cgroup_driver
"""

RETURN = r"""
installed:
  description: Whether the engine is on the host.
  type: bool
  returned: always
running:
  description: Whether the engine answers.
  type: bool
  returned: always
version:
  description: The engine's version, of the running one if it answers. Empty if there is none.
  type: str
  returned: always
  sample: 20.10.24+dfsg1
api_version:
  description: The newest API version the running engine speaks. Empty if none answers.
  type: str
  returned: always
  sample: "1.41"
min_api_version:
  description: The oldest API version the running engine speaks. Empty if none answers.
  type: str
  returned: always
  sample: "1.12"
cgroup_driver:
  description: V(cgroupfs) or V(systemd).
  type: str
  returned: always
  sample: cgroupfs
cgroup_version:
  description: The host's cgroup version, 1 or 2.
  type: int
  returned: always
  sample: 2
default_bridge:
  description: The host's IPv4 address on the engine's default bridge. Empty if no engine answers.
  type: str
  returned: always
  sample: 172.17.0.1
"""

import json
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import cgroup, programs
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker_cli import (
    Engine,
    EngineError,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker_info import (
    bridge,
    configured_driver,
    default_driver,
    installed_version,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import files


def observe_running(engine: Engine) -> dict[str, Any]:
    """The facts of an engine that answers. Raises EngineError if none does."""
    server = json.loads(engine.run("version", "--format", "{{json .Server}}"))
    return {
        "installed": True,
        "running": True,
        "version": server["Version"],
        "api_version": server["ApiVersion"],
        "min_api_version": server["MinAPIVersion"],
        "cgroup_driver": engine.run("info", "--format", "{{.CgroupDriver}}").strip(),
        "default_bridge": bridge(),
    }


def observe_stopped(module: AnsibleModule, cgroup_version: int) -> dict[str, Any]:
    """The facts of an engine that does not answer. Raises ValueError for a bad daemon.json."""
    dockerd = module.get_bin_path("dockerd", opt_dirs=programs.DIRECTORIES)
    version = installed_version(module.run_command, dockerd or "")
    configured = configured_driver(files.read(module.params["daemon_json"]) or b"")
    systemd = Path("/run/systemd/system").is_dir()
    return {
        "installed": bool(dockerd),
        "running": False,
        "version": version,
        "api_version": "",
        "min_api_version": "",
        "cgroup_driver": configured or default_driver(version, cgroup_version, systemd),
        "default_bridge": "",
    }


def main() -> None:
    """Read the facts and end the module."""
    module = AnsibleModule(
        {"daemon_json": {"type": "path", "default": "/etc/docker/daemon.json"}}, supports_check_mode=True
    )
    cgroup_version = cgroup.version()
    try:
        facts = observe_running(Engine(module))
    except EngineError:
        try:
            facts = observe_stopped(module, cgroup_version)
        except ValueError as error:
            module.fail_json(
                msg=f"{module.params['daemon_json']} is nothing the engine could start with: {error}."
                " Correct it, or move it away."
            )
    module.exit_json(changed=False, cgroup_version=cgroup_version, **facts)


if __name__ == "__main__":
    main()
