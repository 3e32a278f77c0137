# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The network of pods that the role of this name makes with CNI plugins."""

from __future__ import annotations

from pathlib import Path

UNIT = "pod-network.service"
CONFIGURATION = Path("/etc/cni/net.d/10-mink8s.conflist")
BRIDGE = "cni0"
