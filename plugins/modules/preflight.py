#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything that would make a run fail anyway, found before anything is changed."""

DOCUMENTATION = r"""
module: preflight
version_added: 0.1.0
short_description: Find everything that keeps a host from becoming a cluster
description:
  - Looks at the host, changes nothing, and fails with the list of all findings, each with what was seen and
    what to do.
  - Findings of which the run would not fail are warnings.
  - Only a cgroup is made, to see whether a limit of kernel memory can be written, and removed again.
author: The mink8s authors (@mink8s)
extends_documentation_fragment: [mink8s.kubernetes.cluster, mink8s.kubernetes.container_runtime]
attributes:
  check_mode:
    description: Does the same in check mode.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
options:
  version:
    description: Kubernetes version, such as V(v1.18.20).
    type: str
    required: true
  releases:
    description: What differs from one release to another, a row for each minor release.
    type: dict
    required: true
  checksum:
    description: SHA-512 of the release in hexadecimal, for a version that is not in O(releases).
    type: str
    default: ""
  artifacts:
    description: Directory on the host with the release and possibly C(SHA512SUMS); empty for none.
    type: str
    default: ""
  url:
    description: Where releases are fetched from; empty if nothing is fetched.
    type: str
    default: ""
  directories:
    description: Space that has to be free, added up on each file system.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description:
          - Directory that is filled; it need not exist.
          - Empty for the directory in which the container runtime keeps images and containers.
        type: path
        default: ""
      megabytes:
        description: Space it needs, in MB.
        type: int
        default: 0
      percent:
        description: How many percent of its file system the kubelet wants to stay free; V(0) for none.
        type: int
        default: 0
  ports:
    description: TCP ports that have to be free.
    type: list
    elements: dict
    default: []
    suboptions:
      port:
        description: Number of the port.
        type: int
        required: true
      address:
        description: IPv4 address it is going to be opened on, V(0.0.0.0) for all of them.
        type: str
        required: true
      process:
        description: Name of the process that is going to open it.
        type: str
        required: true
  memory_minimum:
    description: Memory in MB that has to be available.
    type: int
    default: 0
  memory_comfortable:
    description: Memory in MB below which there is a warning.
    type: int
    default: 0
  state_directory:
    description: Directory in which releases are kept.
    type: path
    default: /var/lib/mink8s
  programs:
    description: Programs of the release, which are compared with what was installed.
    type: list
    elements: path
    default: []
  archives:
    description: Image archives of the release, likewise.
    type: list
    elements: path
    default: []
  ledger:
    description: Exists if this collection has worked on the host before.
    type: path
    default: /var/lib/mink8s/ledger.json
  files:
    description:
      - Files the run is going to write, which on a new host belong to another Kubernetes.
      - A manifest of kube-apiserver among them says which release is on the host.
    type: list
    elements: path
    default: []
  authorities:
    description: Certificates of authorities, which have to be valid already.
    type: list
    elements: path
    default: []
  time:
    description: Time of the controller, in seconds since 1970 in UTC; V(0) not to compare it.
    type: int
    default: 0
  switch_to_cgroup_v1:
    description: Whether cgroup v2 is only a warning where it can be switched to the cgroup v1 that is needed.
    type: bool
    default: false
  packages:
    description: Packages of the distribution to look for. One that is missing is no finding.
    type: list
    elements: str
    default: []
  known_facts:
    description: Ansible facts that were gathered earlier, maybe long ago.
    type: dict
    default: {}
  facts:
    description:
      - Ansible facts to return, in the form in which M(ansible.builtin.setup) gathers them.
      - Those among O(known_facts) that are as they were are left out.
    type: list
    elements: str
    default: []
    choices: [apparmor, default_ipv4, distribution, distribution_major_version, machine, nodename]
  skip:
    description: Checks to leave out.
    type: list
    elements: str
    default: []
    choices: [address, architecture, arguments, article_exact, artifacts, authentication, bind_address,
      bridge_netfilter, cgroup, cgroup_driver, clock, components, container_runtime, directories, disk_space,
      downgrade, eviction, firewall, hostname, image_registry, iptables, kernel_log, kernel_memory, linux,
      logins, memory, mirror, mounts, moved_directories, name_servers, names, nftables, node_name,
      other_kubernetes, overlay, pod_network, pod_network_change, ports, registered_name,
      release_checksum, root, routes, runtime_change, runtime_defaults, runtime_packages, runtime_restart,
      runtime_rules, runtime_settings, runtime_unit, runtime_version, security, service_network,
      skipped_minor, static_pods, swap, sysctl, systemd, version_range]
"""

EXAMPLES = r"""
- name: Find out whether the host can run the cluster
  mink8s.kubernetes.preflight:
    version: v1.18.20
    releases: "{{ releases }}"
    url: https://dl.k8s.io
    directories:
      - megabytes: 2000
    ports:
      - port: 10250
        address: 0.0.0.0
        process: kubelet
    facts: [machine, nodename]
    skip: [swap]
"""

RETURN = r"""
findings:
  description: What keeps the host from becoming a cluster.
  type: list
  elements: dict
  returned: always
  sample:
    - name: swap
      message: Swap is on (/dev/sda2).
      remedy: Run swapoff --all and take the swap line out of /etc/fstab.
cautions:
  description: What does not, but is to be known, in the same form. Each is shown as a warning, too.
  type: list
  elements: dict
  returned: always
cgroup_v1_parameters:
  description: The kernel parameters to set if O(switch_to_cgroup_v1) is to be done; empty if it is not.
  type: list
  elements: str
  returned: always
remove_pods_from:
  description: >-
    The container runtime whose pods have to be removed, because the kubelet has used it until now, or has had
    them in another network; empty if all pods stay.
  type: str
  returned: always
node:
  description: What other hosts of the cluster have to know.
  type: dict
  returned: always
  contains:
    name:
      description: The name it registers with.
      type: str
    address:
      description: The address it registers with.
      type: str
    version:
      description: O(version).
      type: str
pod_subnet:
  description: >-
    The network in which the pods of this host are; empty if it is the container runtime's own, or unknown.
  type: str
  returned: always
has_pod_network:
  description: Whether the host has a pod network that the collection has made with CNI plugins.
  type: bool
  returned: always
has_kube_proxy_rules:
  description: Whether a kube-proxy has left its rules in the packet filter, or runs.
  type: bool
  returned: always
resolv_conf:
  description: The file with the name servers that pods can reach; empty for C(/etc/resolv.conf).
  type: str
  returned: always
release_intact:
  description: Whether O(programs) and O(archives) are there, as they came out of the release's tarball.
  type: bool
  returned: always
tarball_verified:
  description: Whether the tarball among the artifacts on the host has the SHA-512 it has to have.
  type: bool
  returned: always
packages:
  description: Those of O(packages) that are installed.
  type: list
  elements: str
  returned: always
ansible_facts:
  description: Those of O(facts) that are new or have changed, such as C(ansible_machine).
  type: dict
  returned: success
facts:
  description: What the roles, or a person, need to know of the host.
  type: dict
  returned: always
  sample: {apparmor: enabled, architecture: amd64, cgroup_driver: cgroupfs, cgroup_version: 1,
    container_runtime: "docker://20.10.24+dfsg1", distribution: Debian GNU/Linux 12 (bookworm),
    hostname: node, installed: v1.18.20, kernel: 6.1.0-37-amd64, memory_available: 3600, python: 3.11.2,
    selinux: disabled}
"""

import json
import sys

from ansible.module_utils.basic import AnsibleModule

OLDEST = (3, 8)


def main() -> None:
    """Run the module. This file alone is read by Python 3.6 and 3.7, too, so that they can say that."""
    if sys.version_info[:2] < OLDEST:
        seen = ".".join(map(str, sys.version_info[:3]))
        said = (
            f"The host has Python {seen} at {sys.executable}, and this collection needs 3.8 or later. Nothing"
            " was changed. Install a later python3 there and set ansible_python_interpreter to its path."
        )
        sys.stdout.write(json.dumps({"failed": True, "msg": said}))
        raise SystemExit(1)
    from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks import preflight

    preflight.run(AnsibleModule(argument_spec=preflight.ARGUMENTS, supports_check_mode=True))


if __name__ == "__main__":
    main()
