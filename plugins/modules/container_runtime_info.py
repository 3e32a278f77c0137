#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host's container runtime says of itself."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_runtime_info
short_description: Read the version and the cgroup driver of the container runtime
version_added: 0.1.0
description:
  - Reads what a kubelet has to know of the container runtime. One that does not answer is judged by its
    program and its configuration file - the cgroup driver is the one it would use once started.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: Reads only, so check mode makes no difference.
    support: full
  diff_mode:
    description: Nothing is changed.
    support: none
"""

EXAMPLES = r"""
- name: Read what the container runtime says of itself
  mink8s.kubernetes.container_runtime_info:
  register: runtime

- name: Show the cgroup driver the kubelet has to use
  ansible.builtin.debug:
    var: runtime.cgroup_driver
"""

RETURN = r"""
name:
  description: The container runtime.
  type: str
  returned: always
  sample: Docker
running:
  description: Whether it answers.
  type: bool
  returned: always
version:
  description: Its version, of the running one if it answers. Empty if there is none.
  type: str
  returned: always
  sample: 20.10.24+dfsg1
cgroup_driver:
  description: V(cgroupfs) or V(systemd).
  type: str
  returned: always
  sample: cgroupfs
host_address:
  description: The host's IPv4 address on the network of pods. Empty if it does not answer.
  type: str
  returned: always
  sample: 172.17.0.1
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import selection
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    ContainerRuntimeError,
)


def main() -> None:
    """Read it and end the module."""
    module = AnsibleModule({}, supports_check_mode=True)
    runtime = selection.of_host()
    version, cgroup_driver = runtime.version_and_driver(module.run_command)
    try:
        runtime.version()
        running = True
    except ContainerRuntimeError:
        running = False
    module.exit_json(
        changed=False,
        name=runtime.name,
        running=running,
        version=version,
        cgroup_driver=cgroup_driver,
        host_address=selection.host_address(runtime),
    )


if __name__ == "__main__":
    main()
