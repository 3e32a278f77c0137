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
  - Passes dockerd a proxy, or takes back the one it passed.
  - Enables and starts C(docker.service), and restarts it if it is older than its configuration.
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
  proxy:
    description: Content of O(proxy_file), a drop-in of the unit. Without any, the file is removed.
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

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils import (
    _daemon_json,
    _file_set,
    _host_cgroup,
    _host_engine,
    _images,
    _ledger,
    _systemd,
    _unit,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils._engine import Engine, EngineError
from ansible_collections.mink8s.kubernetes.plugins.module_utils._plan import Plan, carry_out, together

UNIT = "docker.service"
LOWEST_API = {"min-api-version": "1.24"}


@dataclass(frozen=True)
class Daemon:
    """dockerd as it has to be: the whole plan, and what carries it out.

    settings: the part of the plan that is daemon.json's; mode: of that file.
    proxy: the drop-in, as a set of files; files: what has to change of it.
    """

    plan: Plan
    settings: Plan
    mode: int
    proxy: dict[str, Any]
    files: _file_set.Changes


def wanted_settings(settings: dict[str, Any], version: str) -> dict[str, Any]:
    """The settings that daemon.json needs for an engine of that version (empty if unknown)."""
    major = re.match(r"\d+", version)
    return {**(LOWEST_API if major and int(major[0]) >= _host_engine.LOWERED_FROM else {}), **settings}


def prepare(module: AnsibleModule, settings: dict[str, Any], installed: bool, unit: _systemd.Unit) -> Daemon:
    """Compare dockerd's files and its unit with what is wanted. Raises ValueError and OSError."""
    params = module.params
    daemon_json = Path(params["daemon_json"])
    seen = _daemon_json.observe(daemon_json)
    merged = _daemon_json.plan(settings, seen)
    drop_in = proxy_files(params)
    proxy, files = _file_set.prepare(drop_in)
    configured = bool(merged.reasons or proxy.reasons)
    inputs = _unit.written_at([str(daemon_json), params["proxy_file"]])
    running = _unit.plan(_unit.Desired(UNIT, inputs, configured), unit)
    # A package that check mode does not install would have started the engine.
    parts = (merged, proxy, running) if installed or configured else (merged, proxy)
    return Daemon(together(*parts), merged, seen.mode, drop_in, files)


def proxy_files(params: dict[str, Any]) -> dict[str, Any]:
    """The drop-in with the proxy, as a set of files."""
    path, content = params["proxy_file"], params["proxy"]
    file = {"path": path, "content": content, "mode": "0600", "marker": None}
    return {
        "directories": [],
        "files": [file] if content else [],
        "absent": [] if content else [path],
        "ledger": params["ledger"],
    }


def apply(module: AnsibleModule, daemon: Daemon, settings: dict[str, Any], unit: _systemd.Unit) -> None:
    """Write the files and (re)start the engine. Raises LedgerError and OSError."""
    path = Path(module.params["daemon_json"])
    if daemon.settings.reasons:
        _daemon_json.note(module.params["ledger"], path, settings)
        _daemon_json.apply(path, daemon.settings.after, daemon.mode)
    _file_set.note(daemon.proxy)
    _file_set.apply(daemon.files)
    _unit.apply(module, UNIT, unit)


def run(module: AnsibleModule) -> None:
    """Bring the engine to what is wanted and end the module. Raises what its parts raise."""
    params = module.params
    version, cgroup_driver = look(module)
    settings = wanted_settings(params["settings"], version)
    unit = _systemd.observe(module, UNIT)
    daemon = prepare(module, settings, bool(version) or not module.check_mode, unit)
    if daemon.plan.reasons and not module.check_mode:
        apply(module, daemon, settings, unit)
        version, cgroup_driver = look(module)
    images, bring, results = _images.prepare(module, Engine(module))
    carry_out(
        module,
        together(daemon.plan, images),
        bring,
        version=version,
        cgroup_driver=cgroup_driver,
        bridge=_host_engine.bridge(),
        images=results,
    )


def look(module: AnsibleModule) -> tuple[str, str]:
    """The engine's version and cgroup driver, whether it runs or not."""
    return _host_engine.version_and_driver(
        module.run_command, module.params["daemon_json"], _host_cgroup.version()
    )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        {
            "settings": {"type": "dict", "default": {}},
            "daemon_json": {"type": "path", "default": "/etc/docker/daemon.json"},
            "proxy": {"type": "str", "default": ""},
            "proxy_file": {
                "type": "path",
                "default": "/etc/systemd/system/docker.service.d/mink8s-proxy.conf",
            },
            "images": {"type": "list", "elements": "str", "default": []},
            **_images.ARGUMENTS,
            **_ledger.ARGUMENTS,
        },
        supports_check_mode=True,
    )
    try:
        run(module)
    except _daemon_json.UnreadableError as error:
        module.fail_json(msg=f"{error}. {_daemon_json.REMEDY}")
    except (_images.SourceError, EngineError, ValueError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
