# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ClusterRoles, each bound to the user with the same name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import kubernetes_client
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan

GROUP = "rbac.authorization.k8s.io"
ARGUMENT: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "name": {"type": "str", "required": True},
        "rules": {"type": "list", "elements": "dict", "default": []},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    },
}


@dataclass(frozen=True)
class Observed:
    """What the API has: the role's rules, None without a role, and whether the binding is there as wanted.

    bound: None without a binding.
    """

    rules: list[dict[str, Any]] | None = None
    bound: bool | None = None


def plan(wanted: Sequence[dict[str, Any]], observed: dict[str, Observed]) -> Plan:
    """What has to be made, changed or removed, and why; observed by name."""
    reasons: list[str] = []
    for role in wanted:
        name, seen = role["name"], observed[role["name"]]
        if role["state"] == "absent":
            reasons += [
                f"{kind} {name} is not wanted any more"
                for kind, there in (("clusterrole", seen.rules), ("clusterrolebinding", seen.bound))
                if there is not None
            ]
            continue
        if seen.rules is None:
            reasons.append(f"clusterrole {name} does not exist")
        elif seen.rules != role["rules"]:
            reasons.append(f"clusterrole {name} has other rules")
        if seen.bound is None:
            reasons.append(f"clusterrolebinding {name} does not exist")
        elif not seen.bound:
            reasons.append(f"clusterrolebinding {name} binds something else")
    return Plan(tuple(reasons), "", "".join(f"{reason}\n" for reason in reasons))


def observe(api: Any, wanted: Sequence[dict[str, Any]]) -> dict[str, Observed]:
    """Ask the API. Raises the client's exceptions for anything but a plain 404."""
    rbac = kubernetes_client.rbac(api)
    found = {}
    for role in wanted:
        name = role["name"]
        rules = kubernetes_client.get(rbac.read_cluster_role, name)
        binding = kubernetes_client.get(rbac.read_cluster_role_binding, name)
        seen = api.sanitize_for_serialization(binding) if binding else {}
        expected = _binding(name)
        found[name] = Observed(
            api.sanitize_for_serialization(rules.rules or []) if rules else None,
            all(seen.get(key) == expected[key] for key in ("roleRef", "subjects")) if binding else None,
        )
    return found


def apply(api: Any, wanted: Sequence[dict[str, Any]], observed: dict[str, Observed]) -> None:
    """Make, replace or remove them. Raises the client's exceptions."""
    rbac = kubernetes_client.rbac(api)
    for role in wanted:
        name, seen = role["name"], observed[role["name"]]
        stays = role["state"] == "present"
        # Whom a binding binds to what can't be changed.
        if seen.bound is not None and not (stays and seen.bound):
            rbac.delete_cluster_role_binding(name)
        if seen.rules is not None and not (stays and seen.rules == role["rules"]):
            rbac.delete_cluster_role(name)
        if stays and seen.rules != role["rules"]:
            rbac.create_cluster_role({"metadata": {"name": name}, "rules": role["rules"]})
        if stays and not seen.bound:
            rbac.create_cluster_role_binding({"metadata": {"name": name}, **_binding(name)})


def _binding(name: str) -> dict[str, Any]:
    return {
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": name},
        "subjects": [{"apiGroup": GROUP, "kind": "User", "name": name}],
    }
