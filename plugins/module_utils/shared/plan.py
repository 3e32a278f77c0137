# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The shape every module of this collection has: observe, plan, apply.

A module observes the host, a pure function compares what it saw with what is wanted, and the
resulting Plan alone decides ``changed``, the diff and whether anything is applied. Check mode
therefore reports exactly what a real run does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.redact import redact

if TYPE_CHECKING:
    from pathlib import Path

    from ansible.module_utils.basic import AnsibleModule


@dataclass(frozen=True)
class Plan:
    """What has to change on the host and why.

    reasons: one sentence for each change; empty means the host is already as wanted.
    before, after: texts shown in diff mode; never secrets.
    """

    reasons: tuple[str, ...] = ()
    before: str = ""
    after: str = ""


def shown(path: str | Path, content: bytes) -> str:
    """A file as a diff shows it: without the certificates and keys that a kubeconfig has in it."""
    text = content.decode(errors="replace")
    return f"# {path}\n" + re.sub(r"^([\s-]*[\w-]+-data:) .*$", r"\1 [not shown]", text, flags=re.MULTILINE)


def together(*plans: Plan) -> Plan:
    """One plan of several, in their order."""
    return Plan(
        tuple(reason for plan in plans for reason in plan.reasons),
        "".join(plan.before for plan in plans),
        "".join(plan.after for plan in plans),
    )


def redacted(plan: Plan) -> Plan:
    """The plan with texts that a diff may show of files with somebody's passwords in them."""
    return Plan(plan.reasons, redact(plan.before), redact(plan.after))


def carry_out(module: AnsibleModule, plan: Plan, apply: Callable[[], Any], **results: Any) -> None:
    """Apply the plan unless there is nothing to do or check mode is on, then end the module.

    results: further keys of the module's result.
    """
    if plan.reasons and not module.check_mode:
        apply()
    module.exit_json(
        changed=bool(plan.reasons),
        reasons=list(plan.reasons),
        diff={"before": plan.before, "after": plan.after},
        **results,
    )
