"""What the hosts of a cluster have said is put together, and its routes are told by what came of a packet."""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import combinations
from typing import Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status import (
    cluster,
    cluster_map,
    page,
    table,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status.model import (
    Component,
    Missing,
    Node,
    Pod,
    Port,
    Route,
    Status,
)

NAMES = ("beta", "alpha", "gamma")


def nodes(names: tuple[str, ...] = NAMES) -> tuple[Node, ...]:
    """Nodes, each with a network for its pods."""
    return tuple(
        Node(name, True, "v1.20.2", "docker://20.10", f"192.0.2.{n}", f"10.244.{n}.0/24")
        for n, name in enumerate(names)
    )


def status(name: str, names: tuple[str, ...] = NAMES, **more: Any) -> Status:
    """What the host of a node says, with a route to each other's pods."""
    routes = tuple(
        Route(each.pod_network, each.address, 0.0003) for each in nodes(names) if each.name != name
    )
    kubelet = Component(
        "kubelet", "unit kubelet.service", ports=(Port("tcp", 10250, "network", guarded=None),)
    )
    missing = (Missing("cluster DNS", "cluster_components", "coredns"),)
    own = Status(name, name, "Debian", 1.8e9, (kubelet,), (), (), missing, routes=routes, cluster="abc")
    if name == "alpha":
        own = replace(own, nodes=nodes(names), control_plane=True)
    return replace(own, **more)


def made(*others: Status, **more: Any) -> cluster.Cluster:
    """A cluster of the control plane host alpha and others."""
    return cluster.Cluster(status("alpha", **more), others)


def test_a_status_is_the_same_after_its_way_through_ansible() -> None:
    own = status("alpha", pods=(Pod("default", "web", "Running", "10.244.1.2", "alpha"),))
    assert cluster.status_of({**asdict(own), "page": "", "failed": False}) == own


def test_a_cluster_has_the_hosts_of_its_nodes_and_of_no_other_cluster() -> None:
    hosts = [
        status("gamma"),
        status("alpha"),
        status("beta"),
        status("beta", cluster="of another authority"),
        status("delta"),
    ]
    found = cluster.of(asdict(status("alpha")), map(asdict, hosts))
    assert [each.node for each in found.statuses] == ["alpha", "beta", "gamma"]
    assert [each.name for each in found.nodes] == ["alpha", "beta", "gamma"]


@pytest.mark.parametrize(
    ("routes", "state", "seen"),
    [
        (
            (Route("10.244.1.0/24", "192.0.2.1", 0.0003),),
            cluster.THROUGH,
            "an answer after 0.3 ms, via 192.0.2.1",
        ),
        (
            (Route("10.244.1.0/24", "192.0.2.1", problem="no answer from 10.244.1.1"),),
            cluster.BROKEN,
            "no answer from 10.244.1.1, via 192.0.2.1",
        ),
        ((Route("10.244.9.0/24", "192.0.2.1", 0.0003),), cluster.BROKEN, "beta has no route"),
    ],
)
def test_a_route_is_good_only_if_a_packet_came_through(
    routes: tuple[Route, ...], state: str, seen: str
) -> None:
    found = made(status("beta", routes=routes), status("gamma"))
    (link,) = [each for each in found.links if (each.source, each.target) == ("beta", "alpha")]
    assert (link.state, link.seen) == (state, seen)
    told = f"No packet gets through from beta to the pods of alpha, 10.244.1.0/24: {seen}."
    assert (told in found.remarks) == (state == cluster.BROKEN)


def test_what_nobody_has_tried_is_neither_good_nor_bad() -> None:
    found = made(status("beta"))
    assert {link.source for link in found.links if link.state == cluster.UNKNOWN} == {"gamma"}
    assert found.remarks == ("The host of node gamma was not asked: it is not in this run, or failed in it.",)
    without = made(nodes=(nodes()[1], Node("beta", False)))
    assert [link.seen for link in without.links] == [
        "node beta has no spec.podCIDR",
        "the host of beta was not asked",
    ]


def test_many_bad_routes_do_not_hide_everything_else() -> None:
    names = ("alpha", "b", "c", "d")
    found = made(*(status(name, names, routes=()) for name in names[1:]), names=names, routes=())
    assert len(found.remarks) == cluster.MOST + 1
    assert found.remarks[-1] == "And so it is with 6 more routes, see below."


def test_what_is_wrong_on_another_host_is_told_with_its_node() -> None:
    found = made(status("beta", remarks=("forwarding is off",)), status("gamma"))
    assert found.remarks == ("beta: forwarding is off",)


def test_the_table_has_all_nodes_and_what_runs_on_each() -> None:
    found = made(status("beta"), status("gamma"))
    lines = table.lines(found.own, found)
    assert [line.split()[:2] for line in lines if "docker://" in line] == [
        ["alpha", "yes"],
        ["beta", "yes"],
        ["gamma", "yes"],
    ]
    assert [line.split()[:2] for line in lines if "unit kubelet" in line] == [
        [name, "kubelet"] for name in sorted(NAMES)
    ]
    assert lines[-1].endswith("coredns in cluster_components")


@pytest.mark.parametrize("number", range(2, cluster_map.MOST + 1))
def test_arrows_of_a_map_do_not_run_along_each_other(number: int) -> None:
    names = (*(f"node-{n}" for n in range(number - 1)), "alpha")
    found = made(*(status(name, names) for name in names if name != "alpha"), names=names)
    drawn = cluster_map.draw(found)
    assert len(drawn.arrows) == number * (number - 1)
    for one, other in combinations(drawn.arrows, 2):
        (_a, start), (x, _b), _c, (_d, end) = one.points
        (_a, start2), (x2, _b), _c, (_d, end2) = other.points
        assert not {start, end} & {start2, end2}
        apart = max(start, end) < min(start2, end2) or max(start2, end2) < min(start, end)
        assert x != x2 or apart
        assert max(x, x2) < cluster_map.WIDTH
    for frame, below in zip(drawn.frames, drawn.frames[1:]):
        assert frame.top + frame.height < below.top


def test_of_too_many_nodes_the_table_alone_has_the_routes() -> None:
    names = (*(f"node-{n}" for n in range(cluster_map.MOST)), "alpha")
    found = made(names=names)
    assert cluster_map.draw(found).arrows == []
    assert "There are too many routes to draw" in page.render(found.own, found)


def test_the_page_shows_each_arrow_as_what_was_seen() -> None:
    found = made(status("beta", routes=()))
    shown = page.render(found.own, found)
    assert [shown.count(f'class="arrow {state}"') - 1 for state in ("through", "broken", "unknown")] == [
        2,
        2,
        2,
    ]
    assert "beta to the pods of gamma, 10.244.2.0/24: beta has no route" in shown
