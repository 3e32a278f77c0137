"""An archive that tells of a host whatever there is to know, whatever state it is in, and no secrets."""

from __future__ import annotations

import base64
import json
import re
import stat
import tarfile
from pathlib import Path
from typing import Any

import objects
import pytest
import snapshot
from bare_node import Node, runtime

WORD = "open-sesame-4711"
PASSWORD = "swordfish-0815"
PROXY = {"https_proxy": f"http://user:{PASSWORD}@127.0.0.1:9", "no_proxy": "*"}
KEYS = "find / -xdev -name '*.key' -exec cat {} + | grep -v -e '-----'"
# What is in each file once the cluster is there.
CONTENT = {
    "README.txt": ["versions.txt", "logs/etcd.txt"],
    "preflight.txt": ["found nothing"],
    "versions.txt": [
        *("mink8s.kubernetes ", "ansible-core 2.", "Python 3.", "Debian", "Linux ", "systemd 2"),
        *("etcdserver", "containerd ", "Kubernetes v1."),
    ],
    "units.txt": ["Id=kubelet.service", "ActiveState=active", "ExecStart=/usr/local/bin/kubelet"],
    "journal/kubelet.txt": ["kubelet["],
    "journal/containerd.txt": ["containerd["],
    "network.txt": ["127.0.0.1:2379", "default via", "KUBE"],
    "resources.txt": ["MemTotal", "Filename"],
    "api/health.txt": ["[+]ping ok", "healthz check passed", "readyz check passed", '"health":"true"'],
    "api/nodes.txt": [" Ready ", "MemoryPressure"],
    "api/pods.txt": ["talker", "etcd-"],
    "api/events.txt": ["talker"],
    "logs/etcd.txt": ["embed"],
    "logs/kube-apiserver.txt": ["Serving"],
    "files/etc/kubernetes/manifests/etcd.yaml": ["--data-dir=/var/lib/etcd"],
    "files/etc/kubernetes/manifests/kube-apiserver.yaml": ["--etcd-servers"],
    "files/etc/kubernetes/kubelet.yaml": ["KubeletConfiguration"],
    "files/etc/kubernetes/admin.conf": ["server: http"],
    "files/etc/systemd/system/kubelet.service": ["[Service]"],
    "files/var/lib/mink8s/ledger.json": ["/etc/kubernetes/manifests/etcd.yaml"],
    "certificates.txt": ["/etc/kubernetes/pki/kubelet.crt", "Z  "],
}
# What is there of each container runtime besides: of each file, what is in it.
RUNTIME_CONTENT: dict[str, dict[str, list[str]]] = {
    "docker": {
        "versions.txt": ["Server Version"],
        "journal/docker.txt": ["dockerd["],
        "containers.txt": ["k8s_etcd_", "k8s_talker_talker", "sha256:", "Cgroup Driver"],
    },
    "containerd": {
        "versions.txt": ["runc version"],
        "containers.txt": ["/etcd:", "/busybox:", "sha256:", "RUNNING", "io.containerd.grpc.v1"],
    },
}
# What each says where it does not run.
DOWN = {
    "docker": "Cannot connect to the Docker daemon",
    "containerd": 'ctr: failed to dial "/run/containerd/containerd.sock"',
}
TALKER = {
    "name": "talker",
    "imagePullPolicy": "IfNotPresent",
    "command": ["sh", "-c", "while true; do echo $WORD; sleep 1; done"],
    "env": [{"name": "WORD", "valueFrom": {"secretKeyRef": {"name": "words", "key": "word"}}}],
}


def diagnose(node: Node, directory: Path, **variables: Any) -> dict[str, str]:
    """The texts in the archive that diagnose.yml brings, by path."""
    directory /= "archives"
    run = node.playbook("diagnose.yml", diagnose_dir=str(directory), **variables)
    assert run.returncode == 0, run.stdout + run.stderr
    path = max(directory.iterdir())
    assert re.fullmatch(rf"{node.name}-\d{{8}}T\d{{6}}Z\.tar\.gz", path.name)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with tarfile.open(path) as archive:
        texts = {member.name: archive.extractfile(member) for member in archive.getmembers()}
        return {
            name.removeprefix(f"{path.name.removesuffix('.tar.gz')}/"): stream.read().decode()
            for name, stream in texts.items()
            if stream
        }


def wait_for(node: Node, script: str) -> None:
    """Wait until a script on the node succeeds."""
    done = f"timeout 120 sh -c 'until {script}; do sleep 1; done' >/dev/null 2>&1"
    assert "ok" in node.run("sh", "-c", f"{done} && echo ok", check=False), node.tell()


def test_a_bare_host_is_left_as_it_was(node: Node, tmp_path: Path) -> None:
    before = snapshot.take(node)
    texts = diagnose(node, tmp_path, cluster_node_name="Not_Valid")
    assert snapshot.difference(before, snapshot.take(node)) == []
    assert "Not_Valid" in texts["preflight.txt"]
    assert "Debian" in texts["versions.txt"]
    assert "There is no command kubelet on this host." in texts["versions.txt"]
    # Without any it is the one that the oldest releases have.
    assert "There is no command docker on this host." in texts["containers.txt"]
    assert "There is no command kubectl on this host." in texts["api/nodes.txt"]
    assert "There is no /var/lib/mink8s/ledger.json" in texts["logs/missing.txt"]
    assert "There is no /var/lib/mink8s/ledger.json" in texts["files/missing.txt"]
    assert "There is none in /etc/kubernetes/pki." in texts["certificates.txt"]
    assert "There is no command docker on this host." in texts["README.txt"]


@pytest.fixture(scope="module")
def cluster(node: Node) -> Node:
    """A cluster with a pod that prints a secret, and a container runtime with a proxy that has a password."""
    for playbook in ("site.yml", "../tests/sandbox/images.yml"):
        run = node.playbook(playbook, cluster_proxy=PROXY)
        assert run.returncode == 0, run.stdout + run.stderr
    return node


def test_everything_is_there(cluster: Node, given: dict[str, Any], tmp_path: Path) -> None:
    secret = {"kind": "Secret", "metadata": {"name": "words"}, "stringData": {"word": WORD}}
    container = {**TALKER, "image": given["verify_images"]["busybox"]}
    pod = {
        "kind": "Pod",
        "metadata": {"name": "talker"},
        "spec": {"nodeName": cluster.name, "containers": [container], "terminationGracePeriodSeconds": 0},
    }
    for item in (secret, pod):
        cluster.run("sh", "-c", f"echo '{json.dumps({'apiVersion': 'v1', **item})}' | kubectl apply -f -")
    wait_for(cluster, f"kubectl logs talker | grep {WORD}")
    texts = diagnose(cluster, tmp_path, cluster_proxy=PROXY)
    name = runtime().name
    drop_in = f"files/etc/systemd/system/{name}.service.d/mink8s-proxy.conf"
    wanted = {"resources.txt": [runtime().data], drop_in: ["http://[removed]@127.0.0.1:9"]}
    missing = [
        f"{expected!r} is not in {path}:\n{texts.get(path)}"
        for contents in (CONTENT, RUNTIME_CONTENT[name], wanted)
        for path, expectations in contents.items()
        for expected in expectations
        if expected not in texts.get(path, "")
    ]
    assert missing == []
    assert "Unavailable" not in texts["README.txt"]
    everything = "".join(texts.values())
    keys = cluster.run("sh", "-c", KEYS).split()
    assert len(keys) > 20
    secrets = [*keys, WORD, base64.b64encode(WORD.encode()).decode(), PASSWORD]
    assert [secret for secret in secrets if secret in everything] == []
    assert cluster.run("sh", "-c", "ls -d /tmp/mink8s-diagnose.* 2>/dev/null || true") == ""


def test_an_api_that_is_down_and_a_container_runtime_that_is_down(cluster: Node, tmp_path: Path) -> None:
    cluster.run("mv", "/etc/kubernetes/manifests/etcd.yaml", "/root/")
    objects.ended(cluster, "etcd")
    texts = diagnose(cluster, tmp_path)
    for path in ("api/health.txt", "api/nodes.txt", "api/pods.txt", "api/events.txt"):
        assert "Unavailable: It ended with code 1" in texts[path], texts[path]
        assert path in texts["README.txt"]
    assert "/etc/kubernetes/manifests/etcd.yaml: No such file" in texts["files/missing.txt"]
    assert "/pause" in texts["containers.txt"]
    cluster.run("systemctl", "stop", "kubelet.service", *runtime().units)
    texts = diagnose(cluster, tmp_path)
    assert DOWN[runtime().name] in texts["containers.txt"]
    assert "127.0.0.1:2379" in texts["logs/kube-apiserver.txt"]
    assert "ActiveState=inactive" in texts["units.txt"]
    assert f"{runtime().program}[" in texts[f"journal/{runtime().name}.txt"]
