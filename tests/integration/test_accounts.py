"""A ServiceAccount lets pods in, and nothing else about it is touched."""

from __future__ import annotations

import signal
import socket
from threading import Timer
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import kubernetes_client
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from servers import NODE, Result, module

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from servers import Apiserver, Etcd

POD = client.V1Pod(
    metadata=client.V1ObjectMeta(name="nginx"),
    spec=client.V1PodSpec(containers=[client.V1Container(name="nginx", image="nginx")]),
)


def accounts(
    kubeconfig: Path, namespaces: list[str], *flags: str, timeout: int = 1, **options: object
) -> Result:
    """Have the ServiceAccount in these namespaces. The kubelet that is waited for as well never runs."""
    return module(
        "node_registration",
        *flags,
        name=NODE,
        unit="mink8s-not-there.service",
        kubeconfig=str(kubeconfig),
        service_account_namespaces=namespaces,
        timeout=timeout,
        **options,
    )


def account(apiserver: Apiserver, namespace: str) -> Any:
    return apiserver.core().read_namespaced_service_account("default", namespace)


def exists(apiserver: Apiserver, namespace: str) -> bool:
    found = apiserver.core().list_namespaced_service_account(namespace).items
    return [item.metadata.name for item in found] == ["default"]


def test_it_is_what_lets_pods_in(apiserver: Apiserver, namespace: str) -> None:
    with pytest.raises(ApiException) as caught:
        apiserver.core().create_namespaced_pod(namespace, POD)
    assert (
        f'error looking up service account {namespace}/default: serviceaccount \\"default\\" not found'
        in str(caught.value.body)
    )
    done = accounts(apiserver.kubeconfig, [namespace])
    assert done.values["missing"] == ["the kubelet does not run"]
    assert done.values["changed"]
    assert done.values["reasons"] == [f"serviceaccount {namespace}/default does not exist"]
    assert account(apiserver, namespace).automount_service_account_token is False
    assert apiserver.core().create_namespaced_pod(namespace, POD).status.phase == "Pending"
    again = accounts(apiserver.kubeconfig, [namespace])
    assert (again.values["changed"], again.values["reasons"]) == (False, [])
    assert accounts(apiserver.kubeconfig, [namespace], "--check").status == "SUCCESS"


def test_it_is_made_once_the_api_is_healthy(apiserver: Apiserver, etcd: Etcd, namespace: str) -> None:
    etcd.signal(signal.SIGSTOP)
    timer = Timer(3, etcd.signal, [signal.SIGCONT])
    timer.start()
    try:
        done = accounts(apiserver.kubeconfig, [namespace], timeout=20)
    finally:
        timer.join()
    assert done.values["reasons"] == [f"serviceaccount {namespace}/default does not exist"]
    assert exists(apiserver, namespace)


def test_check_mode_says_what_a_run_does_and_changes_nothing(apiserver: Apiserver, namespace: str) -> None:
    other = f"{namespace}-other"
    checked = accounts(apiserver.kubeconfig, [namespace, other], "--check", "--diff")
    assert not exists(apiserver, namespace)
    assert other not in [item.metadata.name for item in apiserver.core().list_namespace().items]
    done = accounts(apiserver.kubeconfig, [namespace, other])
    assert exists(apiserver, namespace)
    assert exists(apiserver, other)
    assert checked.status == "CHANGED"
    assert checked.values["reasons"] == done.values["reasons"]
    assert done.values["reasons"] == [
        f"serviceaccount {namespace}/default does not exist",
        f"namespace {other} does not exist",
        f"serviceaccount {other}/default does not exist",
    ]
    assert [line for line in checked.diff.splitlines() if line.startswith("+") and "+++" not in line] == [
        f"+serviceaccount {namespace}/default: automountServiceAccountToken: false",
        f"+namespace/{other}",
        f"+serviceaccount {other}/default: automountServiceAccountToken: false",
    ]


def test_of_one_that_is_there_only_one_field_changes(
    apiserver: Apiserver, new_namespace: Callable[[], str]
) -> None:
    before = {}
    for automount in (True, None):
        namespace = new_namespace()
        theirs = client.V1ServiceAccount(
            metadata=client.V1ObjectMeta(name="default", labels={"team": "a"}, annotations={"owner": "b"}),
            automount_service_account_token=automount,
            image_pull_secrets=[client.V1LocalObjectReference(name="registry")],
            secrets=[client.V1ObjectReference(name="token")],
        )
        before[namespace] = apiserver.core().create_namespaced_service_account(namespace, theirs)
    checked = accounts(apiserver.kubeconfig, list(before), "--check", "--diff")
    done = accounts(apiserver.kubeconfig, list(before))
    assert done.values["reasons"] == [
        f"serviceaccount {namespace}/default has automountServiceAccountToken {said}"
        for namespace, said in zip(before, ("true", "none"))
    ]
    for namespace, old in before.items():
        assert f"-serviceaccount {namespace}/default: automountServiceAccountToken: " in checked.diff
        new = account(apiserver, namespace)
        assert new.automount_service_account_token is False
        assert (new.secrets, new.image_pull_secrets) == (old.secrets, old.image_pull_secrets)
        assert new.metadata.labels == {"team": "a", "app.kubernetes.io/managed-by": "mink8s.kubernetes"}
        assert new.metadata.annotations == {"owner": "b"}
        assert new.metadata.uid == old.metadata.uid


def test_an_api_that_does_not_answer_is_named_and_everything_would_be_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    kubeconfig = tmp_path / "admin.conf"
    kubeconfig.write_text(
        f"clusters: [{{name: c, cluster: {{server: '{url}'}}}}]\n"
        "contexts: [{name: c, context: {cluster: c}}]\ncurrent-context: c\n"
    )
    (problem,) = kubernetes_client.unhealthy(config.new_client_from_config(str(kubeconfig)))
    assert problem.startswith(f"kube-apiserver at {url} is not healthy: ")
    done = accounts(kubeconfig, ["default"])
    assert (done.status, done.values["reasons"], done.values["apiserver_version"]) == ("FAILED", [], "")
    checked = accounts(kubeconfig, ["default"], "--check")
    assert checked.status == "CHANGED"
    assert "serviceaccount default/default does not exist" in checked.values["reasons"]


def test_without_a_kubeconfig_there_is_no_cluster_yet(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "admin.conf"
    done = accounts(kubeconfig, ["default"])
    assert done.status == "FAILED"
    assert f"{kubeconfig} does not exist, so there is no cluster to talk to" in done.values["msg"]
    assert "Run the role control_plane first, or set kubeconfig" in done.values["msg"]
    checked = accounts(kubeconfig, ["default"], "--check")
    assert checked.status == "CHANGED"
    assert "serviceaccount default/default does not exist" in checked.values["reasons"]
    assert accounts(kubeconfig, [], "--check").status == "SUCCESS"


@pytest.mark.parametrize("content", ["clusters: [", "a sentence"])
def test_a_kubeconfig_that_is_none_is_named(tmp_path: Path, content: str) -> None:
    kubeconfig = tmp_path / "admin.conf"
    kubeconfig.write_text(content)
    done = accounts(kubeconfig, ["default"])
    assert done.status == "FAILED"
    assert f"{kubeconfig} cannot be used as a kubeconfig" in done.values["msg"]


def test_what_was_set_here_is_taken_back_once_for_a_controller(
    apiserver: Apiserver, new_namespace: Callable[[], str]
) -> None:
    ours, theirs = new_namespace(), new_namespace()
    accounts(apiserver.kubeconfig, [ours])
    apiserver.core().create_namespaced_service_account(
        theirs, {"metadata": {"name": "default"}, "automountServiceAccountToken": False}
    )
    done = accounts(apiserver.kubeconfig, [ours, theirs], service_accounts="unmanaged")
    assert done.values["reasons"] == [f"serviceaccount {ours}/default is a controller's from now on"]
    assert account(apiserver, ours).automount_service_account_token is None
    assert account(apiserver, theirs).automount_service_account_token is False
    again = accounts(apiserver.kubeconfig, [ours, theirs], service_accounts="unmanaged")
    assert (again.values["changed"], again.values["reasons"]) == (False, [])
    back = accounts(apiserver.kubeconfig, [ours])
    assert back.values["changed"]
    assert account(apiserver, ours).automount_service_account_token is False
