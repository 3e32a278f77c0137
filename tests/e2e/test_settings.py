"""A setting never costs a working host: a wrong one is taken back, a right one works, none is as before."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from typing import Any

import bare_node
import objects
import pytest
from bare_node import Node, changed, said

MANIFESTS = "/etc/kubernetes/manifests"
PREVIOUS = "/var/lib/mink8s/previous.json"
# The scheduler alone, for it has no controller beside it.
COMPONENTS = ["etcd", "kube-apiserver", "kube-scheduler"]
AWKWARD = """mink8s://50% of $HOME, $$ and "quotes" and 'more' """
PATIENCE = 600
# By component, what it does not take and what it says of it.
WRONG = {
    "kube-scheduler": ({"not-a-flag": 1}, "unknown flag: --not-a-flag"),
    "kube-apiserver": ({"feature-gates": "Nothing=true"}, "unrecognized feature gate: Nothing"),
    "etcd": ({"not-a-flag": 1}, "flag provided but not defined: -not-a-flag"),
    "kubelet": ({"v": "many"}, 'invalid argument "many" for "-v, --v" flag'),
    "KubeletConfiguration": ({"maxPods": "many"}, "failed to load Kubelet config file"),
}
RIGHT: dict[str, dict[str, Any]] = {
    "kube-scheduler": {"v": 3},
    "kube-apiserver": {
        "v": 1,
        "audit-log-path": "/var/log/kubernetes/audit.log",
        "audit-policy-file": "/etc/audit policy.yaml",
    },
    "etcd": {"snapshot-count": 5000},
    "kubelet": {"provider-id": AWKWARD},
    "KubeletConfiguration": {
        "maxPods": 50,
        # So that there is pressure, and nothing is evicted.
        "evictionSoft": {"memory.available": "99%"},
        "evictionSoftGracePeriod": {"memory.available": "10h"},
    },
}
POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n"
LOOK = """
set -- /etc/kubernetes/*.* /etc/kubernetes/manifests/* /etc/systemd/system/kubelet.service /root/.kube/config
sha512sum "$@"
stat --format '%n %a' "$@"
"""
NAMES = """
from cryptography import x509
certificate = x509.load_pem_x509_certificate(open("/etc/kubernetes/pki/apiserver.crt", "rb").read())
print(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
"""


def site(node: Node, **variables: Any) -> subprocess.CompletedProcess[str]:
    return node.playbook("site.yml", **{"cluster_components": COMPONENTS, **variables})


def files(node: Node) -> str:
    """The configuration on the host, as sums and modes."""
    return node.run("sh", "-c", LOOK)


def command(node: Node, name: str) -> list[str]:
    """The command line of the process of that name."""
    process = node.run("pgrep", "--oldest", "--exact", name[:15]).strip()
    return node.run("cat", f"/proc/{process}/cmdline").split("\0")[:-1]


@pytest.fixture(scope="module")
def cluster(node: Node) -> Node:
    """A node with a cluster, on which a pod runs and objects have been written."""
    done = site(node)
    assert done.returncode == 0, said(done)
    objects.write(node)
    return node


@pytest.fixture(scope="module")
def before(cluster: Node) -> str:
    """The configuration without any setting."""
    return files(cluster)


@pytest.fixture
def untouched(cluster: Node) -> Any:
    """The pod's container is the same after a test, and the data is there."""
    containers, data = objects.containers(cluster)["reader"], objects.read(cluster)
    yield
    assert objects.containers(cluster)["reader"] == containers
    assert objects.read(cluster) == data


def test_a_pod_without_a_node_is_scheduled_without_controllers(cluster: Node) -> None:
    pod = objects.pod(cluster, "scheduled")
    del pod["spec"]["nodeName"]
    objects.apply(cluster, pod)
    objects.runs(cluster, "scheduled")
    cluster.run("kubectl", "delete", "pod", "scheduled", "--wait=false")
    objects.ended(cluster, "scheduled")


def test_an_idle_node_writes_to_etcd_no_more_than_its_leases(cluster: Node) -> None:
    def revision() -> int:
        listed = cluster.run("kubectl", "get", "--raw", "/api/v1/namespaces?limit=1")
        return int(json.loads(listed)["metadata"]["resourceVersion"])

    def written(seconds: int) -> int:
        start = revision()
        time.sleep(seconds)
        return revision() - start

    # Where something has just started or ended, a later moment is a quieter one.
    quietest = min(written(20) for _moment in range(4))
    # The kubelet and kube-apiserver renew a lease each every 10 s, as with a kubelet's own defaults.
    assert quietest <= 2 * 2 + 2


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("component", WRONG)
def test_a_wrong_argument_is_taken_back(cluster: Node, before: str, component: str) -> None:
    arguments, complaint = WRONG[component]
    done = site(cluster, cluster_arguments={component: arguments}, cluster_timeout=PATIENCE)
    assert done.returncode != 0, said(done)
    assert complaint in said(done)
    assert "The configuration that worked was put back and runs" in said(done)
    assert "object at 0x" not in said(done)
    # What says that it cannot start is not waited for.
    waited = re.search(r"After (\d+) s:", said(done))
    assert waited and int(waited[1]) < PATIENCE, said(done)
    assert files(cluster) == before
    assert cluster.run("kubectl", "get", "--raw", "/healthz") == "ok"
    assert cluster.run("sh", "-c", f"ls {PREVIOUS} 2>&1 || true").endswith("No such file or directory\n")


@pytest.mark.usefixtures("untouched")
def test_what_a_killed_run_wrote_is_taken_back_by_the_next(cluster: Node, before: str) -> None:
    wrong = {"cluster_components": COMPONENTS, "cluster_arguments": {"kube-scheduler": {"not-a-flag": 1}}}
    playbook = str(bare_node.ROOT / "playbooks" / "site.yml")
    run = subprocess.Popen(
        ["ansible-playbook", "-i", str(cluster.inventory), "-e", json.dumps(wrong), playbook],
        cwd=bare_node.ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    flag = f"grep --silent not-a-flag {MANIFESTS}/kube-scheduler.yaml && echo yes || true"
    objects.until(cluster, lambda: bool(cluster.run("sh", "-c", flag)), "the wrong flag is written")
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    # What runs on the host when the connection breaks off runs on, and gives up by itself.
    gone = "pgrep --full [n]ode_registration || true"
    objects.until(cluster, lambda: not cluster.run("sh", "-c", gone), "the module has ended")
    assert files(cluster) != before
    done = site(cluster, **wrong)
    assert done.returncode != 0
    assert "The configuration that worked was put back and runs" in said(done)
    assert files(cluster) == before


@pytest.mark.usefixtures("untouched")
def test_right_arguments_work_and_without_them_all_is_as_before(cluster: Node, before: str) -> None:
    cluster.run("sh", "-c", f"printf '{POLICY}' >'/etc/audit policy.yaml'")
    done = site(cluster, cluster_arguments=RIGHT)
    assert changed(done)
    assert command(cluster, "kube-scheduler")[-1] == "--v=3"
    assert command(cluster, "etcd")[-1] == "--snapshot-count=5000"
    assert command(cluster, "kubelet")[-1] == f"--provider-id={AWKWARD}"
    (node,) = json.loads(cluster.run("kubectl", "get", "nodes", "--output", "json"))["items"]
    assert node["status"]["allocatable"]["pods"] == "50"
    assert '"kind":"Event"' in cluster.run("head", "-1", "/var/log/kubernetes/audit.log")
    # The kubelet looks at its memory, and tells the API, every ten seconds.
    pressure = "jsonpath={.items[0].status.conditions[?(@.type=='MemoryPressure')].status}"
    told = ("kubectl", "get", "nodes", "--output", pressure)
    objects.until(cluster, lambda: cluster.run(*told) == "True", "the kubelet reports MemoryPressure")
    again = site(cluster, cluster_arguments=RIGHT)
    assert changed(again) == []
    assert f"node {cluster.name} is Ready and has MemoryPressure" in " ".join(said(again).split())
    assert changed(site(cluster))
    assert files(cluster) == before
    assert changed(site(cluster)) == []


@pytest.mark.usefixtures("untouched")
def test_a_copy_of_a_manifest_is_named_before_anything_changes(cluster: Node, before: str) -> None:
    copy = f"{MANIFESTS}/kube-scheduler.yaml.bak"
    cluster.run("cp", f"{MANIFESTS}/kube-scheduler.yaml", copy)
    try:
        done = site(cluster, cluster_arguments={"kube-scheduler": {"v": 3}})
    finally:
        cluster.run("rm", copy)
    assert done.returncode != 0
    assert f"{copy} defines the static pod kube-system/kube-scheduler" in said(done)
    assert files(cluster) == before


@pytest.mark.usefixtures("untouched")
def test_what_can_be_known_before_is_refused_before_anything_changes(cluster: Node, before: str) -> None:
    done = site(
        cluster,
        cluster_components=[*COMPONENTS, "nothing"],
        cluster_apiserver_bind_address="203.0.113.10",
        cluster_service_network="10.0.0.0/33",
        cluster_arguments={"kube-apiserver": {"bind-address": "0.0.0.0"}, "kubelet": {"--v": 4}},
    )
    assert done.returncode != 0
    for told in (
        "cluster_components has nothing",
        "203.0.113.10",
        "10.0.0.0/33",
        "Set cluster_apiserver_bind_address instead",
        "Write v.",
    ):
        assert told in said(done), told
    assert files(cluster) == before


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("image", ["etcd", "pause"])
def test_an_image_that_is_nowhere_is_missed_before_anything_changes(
    cluster: Node, before: str, image: str
) -> None:
    done = site(cluster, cluster_image_tags={image: "0.0.1"})
    assert done.returncode != 0
    assert f"{image}:0.0.1" in said(done)
    assert files(cluster) == before


@pytest.mark.usefixtures("untouched")
def test_names_of_the_certificate_come_and_go(cluster: Node) -> None:
    name = "api.example.org"
    assert changed(site(cluster, cluster_apiserver_alternative_names=[name]))
    assert name in cluster.run("python3", "-c", NAMES)
    assert changed(site(cluster))
    assert name not in cluster.run("python3", "-c", NAMES)
    assert changed(site(cluster)) == []
