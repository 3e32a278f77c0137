#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Something that listens on the ports of a cluster before there is one."""

from __future__ import annotations

DOCUMENTATION = r"""
module: port_listener
version_added: 0.1.0
short_description: Listen on ports until other hosts have connected
description:
  - Listens on TCP ports and closes each connection at once, so that M(mink8s.kubernetes.cluster_hosts) on
    another host can tell a packet filter between the hosts from a port on which nobody listens yet.
  - Ends when as many hosts as expected have connected to each port, or when time is up.
  - A port that is taken already is left alone.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: Does not listen.
    support: full
  diff_mode:
    description: Nothing is changed, so there is nothing to show.
    support: none
options:
  address:
    description: IPv4 address to listen on.
    type: str
    required: true
  ports:
    description: The ports, each with how many hosts are going to connect.
    type: list
    elements: dict
    required: true
    suboptions:
      port:
        description: Number of the port.
        type: int
        required: true
      hosts:
        description: How many hosts are expected.
        type: int
        required: true
  timeout:
    description: When to end without them, in seconds.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Listen where kube-apiserver is going to, for two nodes
  mink8s.kubernetes.port_listener:
    address: 192.0.2.7
    ports:
      - {port: 6443, hosts: 2}
  async: 60
  poll: 0
"""

RETURN = r""" # """

import selectors
import socket
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule


def listen(address: str, port: int) -> socket.socket | None:
    """A socket that listens; None if the port is taken."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
    except OSError:
        listener.close()
        return None
    listener.listen()
    return listener


def serve(address: str, ports: list[dict[str, Any]], timeout: float) -> None:
    """Listen until as many hosts as expected have connected to each port. timeout: seconds."""
    deadline = time.monotonic() + timeout
    seen: dict[int, set[str]] = {port["port"]: set() for port in ports}
    listeners: dict[int, socket.socket] = {}
    with selectors.DefaultSelector() as selector:
        for port in ports:
            listener = listen(address, port["port"]) if port["hosts"] else None
            if listener:
                listeners[port["port"]] = listener
                selector.register(listener, selectors.EVENT_READ, port)
        while listeners and time.monotonic() < deadline:
            for key, _events in selector.select(max(deadline - time.monotonic(), 0)):
                number, expected = key.data["port"], key.data["hosts"]
                connection, peer = listeners[number].accept()
                connection.close()
                seen[number].add(peer[0])
                if len(seen[number]) >= expected:
                    selector.unregister(listeners[number])
                    listeners.pop(number).close()


def main() -> None:
    """Run the module."""
    port = {"port": {"type": "int", "required": True}, "hosts": {"type": "int", "required": True}}
    module = AnsibleModule(
        {
            "address": {"type": "str", "required": True},
            "ports": {"type": "list", "elements": "dict", "options": port, "required": True},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    if not module.check_mode:
        serve(module.params["address"], module.params["ports"], module.params["timeout"])
    module.exit_json(changed=False)


if __name__ == "__main__":
    main()
