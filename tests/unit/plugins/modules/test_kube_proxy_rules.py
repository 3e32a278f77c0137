"""What kube-proxy leaves in the packet filter is taken out, and nothing of the kubelet's."""

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import filter_chains
from ansible_collections.mink8s.kubernetes.plugins.modules import kube_proxy_rules


def test_kube_proxys_chains_go_and_the_kubelets_stay() -> None:
    saved = """\
*nat
:PREROUTING ACCEPT [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-ABC - [0:0]
-A PREROUTING -m comment --comment "service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "postrouting rules" -j KUBE-POSTROUTING
-A KUBE-SERVICES -d 10.0.0.1/32 -j KUBE-SVC-ABC
-A KUBE-SVC-ABC -j KUBE-MARK-MASQ
COMMIT
"""
    removal = filter_chains.plan(saved, "iptables-restore", kube_proxy_rules.CHAINS)
    assert removal
    assert removal.reason == "iptables has the chains KUBE-SERVICES, KUBE-SVC-ABC"
    assert removal.data.splitlines() == [
        "*nat",
        ":KUBE-SERVICES - [0:0]",
        ":KUBE-SVC-ABC - [0:0]",
        '-D PREROUTING -m comment --comment "service portals" -j KUBE-SERVICES',
        "-X KUBE-SERVICES",
        "-X KUBE-SVC-ABC",
        "COMMIT",
    ]
