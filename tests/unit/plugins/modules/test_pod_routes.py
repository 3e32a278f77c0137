"""A route is removed from a unit that has it, and from no other."""

from __future__ import annotations

from ansible_collections.mink8s.kubernetes.plugins.modules import pod_routes

UNIT = """[Service]
# To the pods of beta.
ExecStart=ip route replace 10.244.1.0/24 via 192.0.2.8 proto 118
# To the pods of beta.example.
ExecStart=ip route replace 10.244.2.0/24 via 192.0.2.9 proto 118
ExecStart=sh -c 'case $$subnet in 10.244.1.0/24|10.244.2.0/24) ;; *) ip route delete $$subnet ;; esac; done'
"""


def test_the_route_to_the_node_of_that_very_name_goes() -> None:
    wanted = pod_routes.plan(UNIT, "beta")
    assert wanted.reasons == ("pod-network.service has a route to 10.244.1.0/24, the pods of beta",)
    assert wanted.before == UNIT
    assert (
        wanted.after
        == """[Service]
# To the pods of beta.example.
ExecStart=ip route replace 10.244.2.0/24 via 192.0.2.9 proto 118
ExecStart=sh -c 'case $$subnet in 10.244.2.0/24) ;; *) ip route delete $$subnet ;; esac; done'
"""
    )


def test_a_unit_that_does_not_know_the_node_and_none_stay() -> None:
    assert pod_routes.plan(UNIT, "gamma").reasons == ()
    assert pod_routes.plan("", "beta").reasons == ()
