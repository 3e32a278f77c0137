#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A ServiceAccount in one or more namespaces."""

from __future__ import annotations

DOCUMENTATION = r"""
module: service_account
short_description: Make a Kubernetes ServiceAccount
version_added: 0.1.0
description:
  - Makes a ServiceAccount in each namespace listed, and the namespace where it does not exist.
  - Without controllers nobody makes the ServiceAccount V(default), and kube-apiserver admits no pod
    without it. With O(automount_service_account_token=false) it needs no token either.
  - Of a ServiceAccount that exists, only C(automountServiceAccountToken) is changed.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: Asks the API where there is one; where there is no cluster yet, everything would be made.
    support: full
  diff_mode:
    description: Shows the objects before and after.
    support: full
extends_documentation_fragment:
  - mink8s.kubernetes.api
options:
  name:
    description: Name of the ServiceAccount.
    type: str
    default: default
  namespaces:
    description: Namespaces to make it in.
    type: list
    elements: str
    default: [default]
  automount_service_account_token:
    description: >-
      Whether pods get the account's token mounted. V(true) needs a token, so a controller that makes one.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Let pods be admitted to two namespaces
  mink8s.kubernetes.service_account:
    namespaces:
      - default
      - team-a
"""

RETURN = r"""
reasons:
  description: Why something changed, one sentence for each change.
  type: list
  elements: str
  returned: always
  sample: ["serviceaccount default/default does not exist"]
"""

from dataclasses import dataclass
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils import _kubernetes, _wait
from ansible_collections.mink8s.kubernetes.plugins.module_utils._plan import Plan, carry_out


@dataclass(frozen=True)
class Observed:
    """What the API has of one namespace: automount is None where the account leaves it open."""

    namespace_exists: bool = False
    account_exists: bool = False
    automount: bool | None = None


def plan(name: str, automount: bool, observed: dict[str, Observed]) -> Plan:
    """Which accounts have to be made or changed, and why; observed by namespace."""
    reasons: list[str] = []
    before: list[str] = []
    after: list[str] = []
    for namespace, seen in observed.items():
        account = f"serviceaccount {namespace}/{name}"
        if not seen.namespace_exists:
            reasons.append(f"namespace {namespace} does not exist")
            after.append(f"namespace/{namespace}\n")
        if not seen.account_exists:
            reasons.append(f"{account} does not exist")
        elif seen.automount is not automount:
            reasons.append(f"{account} has automountServiceAccountToken {str(seen.automount).lower()}")
            before.append(f"{account}: automountServiceAccountToken: {str(seen.automount).lower()}\n")
        else:
            continue
        after.append(f"{account}: automountServiceAccountToken: {str(automount).lower()}\n")
    return Plan(tuple(reasons), "".join(before), "".join(after))


def observe(core: Any, name: str, namespaces: list[str]) -> dict[str, Observed]:
    """Ask the API. Raises the client's exceptions for anything but a plain 404."""
    observed = {}
    for namespace in namespaces:
        if _kubernetes.get(core.read_namespace, namespace) is None:
            observed[namespace] = Observed()
            continue
        account = _kubernetes.get(core.read_namespaced_service_account, name, namespace)
        observed[namespace] = (
            Observed(True)
            if account is None
            else Observed(True, True, account.automount_service_account_token)
        )
    return observed


def apply(core: Any, name: str, automount: bool, observed: dict[str, Observed]) -> None:
    """Make what is missing, change only the one field of what is there."""
    for namespace, seen in observed.items():
        body = {"metadata": {"name": name}, "automountServiceAccountToken": automount}
        if not seen.namespace_exists:
            core.create_namespace({"metadata": {"name": namespace}})
        if not seen.account_exists:
            core.create_namespaced_service_account(namespace, body)
        elif seen.automount is not automount:
            core.patch_namespaced_service_account(name, namespace, body)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **_kubernetes.ARGUMENTS,
            "name": {"type": "str", "default": "default"},
            "namespaces": {"type": "list", "elements": "str", "default": ["default"]},
            "automount_service_account_token": {"type": "bool", "default": False, "no_log": False},
        },
        supports_check_mode=True,
    )
    name, namespaces = module.params["name"], module.params["namespaces"]
    automount = module.params["automount_service_account_token"]
    api = _kubernetes.connect(module)
    if api is None:
        carry_out(module, plan(name, automount, dict.fromkeys(namespaces, Observed())), lambda: None)
    core = _kubernetes.core(api)
    unhealthy = _wait.until_none(lambda: _kubernetes.unhealthy(api), module.params["timeout"])
    if unhealthy:
        module.fail_json(msg=f"{unhealthy[0]}. Run the role node first: it waits for the API.")
    try:
        observed = observe(core, name, namespaces)
        carry_out(
            module,
            plan(name, automount, observed),
            lambda: apply(core, name, automount, observed),
        )
    except _kubernetes.api_exceptions() as error:
        module.fail_json(
            msg=f"kube-apiserver at {api.configuration.host} refused serviceaccount {name} "
            f"in {', '.join(namespaces)}: {_kubernetes.explain(error)}"
        )


if __name__ == "__main__":
    main()
