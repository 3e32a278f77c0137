"""What kube-proxy leaves in the packet filter is taken out, and nothing of the kubelet's."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import yaml
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import filter_chains
from ansible_collections.mink8s.kubernetes.plugins.modules import kube_proxy_rules
from rendering import variables

SAVED = """\
*nat
:PREROUTING ACCEPT [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-MARK-DROP - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-ABC - [0:0]
-A PREROUTING -m comment --comment "service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "postrouting rules" -j KUBE-POSTROUTING
-A KUBE-SERVICES -d 10.0.0.1/32 -j KUBE-SVC-ABC
-A KUBE-SVC-ABC -j KUBE-MARK-MASQ
COMMIT
"""


def removal(kubelets: list[str]) -> filter_chains.Removal:
    """What is taken out where these chains are the kubelet's."""
    found = filter_chains.plan(SAVED, "iptables-restore", kube_proxy_rules.chains(kubelets))
    assert found
    return found


def test_kube_proxys_chains_go_and_the_kubelets_stay() -> None:
    found = removal(variables("release", "vars")["release_table"]["1.26"]["kubelet_chains"])
    assert found.reason == "iptables has the chains KUBE-SERVICES, KUBE-SVC-ABC"
    assert found.data.splitlines() == [
        "*nat",
        ":KUBE-SERVICES - [0:0]",
        ":KUBE-SVC-ABC - [0:0]",
        '-D PREROUTING -m comment --comment "service portals" -j KUBE-SERVICES',
        "-X KUBE-SERVICES",
        "-X KUBE-SVC-ABC",
        "COMMIT",
    ]


def test_chains_that_the_kubelet_does_not_make_go_too() -> None:
    found = removal([])
    assert found.reason == (
        "iptables has the chains KUBE-MARK-MASQ, KUBE-POSTROUTING, KUBE-SERVICES, KUBE-SVC-ABC"
    )
    assert [line for line in found.data.splitlines() if line.startswith("-D")] == [
        '-D PREROUTING -m comment --comment "service portals" -j KUBE-SERVICES',
        '-D POSTROUTING -m comment --comment "postrouting rules" -j KUBE-POSTROUTING',
    ]


def test_which_chains_are_the_kubelets_is_said_by_the_table_of_releases_alone() -> None:
    option = yaml.safe_load(kube_proxy_rules.DOCUMENTATION)["options"]["kubelet_chains"]
    assert option["required"]
    assert "default" not in option
    done = subprocess.run(
        [sys.executable, "-m", kube_proxy_rules.__name__],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": {"_ansible_check_mode": True}}),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
        capture_output=True,
        check=False,
    )
    assert json.loads(done.stdout)["msg"] == "missing required arguments: kubelet_chains"
