"""A node's subnet is its own as long as it lives, whoever asks for one at the same time."""

from __future__ import annotations

import json
import multiprocessing
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import pod_cidrs
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import pod_subnets
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.pod_subnets import (
    Entry,
    PodSubnetError,
    Wanted,
)
from ansible_collections.mink8s.kubernetes.plugins.modules import pod_subnet

NETWORK = "10.244.0.0/16"
ALPHA = {"alpha": Entry("192.0.2.7", "10.244.0.0/24")}


class EndError(Exception):
    """What the module would print."""


class Module(SimpleNamespace):
    """Stands for AnsibleModule, which reads its options from standard input."""

    def exit_json(self, **result: Any) -> None:
        raise EndError(result)


def run(directory: Path, node: str, check: bool = False, **options: Any) -> dict[str, Any]:
    """The result of the module for a node with an address of its own."""
    params = {name: each.get("default", "") for name, each in pod_subnet.ARGUMENTS.items()}
    paths = {"path": str(directory / "etc/pod-subnets.json"), "ledger": str(directory / "ledger.json")}
    unique = {
        "network": NETWORK,
        "node": node,
        "address": f"192.0.2.{len(node)}",
        "kubeconfig": "/nonexistent",
    }
    with pytest.raises(EndError) as ended:
        pod_subnet.run(Module(params={**params, **paths, **unique, **options}, check_mode=check))
    result: dict[str, Any] = ended.value.args[0]
    return result


def subnet(entries: pod_subnets.Entries, node: str = "beta", **options: Any) -> str:
    """What a node is given."""
    wanted = Wanted(**{"network": NETWORK, "node": node, "address": "192.0.2.8", **options})
    return pod_subnets.allocate(wanted, entries)[node].subnet


def test_a_node_keeps_what_it_has_and_its_address_is_updated(tmp_path: Path) -> None:
    first = run(tmp_path, "beta")
    assert (first["subnet"], first["changed"]) == ("10.244.0.0/24", True)
    assert first["reasons"] == ["node beta has no subnet for its pods"]
    assert run(tmp_path, "gamma")["subnet"] == "10.244.1.0/24"
    again = run(tmp_path, "beta", current="10.244.7.0/24")
    assert (again["subnet"], again["changed"], again["diff"]) == (
        "10.244.0.0/24",
        False,
        {"before": "", "after": ""},
    )
    moved = run(tmp_path, "beta", address="192.0.2.99")
    assert moved["reasons"] == ["node beta has the address 192.0.2.99, and was at 192.0.2.4"]
    assert moved["nodes"] == [
        {"name": "beta", "address": "192.0.2.99", "subnet": "10.244.0.0/24"},
        {"name": "gamma", "address": "192.0.2.5", "subnet": "10.244.1.0/24"},
    ]
    path = tmp_path / "etc/pod-subnets.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    noted = json.loads((tmp_path / "ledger.json").read_text())["paths"]
    assert noted == {str(path.parent): "directory", str(path): "file"}
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_node_that_is_gone_leaves_its_subnet_to_the_next(tmp_path: Path) -> None:
    run(tmp_path, "beta")
    run(tmp_path, "gamma")
    gone = run(tmp_path, "beta", state="absent", network=None, address=None)
    assert gone["reasons"] == ["node beta has 10.244.0.0/24 and is not wanted any more"]
    assert (gone["subnet"], [each["name"] for each in gone["nodes"]]) == ("", ["gamma"])
    assert not run(tmp_path, "beta", state="absent", network=None, address=None)["changed"]
    assert run(tmp_path, "delta4")["subnet"] == "10.244.0.0/24"


def test_check_mode_says_what_would_be_given_and_writes_nothing(tmp_path: Path) -> None:
    checked = run(tmp_path, "beta", check=True)
    assert (checked["subnet"], checked["changed"]) == ("10.244.0.0/24", True)
    assert list(tmp_path.iterdir()) == []
    run(tmp_path, "beta")
    before = (tmp_path / "etc/pod-subnets.json").read_bytes()
    assert run(tmp_path, "gamma", check=True)["subnet"] == "10.244.1.0/24"
    assert (tmp_path / "etc/pod-subnets.json").read_bytes() == before


def ask(directory: Path, node: str, address: str, barrier: Any, answers: Any) -> None:
    """What a process of its own does, when all others are as far as it is."""
    barrier.wait()
    answers.put((node, run(directory, node, address=address)["subnet"]))


def test_processes_that_ask_at_once_get_different_subnets(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    count = 16
    barrier, answers = context.Barrier(count), context.Queue()
    processes = [
        context.Process(target=ask, args=(tmp_path, f"node{each}", f"192.0.2.{each}", barrier, answers))
        for each in range(count)
    ]
    for each in processes:
        each.start()
    given = dict(answers.get(timeout=30) for _each in processes)
    for each in processes:
        each.join(30)
    assert len({*given.values()}) == count
    listed = pod_subnets.read(str(tmp_path / "etc/pod-subnets.json"))
    assert {name: each.subnet for name, each in listed.items()} == given


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "10.244.1.0/24"),
        ({"current": "10.244.9.0/24"}, "10.244.9.0/24"),
        # Alpha's, of another network, or of another size.
        ({"current": "10.244.0.0/24"}, "10.244.1.0/24"),
        ({"current": "10.9.9.0/24"}, "10.244.1.0/24"),
        ({"current": "10.244.9.0/25"}, "10.244.1.0/24"),
        # A file that was restored does not know of nodes that came later.
        (
            {"reported": {"gamma": ("10.244.1.0/24",), "delta": ("10.244.2.0/23", "fd00::/64")}},
            "10.244.4.0/24",
        ),
        ({"reported": {"beta": ("10.244.5.0/24",)}, "current": "10.244.9.0/24"}, "10.244.5.0/24"),
        ({"reported": {"gamma": ("10.244.9.0/24",)}, "current": "10.244.9.0/24"}, "10.244.1.0/24"),
        # Alpha's is in the file, and what its pods are in does not matter any more.
        ({"own": ("alpha", "10.244.1.0/24")}, "10.244.1.0/24"),
        ({"own": ("omega", "10.244.1.0/24")}, "10.244.2.0/24"),
        ({"own": ("beta", "10.244.3.0/24")}, "10.244.3.0/24"),
        ({"own": ("omega", "")}, "10.244.1.0/24"),
        ({"network": "10.0.0.0/8"}, "10.0.0.0/24"),
    ],
)
def test_a_new_node_gets_what_nobody_else_has(options: dict[str, Any], expected: str) -> None:
    assert subnet(ALPHA, **options) == expected


def test_a_node_moves_with_the_pod_network() -> None:
    before = {**ALPHA, "beta": Entry("192.0.2.8", "10.244.1.0/24")}
    assert subnet(before, network="10.244.0.0/20") == "10.244.1.0/24"
    wanted = Wanted("10.200.0.0/16", "beta", "192.0.2.8")
    after = pod_subnets.allocate(wanted, before)
    assert after["beta"].subnet == "10.200.0.0/24"
    (reason,) = pod_subnets.plan("/f", "beta", before, after).reasons
    assert reason == "node beta has 10.244.1.0/24, which is not a part of cluster_pod_network"


def test_what_cannot_be_given_is_refused_with_what_to_do() -> None:
    both = {**ALPHA, "gamma": Entry("192.0.2.9", "10.244.1.0/24")}
    with pytest.raises(
        PodSubnetError, match=r"10\.244\.0\.0/23 are taken, by alpha, gamma: none is left for beta"
    ):
        subnet(both, network="10.244.0.0/23")
    for small in ("10.244.0.0/24", "10.244.0.0/28"):
        with pytest.raises(PodSubnetError, match=r"enough for one node alone: .* Set it to a larger network"):
            subnet({}, network=small)
    with pytest.raises(PodSubnetError, match=r"cluster_pod_network is no network: .*many"):
        subnet({}, network="many")
    with pytest.raises(PodSubnetError, match=r"The nodes beta and alpha both have the address 192\.0\.2\.7"):
        subnet(ALPHA, address="192.0.2.7")


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"a": {"address": ""}}', '{"a": {"address": "", "subnet": "x"}}']
)
def test_a_file_that_is_damaged_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pod-subnets.json"
    path.write_text(text)
    with pytest.raises(PodSubnetError, match=f"{path} does not list nodes"):
        pod_subnets.read(str(path))


def test_the_api_is_asked_where_there_is_one() -> None:
    assert pod_cidrs.observe("/nonexistent") == {}
    nodes = [
        SimpleNamespace(metadata=SimpleNamespace(name=name), spec=SimpleNamespace(**spec))
        for name, spec in (
            ("alpha", {"pod_cidr": "10.244.0.0/24", "pod_cid_rs": ["10.244.0.0/24", "fd00::/64"]}),
            ("beta", {"pod_cidr": None, "pod_cid_rs": None}),
            ("gamma", {"pod_cidr": "10.244.2.0/24"}),
        )
    ]
    assert pod_cidrs.by_node(nodes) == {"alpha": ("10.244.0.0/24", "fd00::/64"), "gamma": ("10.244.2.0/24",)}


def test_nodes_of_a_backup_get_back_what_they_had(tmp_path: Path) -> None:
    known = [
        {"name": "alpha", "address": "192.0.2.7", "subnet": "10.244.3.0/24"},
        {"name": "beta", "address": "192.0.2.8", "subnet": "10.244.0.0/24"},
        {"name": "elsewhere", "address": "192.0.2.9", "subnet": "172.20.0.0/24"},
    ]
    first = run(tmp_path, "alpha", known=known, address="192.0.2.70")
    assert first["subnet"] == "10.244.3.0/24"
    assert first["nodes"] == [
        {"name": "alpha", "address": "192.0.2.70", "subnet": "10.244.3.0/24"},
        {"name": "beta", "address": "192.0.2.8", "subnet": "10.244.0.0/24"},
    ]
    assert run(tmp_path, "gamma")["subnet"] == "10.244.1.0/24"


def test_the_file_counts_more_than_a_backup() -> None:
    known = [
        {"name": "alpha", "address": "192.0.2.9", "subnet": "10.244.9.0/24"},
        {"name": "gamma", "address": "192.0.2.9", "subnet": "10.244.0.0/24"},
    ]
    assert pod_subnets.with_known(ALPHA, known, NETWORK) == ALPHA
