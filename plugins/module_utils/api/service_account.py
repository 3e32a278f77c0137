# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ServiceAccount default, without which kube-apiserver admits no pod to a namespace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import kubernetes_client
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan

NAME = "default"
# Says that the field below is ours, and nobody's decision.
LABEL = "app.kubernetes.io/managed-by"
OURS = "mink8s.kubernetes"
# Without a controller there is no token to mount.
BODY = {"metadata": {"name": NAME, "labels": {LABEL: OURS}}, "automountServiceAccountToken": False}
LEFT = {"metadata": {"labels": {LABEL: None}}, "automountServiceAccountToken": None}


@dataclass(frozen=True)
class Observed:
    """What the API has of one namespace: automount is None where the account leaves it open.

    ours: whether the field was set here.
    """

    namespace_exists: bool = False
    account_exists: bool = False
    automount: bool | None = None
    ours: bool = False


def plan(observed: dict[str, Observed], unmanaged: bool = False) -> Plan:
    """Which accounts have to be made, changed, or left to a controller, and why; observed by namespace."""
    reasons: list[str] = []
    before: list[str] = []
    after: list[str] = []
    for namespace, seen in observed.items():
        account = f"serviceaccount {namespace}/{NAME}"
        field = f"{account}: automountServiceAccountToken"
        if not seen.namespace_exists:
            reasons.append(f"namespace {namespace} does not exist")
            after.append(f"namespace/{namespace}\n")
        if unmanaged:
            if seen.ours:
                reasons.append(f"{account} is a controller's from now on")
                before.append(f"{field}: false\n")
                after.append(f"{field}: not set\n")
            continue
        if not seen.account_exists:
            reasons.append(f"{account} does not exist")
        elif seen.automount is not False:
            reasons.append(f"{account} has automountServiceAccountToken {str(seen.automount).lower()}")
            before.append(f"{field}: {str(seen.automount).lower()}\n")
        else:
            continue
        after.append(f"{field}: false\n")
    return Plan(tuple(reasons), "".join(before), "".join(after))


def observe(core: Any, namespaces: Sequence[str]) -> dict[str, Observed]:
    """Ask the API. Raises the client's exceptions for anything but a plain 404."""
    return {namespace: _observe(core, namespace) for namespace in namespaces}


def apply(core: Any, observed: dict[str, Observed], unmanaged: bool = False) -> None:
    """Make what is missing, change only the one field of what is there. Raises the client's exceptions."""
    for namespace, seen in observed.items():
        if not seen.namespace_exists:
            core.create_namespace({"metadata": {"name": namespace}})
        if unmanaged:
            if seen.ours:
                core.patch_namespaced_service_account(NAME, namespace, LEFT)
        elif not seen.account_exists:
            core.create_namespaced_service_account(namespace, BODY)
        elif seen.automount is not False:
            core.patch_namespaced_service_account(NAME, namespace, BODY)


def _observe(core: Any, namespace: str) -> Observed:
    account = kubernetes_client.get(core.read_namespaced_service_account, NAME, namespace)
    if account is None:
        return Observed(kubernetes_client.get(core.read_namespace, namespace) is not None)
    ours = (account.metadata.labels or {}).get(LABEL) == OURS
    return Observed(True, True, account.automount_service_account_token, ours)
