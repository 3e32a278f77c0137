"""From the article up, one component at a time, and down again; what each brings is seen from pods."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import authentication
import bare_node
import coredns
import lesson
import objects
import pytest
import rungs
from bare_node import DIRECT, Node
from lesson import within
from rungs import Ladder

# What a release and its artifacts have decides what is to be shown, before anything runs.
GIVEN = bare_node.given()
COREDNS = coredns.resolves if bare_node.has_coredns(GIVEN) else coredns.is_refused
AUTHENTICATION = authentication.of(GIVEN["cluster_version"])
# Not its own -T: with that, some builds of BusyBox crash.
ASK = "timeout 3 wget -q -O - http://{}/"


@pytest.fixture(scope="module")
def ladder(node: Node) -> Ladder:
    """The node with the components it has so far."""
    return Ladder(node)


@pytest.fixture(scope="module")
def article(node: Node) -> dict[str, Any]:
    """What the article's cluster has, to compare with at the end."""
    return {"etcd": objects.containers(node)["etcd"], "files": rungs.files(node), "rules": rungs.rules(node)}


def cluster_ip(node: Node) -> str:
    """The address of the Service web."""
    return str(lesson.get(node, "service", "web")["spec"]["clusterIP"])


def has_no_pods(node: Node) -> None:
    """A Deployment has none, and not because it is early."""
    time.sleep(3)
    assert lesson.pods(node, "web") == {}


def test_in_the_article_a_deployment_has_no_pods_and_a_service_no_endpoints(
    node: Node, article: dict[str, Any], busybox: str
) -> None:
    objects.apply(node, *lesson.web(busybox), lesson.client(node, busybox, "client"))
    lesson.come(node, "client")
    has_no_pods(node)
    assert lesson.get(node, "endpoints", "web") is None
    assert lesson.get(node, "serviceaccount", "default")["automountServiceAccountToken"] is False


def test_controllers_make_pods_that_wait_for_a_node(node: Node, ladder: Ladder, busybox: str) -> None:
    ladder.up("kube-controller-manager")
    objects.until(node, lambda: len(lesson.pods(node, "web")) == 2, "the Deployment has pods")
    account = lesson.get(node, "serviceaccount", "default")
    assert "automountServiceAccountToken" not in account
    assert [secret["name"].startswith("default-token-") for secret in account["secrets"]] == [True]
    objects.apply(node, {"kind": "Namespace", "metadata": {"name": "lesson"}})
    node.run("kubectl", "delete", "namespace", "lesson", "--timeout", "60s")
    spec = {"selector": {"app": "client"}, "ports": [{"port": 80}]}
    objects.apply(node, {"kind": "Service", "metadata": {"name": "client"}, "spec": spec})
    objects.until(node, lambda: lesson.endpoints(node, "client") == {"client"}, "the Service has endpoints")
    waiting = lesson.pods(node, "web").values()
    assert [pod["status"]["phase"] for pod in waiting] == ["Pending", "Pending"]
    assert not any("nodeName" in pod["spec"] for pod in waiting)


def test_the_scheduler_finds_them_a_node(node: Node, ladder: Ladder) -> None:
    ladder.up("kube-scheduler")
    objects.until(node, lambda: len(lesson.placed(node, "web")) == 2, "both pods are on the node and Ready")
    names = set(lesson.placed(node, "web"))
    objects.until(node, lambda: lesson.endpoints(node, "web") == names, "both pods are behind the Service")
    for name, pod in lesson.pods(node, "web").items():
        assert within(node, "client", ASK.format(pod["status"]["podIP"])).stdout.strip() == name
    assert within(node, "client", ASK.format(cluster_ip(node))).returncode != 0


def test_kube_proxy_balances_a_cluster_ip_over_both(node: Node, ladder: Ladder) -> None:
    ladder.up("kube-proxy")
    ask = ASK.format(cluster_ip(node))
    objects.until(node, lambda: within(node, "client", ask).returncode == 0, "the cluster IP answers")
    asked = within(node, "client", f"for i in $(seq 40); do {ask} || exit 1; done")
    assert asked.returncode == 0, asked.stderr
    assert set(asked.stdout.split()) == set(lesson.placed(node, "web"))


def test_a_node_port_answers_from_another_host(node: Node) -> None:
    url = f"http://{node.address}:{lesson.NODE_PORT}/"
    answers = {DIRECT.open(url, timeout=5).read().decode().strip() for _time in range(40)}
    assert answers == set(lesson.placed(node, "web"))


def test_a_token_in_a_pod_reads_what_rbac_lets_it(node: Node, ladder: Ladder, busybox: str) -> None:
    objects.apply(node, *lesson.reader(node, busybox))
    lesson.come(node, "reader")
    # With certificates kubectl finds the API, its authority and the token by itself, as all programs do.
    kubectl = "/kubectl"
    if not ladder.certificates:
        kubectl = "/kubectl --server https://10.0.0.1 --insecure-skip-tls-verify"
    token = "" if ladder.certificates else f"--token $(cat {lesson.TOKEN})"
    allowed = within(node, "reader", f"{kubectl} {token} get configmaps --output name -v 6")
    assert allowed.returncode == 0, allowed.stderr
    assert "200 OK" in allowed.stderr
    more = [("get", "secrets"), ("get", "configmaps --namespace kube-system"), ("delete", "configmap none")]
    for verb, what in more:
        asked = within(node, "reader", f"{kubectl} {token} {verb} {what}")
        refused = "Error from server (Forbidden)" in asked.stderr
        assert refused == ladder.certificates, asked.stderr
    wrong = within(node, "reader", f"{kubectl} --token wrong get configmaps")
    assert "Unauthorized" in wrong.stderr


@pytest.mark.parametrize("is_had", [COREDNS], ids=lambda proof: proof.__name__)
def test_coredns(
    node: Node, ladder: Ladder, busybox: str, is_had: Callable[[Ladder, str, str], None]
) -> None:
    coredns.is_shown(ladder)
    is_had(ladder, busybox, cluster_ip(node))


def test_without_kube_proxy_its_rules_are_gone(node: Node, ladder: Ladder, article: dict[str, Any]) -> None:
    assert rungs.rules(node) != article["rules"]
    ladder.down("kube-proxy")
    assert rungs.rules(node) == article["rules"]
    assert within(node, "client", ASK.format(cluster_ip(node))).returncode != 0


def test_without_the_scheduler_a_new_pod_waits(node: Node, ladder: Ladder) -> None:
    ladder.down("kube-scheduler")
    before = lesson.placed(node, "web")
    node.run("kubectl", "scale", "deployment", "web", "--replicas", "3")
    objects.until(node, lambda: len(lesson.pods(node, "web")) == 3, "the Deployment has a third pod")
    time.sleep(3)
    assert lesson.placed(node, "web") == before
    node.run("kubectl", "delete", "deployment", "web")
    objects.until(node, lambda: lesson.pods(node, "web") == {}, "the pods have gone with their Deployment")


def test_without_controllers_it_is_the_article_again(
    node: Node, ladder: Ladder, article: dict[str, Any], busybox: str
) -> None:
    ladder.down("kube-controller-manager")
    # Tokens of the cluster are signed with it.
    signed = {f"{rungs.CONFIG}/pki/sa.key", f"{rungs.CONFIG}/pki/sa.pub"}
    assert set(rungs.files(node)) | signed == set(article["files"]) | signed
    assert objects.containers(node)["etcd"] == article["etcd"]
    assert lesson.get(node, "serviceaccount", "default")["automountServiceAccountToken"] is False
    objects.apply(node, *lesson.web(busybox), lesson.client(node, busybox, "last"))
    lesson.come(node, "last")
    has_no_pods(node)


@pytest.mark.parametrize("is_switched", [AUTHENTICATION], ids=lambda proof: proof.__name__)
def test_authentication(ladder: Ladder, busybox: str, is_switched: Callable[[Ladder, str], None]) -> None:
    is_switched(ladder, busybox)
