#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Under which address a host's kube-apiserver is reached from elsewhere."""

from __future__ import annotations

DOCUMENTATION = r"""
module: api_access
short_description: Find out how a host's API is reached from elsewhere
version_added: 0.1.0
description:
  - Asks the host at which address kube-apiserver listens, and for which names and addresses its certificate
    is, and fails unless clients on other hosts can use the wanted one. Says what to set then.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: Never changes anything.
    support: full
  diff_mode:
    description: Nothing is changed, so there is nothing to show.
    support: none
options:
  kubeconfig:
    description: The administrator's kubeconfig on the host.
    type: path
    default: /etc/kubernetes/admin.conf
  server:
    description:
      - Name or address by which clients reach the host.
      - If empty, the one address on which kube-apiserver listens, or O(address) if it listens on all of them.
    type: str
    default: ""
  address:
    description: The host's address. That of the default route if empty.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Find out how the API is reached from elsewhere
  mink8s.kubernetes.api_access:
    server: kubernetes.example.com
"""

RETURN = r"""
server:
  description: The URL for clients on other hosts.
  type: str
  returned: success
  sample: https://192.0.2.7:6443
"""

import ssl
from ipaddress import ip_address
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import access, kubeconfig
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import network, procfs
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import library, no_answer


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        {
            "kubeconfig": {"type": "path", "default": "/etc/kubernetes/admin.conf"},
            "server": {"type": "str", "default": ""},
            "address": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    path = Path(module.params["kubeconfig"])
    if not path.exists():
        module.fail_json(
            msg=f"{path} does not exist, so there is no cluster to reach. The playbook site makes one."
        )
    if not kubeconfig.HAS_YAML:
        library.respawn("yaml")
        library.fail(module, "yaml")
    try:
        admin = kubeconfig.parse(path.read_text(), str(path))
        url = admin["clusters"][0]["cluster"]["server"]
        listening = [each.address for each in procfs.find_listeners(Path("/proc"), {access.PORT})]
        names: tuple[str, ...] = ()
        if url.startswith("https:"):
            names = access.names(url, kubeconfig.authority(admin))
        address = module.params["address"] or network.default_address()
        server = module.params["server"] or access.usual(listening, address)
        seen = access.Seen(url, tuple(listening), names, access.is_own(server))
    except (kubeconfig.KubeconfigError, KeyError, IndexError, TypeError):
        module.fail_json(msg=f"{path} is no kubeconfig. Run the playbook site, which writes it anew.")
    except (OSError, ssl.SSLError) as error:
        module.fail_json(
            msg=f"kube-apiserver at {url} does not answer: {no_answer.words(error)}. The playbook status"
            " shows what runs."
        )
    problem = access.problem(server, seen)
    if problem:
        module.fail_json(msg=problem)
    host = f"[{server}]" if ":" in server and ip_address(server) else server
    module.exit_json(changed=False, server=f"https://{host}:{access.PORT}")


if __name__ == "__main__":
    main()
