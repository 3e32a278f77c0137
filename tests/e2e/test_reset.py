"""Reset takes back all that was made and nothing else, on hosts with and without something of others'."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
import snapshot
from bare_node import ROOT, SANDBOX, Node, changed, runtime

LEDGER = "/var/lib/mink8s/ledger.json"
KUBECTL = ("env", "KUBECONFIG=/etc/kubernetes/admin.conf", "kubectl")
# A container runtime, set up by somebody else.
INSTALL = {
    "docker": r"""
apt-get -qq update
DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends docker.io >/dev/null
python3 -c '
import json
path = "/etc/docker/daemon.json"
settings = {"live-restore": True, "labels": ["owner=theirs"]}
try:
    settings.update(json.load(open(path)))
except FileNotFoundError:
    pass
json.dump(settings, open(path, "w"), indent=4)
'
systemctl restart docker
""",
    "containerd": r"""
apt-get -qq update
DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends containerd >/dev/null
printf '# Somebody has written this.\n%s\n' "$(cat /etc/containerd/config.toml)" >/etc/containerd/config.toml
systemctl restart containerd
""",
}
# Besides it a rule, a unit and a kubeconfig of theirs.
THEIRS = r"""
iptables -N THEIRS
iptables -A THEIRS -s 192.0.2.1 -m comment --comment "not to be touched" -j DROP
iptables -A INPUT -j THEIRS
iptables -t nat -A POSTROUTING -s 192.0.2.0/24 -j MASQUERADE
cd /etc/systemd/system
printf '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n' >theirs.service
systemctl enable --now --quiet theirs
mkdir -p /root/.kube /srv/theirs /home/somebody
echo 'kind: Config # of another cluster' >/root/.kube/config
echo theirs >/srv/theirs/file
"""
# An image of theirs, one of their own, one under the name of one of the collection's, and what runs in it.
RUN_THEIRS = {
    "docker": r"""
docker load --quiet --input /root/theirs.tar >/dev/null
docker tag busybox:1.35 theirs:1
docker tag busybox:1.35 "$1"
docker rmi busybox:1.35 >/dev/null
docker run --detach --name theirs theirs:1 sleep 1000000 >/dev/null
docker volume create theirs >/dev/null
docker network create theirs >/dev/null
""",
    "containerd": r"""
ctr --namespace k8s.io images import /root/theirs.tar >/dev/null
ctr --namespace k8s.io images tag docker.io/library/busybox:1.35 "$1" >/dev/null
ctr --namespace theirs images import /root/theirs.tar >/dev/null
ctr --namespace theirs run --detach --null-io docker.io/library/busybox:1.35 theirs sleep 1000000
""",
}
# Something of others' in a container runtime: what makes it, what is said of it, what removes it.
OTHERS = {
    "docker": ("docker volume create data", "volume data", "docker volume rm data"),
    "containerd": (
        "ctr --namespace data containers create --rootfs /srv data",
        "namespace data",
        "ctr --namespace data containers delete data; ctr namespaces remove data",
    ),
}


def pods(image: str, node: str) -> str:
    """A pod with each kind of volume that is mounted on the host, and what is in them."""
    volumes: dict[str, dict[str, Any]] = {
        "disk": {"emptyDir": {}},
        "memory": {"emptyDir": {"medium": "Memory"}},
        "host": {"hostPath": {"path": "/srv/theirs", "type": "Directory"}},
        "settings": {"configMap": {"name": "settings"}},
        "password": {"secret": {"secretName": "password"}},
    }
    mounts = [{"name": name, "mountPath": f"/{name}"} for name in volumes]
    mounts.append({"name": "settings", "mountPath": "/one", "subPath": "one"})
    container = {"name": "pause", "image": image, "imagePullPolicy": "Never", "volumeMounts": mounts}
    specification = {
        "nodeName": node,
        "containers": [container],
        "volumes": [{"name": name, **source} for name, source in volumes.items()],
    }
    items: list[dict[str, Any]] = [
        {"kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"one": "1"}},
        {"kind": "Secret", "metadata": {"name": "password"}, "stringData": {"two": "2"}},
        {"kind": "Pod", "metadata": {"name": "volumes"}, "spec": specification},
    ]
    return json.dumps(
        {"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", **item} for item in items]}
    )


def shell(node: Node, script: str, *arguments: str) -> str:
    """Run a script on the node."""
    return node.run("sh", "-c", script, "sh", *arguments)


def reset(node: Node, *options: str, **variables: Any) -> subprocess.CompletedProcess[str]:
    """Run reset.yml, confirmed."""
    return node.playbook("reset.yml", *options, **{"reset_confirm": True, **variables})


def said(run: subprocess.CompletedProcess[str]) -> dict[str, list[str]]:
    """What a reset, which has to have succeeded, says that it removed and kept."""
    assert run.returncode == 0, run.stdout + run.stderr
    message = run.stdout.rpartition('"msg": ')[2]
    told: dict[str, list[str]] = json.JSONDecoder().raw_decode(message)[0]
    return told


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Wait for it."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def kill_in_the_middle(node: Node, playbook: str, reached: Callable[[], bool], **variables: Any) -> None:
    """Start a playbook and kill it, and what it runs on the node, as soon as it has got somewhere."""
    command = ["ansible-playbook", "-i", str(node.inventory), "-e", json.dumps(variables)]
    with subprocess.Popen(
        [*command, str(ROOT / "playbooks" / playbook)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as run:
        until(lambda: reached() or run.poll() is not None, 300)
        assert run.poll() is None
        run.kill()
    # With pipelining, a module is a Python that reads its program from standard input.
    shell(node, "pkill -KILL -x -f /usr/bin/python3 || true")


def ledger(node: Node) -> dict[str, Any]:
    """What the ledger lists; nothing where there is none."""
    text = shell(node, f"cat {LEDGER} 2>/dev/null || echo '{{}}'")
    return dict(json.loads(text))


@pytest.fixture(scope="module")
def pause(given: dict[str, Any]) -> str:
    """The name that the pause image has on the node."""
    tag = given.get("cluster_image_tags", {}).get("pause", "3.2").partition("@")[0]
    return f"{given.get('cluster_image_registry', 'registry.k8s.io')}/pause:{tag}"


@pytest.fixture(scope="module")
def bare(node: Node) -> snapshot.Snapshot:
    """The bare host; its mount points for data have the modes that dockerd and containerd give them."""
    shell(node, "chmod 710 /var/lib/docker; chmod 700 /var/lib/containerd")
    return snapshot.take(node)


@pytest.fixture(scope="module")
def theirs(node: Node, bare: snapshot.Snapshot, pause: str) -> snapshot.Snapshot:
    """The host with things of others', an image under the name of one of the collection's among them."""
    archive = subprocess.run([*SANDBOX, "images"], check=True, capture_output=True, text=True).stdout.split()[
        0
    ]
    subprocess.run(["docker", "cp", "--quiet", archive, f"{node.name}:/root/theirs.tar"], check=True)
    name = runtime().name
    shell(node, f"set -eu; {INSTALL[name]}{THEIRS}{RUN_THEIRS[name]}", pause)
    return snapshot.take(node)


def test_nothing_is_removed_without_a_confirmation(node: Node, bare: snapshot.Snapshot) -> None:
    assert changed(node.playbook("site.yml"))
    run = node.playbook("reset.yml")
    assert run.returncode != 0
    assert "reset_confirm=true" in run.stdout + run.stderr
    assert "Ready" in node.run("kubectl", "get", "nodes")


def test_the_container_runtime_stays_unless_it_is_asked_for(node: Node, bare: snapshot.Snapshot) -> None:
    told = said(reset(node))
    assert any("reset_container_runtime" in line for line in told["kept"])
    assert node.run("systemctl", "is-active", runtime().name).strip() == "active"
    assert runtime().containers(node) == []
    assert runtime().package in ledger(node)["packages"]
    assert changed(reset(node)) == []


def test_a_container_runtime_with_something_of_others_is_not_removed(
    node: Node, bare: snapshot.Snapshot
) -> None:
    make, told, remove = OTHERS[runtime().name]
    shell(node, make)
    run = reset(node, reset_container_runtime=True)
    assert run.returncode != 0
    assert told in run.stdout + run.stderr
    shell(node, remove)


def test_a_host_that_was_bare_is_bare_again(node: Node, bare: snapshot.Snapshot) -> None:
    before = said(reset(node, "--check", reset_container_runtime=True))
    assert said(reset(node, reset_container_runtime=True)) == before
    left = snapshot.difference(bare, snapshot.take(node))
    documented = ("link docker0 ", "mount /run/docker/", "iptables ")
    assert [line for line in left if not line.startswith(documented)] == []
    assert changed(reset(node, reset_container_runtime=True)) == []
    subprocess.run(["docker", "restart", node.name], check=True, capture_output=True)
    until(lambda: node.run("systemctl", "is-system-running", check=False).strip() == "running")
    left = snapshot.difference(bare, snapshot.take(node))
    # The node may have another address after a restart, and Docker outside of it writes that there.
    assert [line for line in left if not line.startswith("file /etc/hosts ")] == []


def test_the_cluster_goes_and_its_data_stays_if_it_is_to(
    node: Node, theirs: snapshot.Snapshot, pause: str
) -> None:
    assert changed(node.playbook("site.yml"))
    node.run(*KUBECTL, "apply", "--filename", "-", given=pods(pause, node.name))
    node.run(*KUBECTL, "wait", "--for", "condition=Ready", "--timeout", "120s", "pod/volumes")
    before = said(reset(node, "--check", reset_keep_etcd_data=True))
    assert "Ready" in node.run(*KUBECTL, "get", "nodes")
    assert said(reset(node, reset_keep_etcd_data=True)) == before
    assert list(ledger(node)["paths"]) == ["/var/lib/etcd"]
    kept = ("file /var/lib/etcd", "file /var/lib/mink8s")
    left = snapshot.difference(theirs, snapshot.take(node))
    assert [line for line in left if not line.startswith(kept)] == []
    assert changed(reset(node, reset_keep_etcd_data=True)) == []


def test_the_next_cluster_has_the_data(node: Node, theirs: snapshot.Snapshot) -> None:
    assert changed(node.playbook("site.yml"))
    assert '"1"' in node.run(*KUBECTL, "get", "configmap", "settings", "--output", "yaml")
    node.run(*KUBECTL, "wait", "--for", "condition=Ready", "--timeout", "120s", "pod/volumes")


def test_a_reset_that_was_killed_is_completed_by_the_next(node: Node, theirs: snapshot.Snapshot) -> None:
    shell(node, "rm /etc/systemd/system/kubelet.service /usr/local/bin/kubectl /etc/kubernetes/pki/ca.key")
    shell(node, "mkdir /etc/kubernetes/manifests/theirs && touch /usr/local/bin/.kubelet.abcd1234")

    def begun() -> bool:
        return runtime().running(node, "etcd") == []

    kill_in_the_middle(node, "reset.yml", begun, reset_confirm=True)
    assert ledger(node)["paths"]
    told = said(reset(node))
    assert "/etc/kubernetes/manifests is not empty: theirs." in told["kept"]
    shell(node, "rmdir --parents /etc/kubernetes/manifests/theirs || true")
    assert snapshot.difference(theirs, snapshot.take(node)) == []
    assert changed(reset(node)) == []


def test_half_a_cluster_goes_even_while_the_container_runtime_does_not_answer(
    node: Node, theirs: snapshot.Snapshot
) -> None:
    kill_in_the_middle(node, "site.yml", lambda: "/etc/kubernetes/pki" in ledger(node).get("paths", {}))
    node.run("systemctl", "stop", *runtime().units)
    run = reset(node)
    assert run.returncode != 0
    assert f"systemctl start {runtime().name}" in run.stdout + run.stderr
    assert ledger(node)["images"]
    assert shell(node, "ls /etc/kubernetes || true") == ""
    node.run("systemctl", "start", *runtime().units)
    assert changed(reset(node))
    assert snapshot.difference(theirs, snapshot.take(node)) == []
