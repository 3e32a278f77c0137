#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""containerd for a kubelet, with its settings and its images."""

from __future__ import annotations

DOCUMENTATION = r"""
module: containerd
version_added: 0.1.0
short_description: Run containerd for a kubelet, with its settings and images
description:
  - Adds settings to C(config.toml) and keeps everything else in it, with its comments and its order. Tables
    are merged, lists get the items they lack, anything else is set.
  - What it added before and is not asked for any more is taken out again, and what was there before comes
    back; the very text, if nobody else has changed the file since.
  - Besides O(settings) the file gets what a kubelet needs of the plugin C(cri) - the plugin itself, where
    C(disabled_plugins) has it, O(pause_image), the directories of the distribution's CNI plugins and their
    configuration, C(SystemdCgroup) on a host whose cgroups, of version 2, are systemd's, and the directory
    with the files of O(registries). O(settings) may say otherwise for each of them but the first.
  - A file of version 3 gets the names that these have in it. One without a version, of version 1, or that is
    not there becomes one of version 2, which all of containerd 1.6, 1.7 and 2 read.
  - Settings that containerd refuses change nothing. Those that it refuses only when it starts with them, or
    with which its CRI does not, are taken back, and containerd is started as it was.
  - Passes containerd a proxy, or takes back the one it passed, and writes a C(hosts.toml) for each registry.
  - Enables and starts C(containerd.service), and restarts it if it is older than its configuration. That it
    was not enabled is no reason to restart it. All containers, Docker's too, run on meanwhile.
  - Brings images into it, as M(mink8s.kubernetes.container_images) does.
author: The mink8s authors (@mink8s)
extends_documentation_fragment: [mink8s.kubernetes.images, mink8s.kubernetes.ledger]
requirements:
  - tomlkit (Python library, on the host; Debian and Ubuntu package python3-tomlkit)
  - grpc and protobuf (Python libraries, on the host; Debian and Ubuntu packages python3-grpcio and
    python3-protobuf)
attributes:
  check_mode:
    description: >-
      Reports what would change, on a host without containerd too. Where the configuration file is there and
      tomlkit is not, it says so instead of what changes in the file.
    support: full
  diff_mode:
    description: Shows the files, the unit's state and the ID of each image before and after.
    support: full
options:
  settings:
    description:
      - What O(config) has to contain, among other things.
      - Those of a plugin are in C(plugins), under its whole name, such as C(io.containerd.grpc.v1.cri).
    type: dict
    default: {}
  config:
    description:
      - Configuration file of containerd, in TOML; its name ends in V(.toml). It is made with mode 0644, and
        its directory with 0755, if missing.
      - The files of O(registries) are in V(certs.d) beside it.
    type: path
    default: /etc/containerd/config.toml
  pause_image:
    description:
      - Name of the image whose container holds the network of each pod, NAME:TAG or NAME:TAG@sha256:DIGEST.
        Empty for the one that containerd has by itself, which it has to be able to pull.
      - It comes into containerd only if it is among O(images).
    type: str
    default: ""
  registries:
    description:
      - For the HOST or HOST:PORT of a registry, a list of the URLs at which containerd asks for its images
        instead, in this order. The registry itself is asked last.
      - A C(hosts.toml) of somebody else's for such a registry is an error. Changes need no restart.
    type: dict
    default: {}
  proxy:
    description:
      - Variables of containerd's environment, each NAME=VALUE on a line, written to O(proxy_file), a drop-in
        of the unit. Without any, the file is removed.
    type: str
    default: ""
  proxy_file:
    description: The drop-in of C(containerd.service) that holds a proxy.
    type: path
    default: /etc/systemd/system/containerd.service.d/mink8s-proxy.conf
  state:
    description:
      - V(configured) only writes the proxy, and only where there is no containerd yet, so that the first
        start of the one that is installed next has it. O(config) is the package's to make.
    type: str
    choices: [configured, running]
    default: running
  images:
    description: Names of images containerd has to have, each NAME:TAG or NAME:TAG@sha256:DIGEST.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Have containerd for a kubelet, a mirror of Docker Hub, and the pause image
  mink8s.kubernetes.containerd:
    settings:
      oom_score: -999
      plugins:
        io.containerd.grpc.v1.cri:
          max_concurrent_downloads: 5
    registries:
      docker.io: [https://mirror.example.org]
    pause_image: registry.k8s.io/pause:3.2
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
  sample: ["oom_score: now not set, wanted -999"]
version:
  description: containerd's version. Empty in check mode if there is none yet.
  type: str
  returned: always
  sample: 1.6.20~ds1
cgroup_driver:
  description: V(cgroupfs) or V(systemd), the one that containerd has with its settings.
  type: str
  returned: always
  sample: systemd
images:
  description: The images, as M(mink8s.kubernetes.container_images) returns them.
  type: list
  elements: dict
  returned: always
"""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import file_set, systemd
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import (
    images,
    proxy,
    settings_file,
    settings_format,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.containerd import (
    config,
    cri,
    daemon,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.containerd.engine import (
    Containerd,
    default_driver,
    installed_version,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.daemon import (
    ARGUMENTS,
    RefusedError,
    run_module,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.daemon import apply as apply_daemon
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import library
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import (
    Plan,
    carry_out,
    redacted,
    together,
)


def configure(module: AnsibleModule, desired: daemon.Desired, installed: bool, known: dict[str, Any]) -> None:
    """Write the proxy where containerd is to be installed, and end the module. Raises ValueError and OSError.

    known: the module's further results.
    """
    drop_in = proxy.drop_in(desired.proxy_file, desired.proxy, desired.ledger)
    plan, changes = file_set.prepare(drop_in)

    def write() -> None:
        file_set.note(drop_in)
        file_set.apply(changes)

    carry_out(module, Plan() if installed else redacted(plan), write, images=[], **known)


def bring(module: AnsibleModule, desired: daemon.Desired, version: str) -> tuple[Plan, str]:
    """Bring containerd to what is wanted but for the images. The plan, and the cgroup driver.

    Raises RefusedError, UnitError, LedgerError, ValueError and OSError.
    """
    unit = systemd.observe(module, daemon.PROGRAM.unit)
    planned = daemon.prepare(desired, bool(version) or not module.check_mode, unit)
    hosts, changes, files = daemon.prepare_hosts(desired)
    if not module.check_mode:
        if planned.plan.reasons:
            asks = planned.change.plan.reasons or planned.restart_reasons
            refused = daemon.refusal(module.run_command, planned, desired.settings, version) if asks else ""
            apply_daemon(module, planned, refused, nullcontext(), lambda: daemon.answers(module))
        else:
            daemon.answers(module)
        daemon.apply_hosts(changes, files)
        settings_file.settle(desired.ledger, planned.path, planned.wanted)
    return together(planned.plan, hosts), config.cgroup_driver(planned.change.settings)


def run(module: AnsibleModule) -> None:
    """Bring containerd to what is wanted and end the module. Raises what its parts raise."""
    params, containerd = module.params, Containerd()
    names = ("settings", "proxy", "proxy_file", "pause_image", "registries", "ledger")
    desired = daemon.Desired(path=params["config"], **{name: params[name] for name in names})
    version = installed_version(module.run_command)
    if params["state"] == "configured":
        _version, driver = containerd.version_and_driver(module.run_command)
        configure(module, desired, bool(version), {"version": version, "cgroup_driver": driver})
    if version and "v1" not in config.cri_versions(version):
        raise RefusedError(
            f"containerd {version} does not speak CRI v1. Nothing was changed. Upgrade it to 1.6 or later."
        )
    if module.check_mode and not settings_format.HAS_TOMLKIT and Path(desired.path).exists():
        reason = f"{desired.path} is compared when tomlkit is installed, with which it is read"
        plan, driver = Plan((reason,)), default_driver()
    else:
        plan, driver = bring(module, desired, version)
    if not version and not module.check_mode:
        version = installed_version(module.run_command)
    missing, apply, results = images.prepare(module, containerd)
    carry_out(module, together(plan, missing), apply, version=version, cgroup_driver=driver, images=results)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        {
            **ARGUMENTS,
            "config": {"type": "path", "default": "/etc/containerd/config.toml"},
            "pause_image": {"type": "str", "default": ""},
            "registries": {"type": "dict", "default": {}},
            "proxy_file": {
                "type": "path",
                "default": "/etc/systemd/system/containerd.service.d/mink8s-proxy.conf",
            },
        },
        supports_check_mode=True,
    )
    for library_name, package, there in (
        ("tomlkit", "tomlkit", settings_format.HAS_TOMLKIT),
        ("grpc", "grpcio", cri.HAS_GRPC),
    ):
        if not there and module.params["state"] == "running":
            library.respawn(library_name)
            # On a bare host in check mode they are not installed yet.
            if not module.check_mode:
                library.fail(module, package)
    run_module(module, daemon.PROGRAM, run)


if __name__ == "__main__":
    main()
