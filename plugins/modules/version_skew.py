#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a host of a cluster may get a release, with those that its other hosts run."""

from __future__ import annotations

DOCUMENTATION = r"""
module: version_skew
version_added: 0.1.0
short_description: Check that a host's release fits those of the other hosts of its cluster
description:
  - Run on the control plane host, asks the API which releases kube-apiserver and the kubelets are, and fails
    where the release that a host is to get does not work with them.
  - A kubelet is never newer than kube-apiserver, and only so many minor releases older as the table of
    releases has it.
  - Changes nothing.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: Checks the same.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
extends_documentation_fragment: [mink8s.kubernetes.api]
options:
  name:
    description: Name of the host's node.
    type: str
    required: true
  version:
    description: The release it is to get.
    type: str
    required: true
  control_plane:
    description: Name in the inventory of the control plane host; empty if it is the host in question itself.
    type: str
    default: ""
  releases:
    description: The table of releases, C(release_table) of the role release.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Check that the node may get the release
  mink8s.kubernetes.version_skew:
    name: beta
    version: v1.20.15
    control_plane: alpha
    releases: "{{ release_table }}"
  delegate_to: alpha
"""

RETURN = r"""
apiserver_version:
  description: The version of kube-apiserver. Empty in check mode where there is no cluster yet.
  type: str
  returned: success
  sample: v1.20.15
nodes:
  description: The version of each node's kubelet, by the node's name.
  type: dict
  returned: success
  sample: {alpha: v1.20.15, beta: v1.20.14}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import kubernetes_client
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks import version_skew
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.finding import Problems


def problems(params: dict[str, Any], apiserver: str, nodes: dict[str, str]) -> Problems:
    """All findings. params: the module's options. nodes: the kubelet's version of each."""
    name, version, releases = params["name"], params["version"], params["releases"]
    if params["control_plane"]:
        host = (params["control_plane"], apiserver)
        return version_skew.of_node(version, nodes.get(name, version), host, releases)
    # Its own kubelet gets the release together with it.
    others = {other: kubelet for other, kubelet in nodes.items() if other != name}
    return version_skew.of_control_plane(version, apiserver, others, releases)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        {
            **kubernetes_client.ARGUMENTS,
            "name": {"type": "str", "required": True},
            "version": {"type": "str", "required": True},
            "control_plane": {"type": "str", "default": ""},
            "releases": {"type": "dict", "required": True},
        },
        supports_check_mode=True,
    )
    api = kubernetes_client.connect(module)
    if api is None:
        module.exit_json(changed=False, apiserver_version="", nodes={})
    try:
        apiserver = kubernetes_client.version(api)
        listed = kubernetes_client.core(api).list_node(_request_timeout=kubernetes_client.REQUEST_TIMEOUT)
    except kubernetes_client.api_exceptions() as error:
        module.fail_json(
            msg=f"kube-apiserver at {api.configuration.host} answered {kubernetes_client.explain(error)}."
            " Nothing was changed. The playbook status for its host shows what runs there."
        )
    nodes = {node.metadata.name: node.status.node_info.kubelet_version for node in listed.items}
    found = list(problems(module.params, apiserver, nodes))
    if found:
        lines = [f"This host can't run {module.params['version']} yet. Nothing was changed."]
        lines += [f"{number}. {each.message} {each.remedy}" for number, each in enumerate(found, 1)]
        module.fail_json(msg="\n".join(lines))
    module.exit_json(changed=False, apiserver_version=apiserver, nodes=nodes)


if __name__ == "__main__":
    main()
