# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation shared by the modules that talk to kube-apiserver."""

from __future__ import annotations


class ModuleDocFragment:
    """What those modules need and how they reach the API."""

    DOCUMENTATION = r"""
requirements:
  - kubernetes (Python client, on the host; Debian and Ubuntu package python3-kubernetes)
options:
  kubeconfig:
    description:
      - Kubeconfig file on the host. The API it names is spoken to directly, never through a proxy.
      - Where the file does not exist there is no cluster yet, which is an error except in check mode.
    type: path
    default: /etc/kubernetes/admin.conf
  timeout:
    description: Longest wait, in seconds.
    type: int
    default: 180
"""
