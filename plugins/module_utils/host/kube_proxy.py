# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules kube-proxy writes in its mode iptables, and leaves behind when it ends."""

from __future__ import annotations

import re

SERVICES = "KUBE-SERVICES"
# Of pkg/proxy/iptables in Kubernetes 1.18 to 1.23. Chains with other names are the kubelet's.
CHAINS = re.compile(
    r"KUBE-(SERVICES|EXTERNAL-SERVICES|NODEPORTS|FORWARD|PROXY-CANARY|(SVC|SEP|FW|XLB|EXT|SVL)-\S+)"
)
