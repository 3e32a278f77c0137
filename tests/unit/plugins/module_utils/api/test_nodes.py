"""A node counts once the running kubelet has reported it Ready, with its static pods as they are on disk."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api.nodes import (
    Observed,
    StaticPod,
    changed_by_administrator,
    missing,
    outlived,
    plan_pod_cidr,
    plan_taints,
    static_pod,
    summary,
    warnings,
    without_outlived,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan
from kubernetes import client

NODE, VERSION = "host-1", "v1.18.20"
STARTED = datetime(2026, 11, 23, 12, 0, 0, 700_000, tzinfo=timezone.utc)
MANIFEST = {
    "metadata": {"name": "etcd", "namespace": "kube-system", "annotations": {"mink8s/certificates": "1b0c"}},
    "spec": {"containers": [{"image": "etcd:3.4.3-0", "command": ["etcd", "--data-dir=/var/lib/etcd"]}]},
}
ETCD = static_pod(MANIFEST)
MIRROR = replace(
    ETCD,
    name=f"etcd-{NODE}",
    annotations={**ETCD.annotations, "kubernetes.io/config.source": "file"},
    ready=True,
)


def node(
    status: str = "True", age: timedelta = timedelta(seconds=5), version: str = VERSION
) -> client.V1Node:
    """A node whose kubelet reported its condition that long after it was started."""
    ready = client.V1NodeCondition(
        type="Ready",
        status=status,
        reason="KubeletReady" if status == "True" else "KubeletNotReady",
        message="kubelet is posting ready status" if status == "True" else "PLEG is not healthy",
        last_heartbeat_time=STARTED.replace(microsecond=0) + age,
    )
    pressure = client.V1NodeCondition(type="MemoryPressure", status="False")
    info = client.V1NodeSystemInfo(
        architecture="amd64",
        boot_id="",
        container_runtime_version="docker://20.10.24",
        kernel_version="6.1.0",
        kube_proxy_version=version,
        kubelet_version=version,
        machine_id="",
        operating_system="linux",
        os_image="Debian GNU/Linux 12 (bookworm)",
        system_uuid="",
    )
    return client.V1Node(
        metadata=client.V1ObjectMeta(name=NODE),
        status=client.V1NodeStatus(
            addresses=[
                client.V1NodeAddress(type="InternalIP", address="192.0.2.7"),
                client.V1NodeAddress(type="Hostname", address=NODE),
            ],
            conditions=[pressure, ready],
            node_info=info,
        ),
    )


def seen(observed: client.V1Node | None = None, **mirrors: StaticPod) -> Observed:
    pods = {f"{pod.namespace}/{pod.name}": pod for pod in mirrors.values()}
    return Observed(
        kubelet_started_at=STARTED.timestamp(), apiserver_version=VERSION, node=observed, mirror_pods=pods
    )


def lacks(observed: Observed, version: str | None = VERSION, wanted: tuple[StaticPod, ...] = ()) -> list[str]:
    return missing(NODE, version, list(wanted), observed)


def test_a_ready_node_with_its_static_pods_lacks_nothing() -> None:
    assert lacks(seen(node(), etcd=MIRROR), wanted=(ETCD,)) == []
    assert lacks(seen(node()), version=None) == []


def test_the_first_thing_to_wait_for_is_named_alone() -> None:
    problem = "kube-apiserver at http://127.0.0.1:8080 is not healthy: HTTP 500"
    assert lacks(Observed(api_problem=problem)) == ["the kubelet does not run"]
    assert lacks(Observed(kubelet_started_at=1.0, api_problem=problem)) == [problem]
    assert lacks(seen()) == ["node host-1 is not registered"]


def test_the_condition_is_told_with_its_reason() -> None:
    assert lacks(seen(node(status="False"))) == [
        "node host-1 is not Ready: KubeletNotReady: PLEG is not healthy"
    ]


def test_a_node_that_has_reported_nothing_yet() -> None:
    fresh = node()
    assert fresh.status
    fresh.status.conditions = None
    assert lacks(seen(fresh)) == ["node host-1 has no Ready condition yet"]


def test_what_an_earlier_kubelet_reported_does_not_count() -> None:
    stale = "node host-1 has not been reported Ready since the kubelet was started"
    assert lacks(seen(node(age=timedelta(seconds=-1)))) == [stale]
    assert lacks(seen(node(age=timedelta(0)))) == []


def test_a_vendors_build_is_of_its_release() -> None:
    apiserver = replace(seen(node(version="v1.18.20-k3s1")), apiserver_version="v1.18.20+build.1")
    assert lacks(apiserver) == []
    assert lacks(replace(apiserver, apiserver_version="v1.18.2")) != []


def test_another_version_is_told() -> None:
    assert lacks(seen(node(version="v1.18.5"))) == ["node host-1 reports kubelet v1.18.5, wanted v1.18.20"]
    apiserver = replace(seen(node()), apiserver_version="v1.18.5")
    assert lacks(apiserver) == ["kube-apiserver says it is v1.18.5, wanted v1.18.20"]
    assert lacks(apiserver, version=None) == []


@pytest.mark.parametrize(
    ("mirror", "said"),
    [
        (replace(MIRROR, name="etcd-host-2"), "is not visible in the API"),
        (replace(MIRROR, namespace="default"), "is not visible in the API"),
        (replace(MIRROR, ready=False), "is not Ready"),
        (replace(MIRROR, annotations={}), "does not run its present manifest yet"),
        (
            replace(MIRROR, annotations={"mink8s/certificates": "older"}),
            "does not run its present manifest yet",
        ),
        (
            replace(MIRROR, containers=[("etcd:3.4.3-0", ["etcd"])]),
            "does not run its present manifest yet",
        ),
        (
            replace(MIRROR, containers=[("etcd:3.4.2-0", ETCD.containers[0][1])]),
            "does not run its present manifest yet",
        ),
    ],
)
def test_a_static_pod_counts_as_its_manifest_wants_it(mirror: StaticPod, said: str) -> None:
    observed = seen(node(), etcd=mirror)
    assert lacks(observed, wanted=(ETCD,)) == [f"static pod kube-system/etcd-host-1 {said}"]


def test_everything_a_registered_node_lacks_is_told_at_once() -> None:
    observed = seen(node(status="Unknown", version="v1.18.5"))
    assert len(lacks(observed, wanted=(ETCD, replace(ETCD, name="kube-apiserver")))) == 4


def test_a_manifest_and_its_mirror_pod_are_read_alike() -> None:
    spec = client.V1PodSpec(
        containers=[
            client.V1Container(name="etcd", image="etcd:3.4.3-0", command=["etcd"], args=["--data-dir=/x"]),
            client.V1Container(name="pause", image="pause:3.2"),
        ]
    )
    pod = client.V1Pod(metadata=client.V1ObjectMeta(name="etcd", namespace="kube-system"), spec=spec)
    containers = [("etcd:3.4.3-0", ["etcd", "--data-dir=/x"]), ("pause:3.2", [])]
    from_api = static_pod(client.ApiClient().sanitize_for_serialization(pod), ready=True)
    assert from_api == StaticPod("etcd", "kube-system", {}, containers, ready=True)
    bare: dict[str, Any] = {"metadata": {"name": "hello"}, "spec": {"containers": [{"image": "busybox"}]}}
    assert static_pod(bare) == StaticPod("hello", "default", {}, [("busybox", [])])


def test_the_node_is_returned_as_the_api_has_it() -> None:
    assert summary(node(status="False")) == {
        "name": NODE,
        "ready": False,
        "pressures": [],
        "version": VERSION,
        "container_runtime": "docker://20.10.24",
        "addresses": {"InternalIP": "192.0.2.7", "Hostname": NODE},
    }
    assert summary(node())["ready"]
    assert summary(None) == {}


def tainted(observed: client.V1Node, *keys: str) -> client.V1Node:
    taints = [client.V1Taint(key=key, effect="NoSchedule") for key in keys]
    observed.metadata.resource_version = "7"
    observed.spec = client.V1NodeSpec(taints=taints or None)
    return observed


def test_a_node_that_evicts_pods_is_warned_of_though_it_is_ready() -> None:
    full = node()
    full.status.conditions.append(client.V1NodeCondition(type="DiskPressure", status="True"))
    assert lacks(seen(full)) == []
    assert summary(full)["pressures"] == ["DiskPressure"]
    (warning,) = warnings(full)
    assert warning.startswith("node host-1 is Ready and has DiskPressure: it evicts pods")
    assert warnings(node()) == warnings(None) == []


def test_taints_whose_reason_has_passed_are_taken_away_and_all_others_stay() -> None:
    keys = ("node.kubernetes.io/not-ready", "example.com/mine", "node.kubernetes.io/memory-pressure")
    observed = tainted(node(), *keys)
    assert [taint.key for taint in outlived(observed)] == [keys[0], keys[2]]
    assert plan_taints(observed).reasons[0] == (
        "node host-1 has the taint node.kubernetes.io/not-ready, which no controller takes away"
    )
    change = without_outlived(observed)
    assert [taint.key for taint in change["spec"]["taints"]] == ["example.com/mine"]
    assert change["metadata"] == {"resourceVersion": "7"}
    assert without_outlived(tainted(node(), keys[0]))["spec"] == {"taints": None}


def test_taints_whose_reason_holds_stay() -> None:
    assert outlived(tainted(node(status="False"), "node.kubernetes.io/not-ready")) == []
    full = tainted(node(), "node.kubernetes.io/disk-pressure", "node.kubernetes.io/unschedulable")
    full.status.conditions.append(client.V1NodeCondition(type="DiskPressure", status="True"))
    assert outlived(full) == []
    assert plan_taints(tainted(node())).reasons == ()


def test_a_manifest_that_is_tried_has_to_run_for_a_moment() -> None:
    young = replace(MIRROR, age=1.0)
    observed = seen(node(), etcd=young)
    assert lacks(observed, wanted=(ETCD,)) == []
    tried = replace(observed, tried=frozenset({"etcd"}))
    assert lacks(tried, wanted=(ETCD,)) == ["static pod kube-system/etcd-host-1 has only just been started"]
    assert (
        lacks(
            replace(tried, mirror_pods={"kube-system/etcd-host-1": replace(young, age=4.0)}), wanted=(ETCD,)
        )
        == []
    )


def test_a_pod_cidr_is_set_once() -> None:
    assert plan_pod_cidr(NODE, "", "10.244.1.0/24").reasons == (f"node {NODE} has no podCIDR",)
    assert plan_pod_cidr(NODE, "10.244.1.0/24", "10.244.1.0/24") == Plan()
    assert plan_pod_cidr(NODE, "10.244.1.0/24", "") == Plan()
    with pytest.raises(ValueError, match=r"which can't be changed, and its pods are to be in 10.244.2.0/24"):
        plan_pod_cidr(NODE, "10.244.1.0/24", "10.244.2.0/24")


def test_an_administrator_sets_the_pod_cidr_and_takes_taints_away_at_once() -> None:
    tainted = node()
    tainted.spec = client.V1NodeSpec(
        taints=[client.V1Taint(key="node.kubernetes.io/not-ready", effect="NoSchedule")]
    )
    pod_cidr = {"podCIDR": "10.244.1.0/24", "podCIDRs": ["10.244.1.0/24"]}
    assert changed_by_administrator(tainted, "10.244.1.0/24", taints=False) == {"spec": pod_cidr}
    both = changed_by_administrator(tainted, "10.244.1.0/24", taints=True)
    assert both["spec"] == {**pod_cidr, "taints": None}
    assert "resourceVersion" in both["metadata"]
