# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of the logins that are to get a kubeconfig."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.finding import Problems, check, failure
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.observation import Host


@check
def logins(desired: Mapping[str, Any], host: Host) -> Problems:
    """cluster_kubeconfig_users: logins on the host, each with a home of its own."""
    for problem in host.login_problems:
        yield failure(
            f"{problem} It is in cluster_kubeconfig_users.",
            "Make the login, or take it out of the list.",
        )
