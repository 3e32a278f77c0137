"""A ClusterRole gives the user with its name what its rules say, and nothing once it is removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubernetes import client
from servers import NODE, Result, module

if TYPE_CHECKING:
    from servers import Apiserver

USER = "system:reader"
RULES = [{"apiGroups": [""], "resources": ["services"], "verbs": ["list"]}]


def roles(apiserver: Apiserver, *flags: str, **role: object) -> Result:
    return module(
        "node_registration",
        *flags,
        name=NODE,
        unit="mink8s-not-there.service",
        kubeconfig=str(apiserver.kubeconfig),
        cluster_roles=[{"name": USER, **role}],
        timeout=1,
    )


def may(apiserver: Apiserver, verb: str, resource: str) -> bool:
    """What kube-apiserver's own authorizer says of the user."""
    review: dict[str, Any] = {
        "spec": {"user": USER, "resourceAttributes": {"verb": verb, "resource": resource, "namespace": "a"}}
    }
    api = client.AuthorizationV1Api(apiserver.core().api_client)
    return bool(api.create_subject_access_review(review).status.allowed)


def test_a_role_is_made_changed_and_removed(tls_apiserver: Apiserver) -> None:
    assert not may(tls_apiserver, "list", "services")
    checked = roles(tls_apiserver, "--check", rules=RULES)
    assert not may(tls_apiserver, "list", "services")
    made = roles(tls_apiserver, rules=RULES)
    assert made.values["reasons"] == checked.values["reasons"]
    assert made.values["reasons"] == [
        f"clusterrole {USER} does not exist",
        f"clusterrolebinding {USER} does not exist",
    ]
    assert may(tls_apiserver, "list", "services")
    assert not may(tls_apiserver, "delete", "services")
    assert roles(tls_apiserver, rules=RULES).values["reasons"] == []
    other = [{**RULES[0], "resources": ["pods"]}]
    assert roles(tls_apiserver, rules=other).values["reasons"] == [f"clusterrole {USER} has other rules"]
    assert (may(tls_apiserver, "list", "pods"), may(tls_apiserver, "list", "services")) == (True, False)
    assert roles(tls_apiserver, rules=other, state="absent").values["changed"]
    assert not may(tls_apiserver, "list", "pods")
    assert roles(tls_apiserver, rules=other, state="absent").values["reasons"] == []
