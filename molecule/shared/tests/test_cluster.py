"""What a cluster does, seen from outside the node it runs on."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable

import pytest
from bare_node import TELL, given
from testinfra.host import Host

TIMEOUT = 90

LISTENERS = """
import socket, ssl, sys
for port in (2379, 2380, 6443, 8080, 10248, 10255, 10250):
    try:
        stream = socket.create_connection((sys.argv[1], port), timeout=5)
    except OSError as error:
        print(port, type(error).__name__)
        continue
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(stream) as client:
        client.sendall(b"GET /pods HTTP/1.0\\r\\n\\r\\n")
        print(port, client.recv(100).split()[1].decode())
"""


def until(done: Callable[[], bool], what: str, host: Host) -> None:
    """Wait for something to come true; on time-out show what a person would look at."""
    deadline = time.monotonic() + TIMEOUT
    while not done():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not happen in {TIMEOUT} s\n{host.run(TELL).stdout}")
        time.sleep(0.5)


def kubectl(host: Host, arguments: str) -> str:
    """The output of a kubectl command that has to succeed."""
    return host.check_output(f"KUBECONFIG=/etc/kubernetes/admin.conf kubectl {arguments}")


def ready(host: Host) -> bool:
    """Whether the node and both static pods are Ready."""
    listed = host.run("KUBECONFIG=/etc/kubernetes/admin.conf kubectl get nodes,pods -A --output json")
    if listed.rc != 0:
        return False
    items = json.loads(listed.stdout)["items"]
    conditions = [c for item in items for c in item["status"].get("conditions", []) if c["type"] == "Ready"]
    return len(conditions) >= 3 and all(condition["status"] == "True" for condition in conditions)


def test_node_is_ready_and_static_pods_are_visible(host: Host) -> None:
    name = host.check_output("hostname")
    nodes = json.loads(kubectl(host, "get nodes --output json"))["items"]
    assert [node["metadata"]["name"] for node in nodes] == [name]
    assert (
        nodes[0]["status"]["nodeInfo"]["kubeletVersion"] == host.check_output("kubelet --version").split()[1]
    )
    pods = json.loads(kubectl(host, "get pods --namespace kube-system --output json"))["items"]
    assert {pod["metadata"]["name"] for pod in pods} == {f"etcd-{name}", f"kube-apiserver-{name}"}
    # The proofs before have started the kubelet anew.
    until(lambda: ready(host), "Ready", host)


def test_kubectl_works_for_root_without_settings(host: Host) -> None:
    assert host.check_output(
        "env --ignore-environment HOME=/root /usr/local/bin/kubectl get nodes --output name"
    )


def test_default_service_account_has_no_token(host: Host) -> None:
    account = json.loads(kubectl(host, "get serviceaccount default --output json"))
    assert account["automountServiceAccountToken"] is False


def test_nothing_beyond_loopback_answers_without_credentials(host: Host) -> None:
    """Another container on the same network tries every port the cluster has."""
    address = host.check_output("hostname --ip-address").split()[0]
    image = "mink8s-node:bookworm"
    command = ["docker", "run", "--rm", "--entrypoint", "python3", image, "-c", LISTENERS, address]
    seen = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    refused = [2379, 2380, 6443, 8080, 10248, 10255]
    assert seen.splitlines() == [*(f"{port} ConnectionRefusedError" for port in refused), "10250 401"]


def test_private_keys_are_for_root_only(host: Host) -> None:
    readable = host.check_output("find /etc/kubernetes -name '*.key' -perm /077")
    assert readable == ""
    assert host.run("setpriv --reuid nobody --clear-groups cat /etc/kubernetes/pki/kubelet.key").rc != 0


def test_port_forward_reaches_a_pod(host: Host) -> None:
    image = given()["verify_images"]["web"]
    name = host.check_output("hostname")
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "forward"},
        "spec": {
            "nodeName": name,
            "containers": [{"name": "web", "image": image, "imagePullPolicy": "Never"}],
        },
    }
    host.check_output("echo %s | KUBECONFIG=/etc/kubernetes/admin.conf kubectl apply -f -", json.dumps(pod))
    kubectl(host, "wait --for condition=Ready --timeout 60s pod/forward")
    script = (
        "import subprocess, time, urllib.request\n"
        "forward = subprocess.Popen(['kubectl', '--kubeconfig=/etc/kubernetes/admin.conf', 'port-forward',"
        " 'pod/forward', '18080:80'], stdout=subprocess.PIPE)\n"
        "forward.stdout.readline()\n"
        "print(urllib.request.urlopen('http://127.0.0.1:18080/', timeout=20).status)\n"
        "forward.terminate()\n"
    )
    assert host.check_output("python3 -c %s", script) == "200"
    kubectl(host, "delete pod forward --grace-period 1")


@pytest.mark.parametrize("process", ["kubelet", "etcd", "kube-apiserver"])
def test_a_killed_process_comes_back_with_all_that_was_acknowledged(host: Host, process: str) -> None:
    name = f"before-{process}-{time.time_ns()}"
    kubectl(host, f"create configmap {name}")
    old = host.check_output("pgrep --exact %s", process)
    host.check_output("kill -9 %s", old)
    until(
        lambda: host.run("pgrep --exact %s", process).stdout.strip() not in ("", old),
        f"a new {process}",
        host,
    )
    until(lambda: ready(host), "a Ready cluster", host)
    kubectl(host, f"delete configmap {name}")


def test_cluster_survives_a_restart_of_the_host(host: Host) -> None:
    name = host.check_output("hostname")
    kubectl(host, "create configmap before-restart")
    subprocess.run(["docker", "restart", name], check=True, capture_output=True)
    until(
        lambda: host.run("systemctl is-active kubelet").stdout.strip() == "active", "a running kubelet", host
    )
    until(lambda: ready(host), "a Ready cluster", host)
    kubectl(host, "delete configmap before-restart")
