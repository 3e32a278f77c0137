# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which of Kubernetes' tests are run: all, some, or those for which CI has time; and what is not possible."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# Not one of the conformance tests, and what a cluster on a bridge may fail.
HAIRPIN = r"\[sig-network\] Services should allow pods to hairpin back to themselves through services"
FOCUS = rf"\[Conformance\]|{HAIRPIN}"
# What changes the cluster under the others.
SERIAL = re.compile(r"\[(Serial|Disruptive)\]")
# Of each kind some, none of which waits for long.
QUICK = re.compile(
    "|".join(
        (
            r"\[k8s\.io\] Pods should (be submitted|be updated|get a host IP|support re|contain env)",
            r"Probing container (with readiness probe|should be restarted with a (/healthz http|exec))",
            r"InitContainer .* should invoke init containers on a Restart(Never|Always) pod",
            r"Container Lifecycle Hook .* (poststart|prestop) (exec|http) hook",
            r"\[sig-network\] Services should (serve|provide secure|find|be able to create a functioning)",
            HAIRPIN,
            r"Granular Checks: Pods should function for (intra-pod|node-pod) communication: (http|udp)",
            r"\[sig-network\] (Proxy version v1|DNS should (provide DNS for (the cluster|services)|support))",
            r"\[sig-(node|storage)\] ConfigMap (should (be consumable (via|in mul)|run|fail)|updates)",
            r"\[sig-(api-machinery|storage)\] Secrets (should .*(env|empty|patch|multiple)|optional)",
            r"\[sig-(node|storage)\] Downward API (should|volume should (update|provide pod))",
            r"\[sig-storage\] (Projected combined|Subpath .* with (configmap|secret) pod)",
            r"Kubectl client Kubectl (logs|describe|expose|run pod|version|diff)",
            r"Garbage collector should (delete|orphan RS|not be blocked)",
            r"AdmissionWebhook .* (should be able to deny|should mutate|should honor|listing validating)",
            r"CustomResource(ConversionWebhook .* from CR v1|PublishOpenAPI .* with validation)",
            r"\[sig-apps\] (Deployment (Rolling|Recreate)|ReplicaSet|Job should|Daemon set .* simple)",
            r"\[sig-auth\]|Aggregator Should|Security Context|\[sig-node\] RuntimeClass",
        )
    )
)


@dataclass(frozen=True)
class Impossible:
    """What is not possible: tests of these names without what they need, and why."""

    names: re.Pattern[str]
    why: str


WITHOUT_DNS = Impossible(
    re.compile(
        r"\[sig-network\] DNS should (provide|resolve)"
        r"|\[sig-network\] Services should be able to (change the type|create a functioning NodePort)"
        r"|\[sig-network\] Services should (be able to switch|have) session affinity"
        rf"|Guestbook application|{HAIRPIN}"
    ),
    "looks up the name of a Service, and CoreDNS's image is neither in the release nor among the artifacts",
)


def chosen(names: Iterable[str], pattern: str, quick: bool) -> list[str]:
    """The tests with what the pattern finds in their names; quick: no more than there is time for."""
    wanted = re.compile(pattern)
    return [name for name in names if wanted.search(name) and (not quick or QUICK.search(name))]


def impossible(names: Iterable[str], has_dns: bool) -> dict[str, str]:
    """Of these tests those that are not possible, and why."""
    known = [] if has_dns else [WITHOUT_DNS]
    return {name: each.why for name in names for each in known if each.names.search(name)}


def parts(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """The tests that may run beside others, and those that may not."""
    beside: list[str] = []
    alone: list[str] = []
    for name in names:
        (alone if SERIAL.search(name) else beside).append(name)
    return beside, alone


def focus(names: Iterable[str]) -> str:
    """The regular expression that finds these tests and no other, as Go reads it."""
    # Go knows no escape of a letter, a digit or a blank.
    quoted = (re.sub(r"([][\\.+*?()|{}^$])", r"\\\1", name) for name in names)
    return f"({'|'.join(quoted)})$"
