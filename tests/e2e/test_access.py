"""Who reaches the API and etcd, at which address and with what: on a host with capitals in its name."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import objects
import pytest
import yaml
from bare_node import ROOT, Node, changed, said
from kubernetes import client, config

COMPONENTS = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]
LOGINS = ["alice", "bob", "carol"]
# bob has a kubeconfig of his own, and carol leads elsewhere.
HOMES = """
hostname Mink8s-Access
for login in alice bob carol; do useradd --create-home $login; done
mkdir /home/bob/.kube /srv/elsewhere
echo 'kind: Config' >/home/bob/.kube/config
chown -R bob:bob /home/bob/.kube
ln -s /srv/elsewhere /home/carol/.kube
"""
# What etcd's and kube-apiserver's manifests were before etcd asked for certificates.
PLAIN = r"""
cd /etc/kubernetes/manifests
sed -E -e '/--(listen|advertise|peer|client-cert|trusted|cert|key)-?/d' -e '/mink8s.certificates/d' \
    -e '/annotations:/d' -e '/# Changes/d' etcd.yaml >/root/etcd.yaml
sed -E -e '/--etcd-(ca|cert|key)file/d' -e 's,https://127.0.0.1:2379,http://127.0.0.1:2379,' \
    kube-apiserver.yaml >/root/kube-apiserver.yaml
mv /root/etcd.yaml /root/kube-apiserver.yaml .
"""


@pytest.fixture(scope="module")
def cluster(node: Node) -> Node:
    """A cluster with kubeconfigs for three logins, as far as these can have one."""
    node.run("sh", "-ec", HOMES)
    run = node.playbook("site.yml", cluster_components=COMPONENTS, cluster_kubeconfig_users=["dave"])
    assert run.returncode != 0
    assert "There is no login dave on this host. It is in cluster_kubeconfig_users." in said(run)
    assert "changed=0 " in said(run)
    assert "mink8s" not in node.run("sh", "-c", "ls /var/lib /etc")
    run = site(node, cluster_kubeconfig_users=LOGINS)
    assert "/home/bob/.kube/config has another first line" in said(run)
    assert "/home/carol/.kube/config is a link" in said(run)
    return node


def site(node: Node, **variables: Any) -> subprocess.CompletedProcess[str]:
    """Run site.yml, which changes something, and nothing when it is run again."""
    variables = {"cluster_components": COMPONENTS, "cluster_kubeconfig_users": ["alice"], **variables}
    first = node.playbook("site.yml", **variables)
    assert changed(first), said(first)
    again = node.playbook("site.yml", **variables)
    assert changed(again) == [], said(again)
    return first


def as_login(node: Node, login: str, *command: str) -> str:
    """What a command of a login prints."""
    return node.run("runuser", "--login", login, "--command", " ".join(command))


def listening(node: Node) -> set[str]:
    """Where kube-apiserver listens."""
    rows = node.run("ss", "--listening", "--tcp", "--numeric", "--no-header", "sport = :6443").splitlines()
    return {row.split()[3].rpartition(":")[0] for row in rows}


def controllers_work(node: Node, name: str) -> None:
    """A namespace gets its ServiceAccount from a controller, and a pod its node from the scheduler."""
    objects.apply(node, {"kind": "Namespace", "metadata": {"name": name}})
    account = ("kubectl", "get", "serviceaccounts", "--namespace", name, "--output", "name")
    objects.until(node, lambda: "default" in node.run(*account), "a controller makes a ServiceAccount")
    pod = objects.pod(node, name)
    del pod["spec"]["nodeName"]
    objects.apply(node, pod)
    objects.runs(node, name)


def test_a_login_has_a_kubeconfig_of_its_own(cluster: Node) -> None:
    assert "Ready" in as_login(cluster, "alice", "/usr/local/bin/kubectl", "get", "nodes")
    stated = cluster.run("stat", "--format=%a %U:%G", "/home/alice/.kube", "/home/alice/.kube/config")
    assert stated.split("\n")[:2] == ["700 alice:alice", "600 alice:alice"]
    assert cluster.run("cat", "/home/bob/.kube/config") == "kind: Config\n"
    assert cluster.run("ls", "/srv/elsewhere") == ""


def test_an_administrators_kubeconfig_works_wherever_it_is(cluster: Node, tmp_path: Path) -> None:
    kubeconfig = yaml.safe_load(cluster.run("cat", "/etc/kubernetes/admin.conf"))
    assert "pki" not in json.dumps(kubeconfig)
    moved = (
        "sh",
        "-ec",
        "cp /etc/kubernetes/admin.conf /tmp/moved; kubectl --kubeconfig=/tmp/moved get nodes",
    )
    assert "Ready" in cluster.run(*moved)
    run = cluster.playbook("site.yml", "--check", "--diff", "-vvv", cluster_components=COMPONENTS)
    user = kubeconfig["users"][0]["user"]
    assert user["client-key-data"] not in run.stdout + run.stderr


def test_the_readmes_command_runs_a_pod_here(cluster: Node) -> None:
    assert cluster.run("hostname").strip() == "Mink8s-Access"
    image = objects.pod(cluster, "web")["spec"]["containers"][0]["image"]
    lines = re.findall(r"^    (node=.*|kubectl run .*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    script = "\n".join(lines).replace("nginx", image)
    assert "pod/web created" in cluster.run("bash", "-ec", script)
    objects.runs(cluster, "web")


def test_static_pods_are_the_last_to_be_killed(cluster: Node) -> None:
    listed = json.loads(cluster.run("kubectl", "get", "pods", "-n", "kube-system", "--output", "json"))
    assert len(listed["items"]) == len(COMPONENTS)
    assert {item["spec"]["priorityClassName"] for item in listed["items"]} == {"system-node-critical"}
    assert {item["spec"]["priority"] for item in listed["items"]} == {2000001000}


def test_from_elsewhere_nobody_gets_in_before_the_api_is_opened(cluster: Node, tmp_path: Path) -> None:
    file = tmp_path / "file"
    run = cluster.playbook("kubeconfig.yml", kubeconfig_file=str(file))
    assert run.returncode != 0
    assert "kube-apiserver listens on 127.0.0.1, where nobody beyond the host reaches it." in said(run)
    assert "Set cluster_apiserver_bind_address" in said(run)
    assert not file.exists()


def test_the_api_moves_to_the_hosts_own_address_and_everybody_follows(cluster: Node, tmp_path: Path) -> None:
    address = cluster.address
    site(cluster, cluster_apiserver_bind_address=address)
    assert listening(cluster) == {address}
    controllers_work(cluster, "moved")
    assert "Ready" in as_login(cluster, "alice", "/usr/local/bin/kubectl", "get", "nodes")
    for playbook in ("status.yml", "backup.yml"):
        run = cluster.playbook(playbook, status_dir=str(tmp_path), backup_dir=str(tmp_path))
        assert run.returncode == 0, said(run)
    assert "nothing" not in said(cluster.playbook("status.yml", status_dir=str(tmp_path)))


def nodes(kubeconfig: Path, context: str | None = None) -> list[str]:
    """The names of the nodes, asked from here."""
    settings = client.Configuration()
    config.load_kube_config(str(kubeconfig), context=context, client_configuration=settings)
    settings.proxy = None
    listed = client.CoreV1Api(client.ApiClient(settings)).list_node(_request_timeout=30)
    return [item.metadata.name for item in listed.items]


def test_a_kubeconfig_comes_to_the_controller_and_works(cluster: Node, tmp_path: Path) -> None:
    file = tmp_path / "file"
    checked = cluster.playbook("kubeconfig.yml", "--check", kubeconfig_file=str(file))
    assert changed(checked)
    assert not file.exists()
    run = cluster.playbook("kubeconfig.yml", "-vvv", "--diff", kubeconfig_file=str(file))
    assert changed(run)
    key = yaml.safe_load(file.read_text())["users"][0]["user"]["client-key-data"]
    assert key not in run.stdout + run.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    assert nodes(file) == ["mink8s-access"]
    assert changed(cluster.playbook("kubeconfig.yml", kubeconfig_file=str(file))) == []
    theirs = (
        "# mine\napiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\ncurrent-context: work\n"
    )
    file.write_text(theirs)
    refused = cluster.playbook("kubeconfig.yml", kubeconfig_file=str(file))
    assert refused.returncode != 0
    assert "is not the collection's: its first line does not say so." in said(refused)
    assert file.read_text() == theirs
    merged = cluster.playbook("kubeconfig.yml", kubeconfig_file=str(file), kubeconfig_merge=True)
    assert changed(merged)
    assert nodes(file, cluster.name) == ["mink8s-access"]
    assert yaml.safe_load(file.read_text())["current-context"] == "work"
    assert file.read_text().startswith("# mine\n")
    unknown = cluster.playbook(
        "kubeconfig.yml", kubeconfig_file=str(file), kubeconfig_server="api.example.com"
    )
    assert "Add api.example.com to cluster_apiserver_alternative_names" in said(unknown)


def test_the_api_comes_back_to_loopback_and_everybody_follows(cluster: Node) -> None:
    site(cluster, cluster_kubeconfig_users=[])
    assert listening(cluster) == {"127.0.0.1"}
    controllers_work(cluster, "back")
    assert "config" not in cluster.run("ls", "-A", "/home/alice/.kube").split()
    assert cluster.run("cat", "/home/bob/.kube/config") == "kind: Config\n"


def test_a_cluster_whose_etcd_asked_for_nothing_keeps_its_data(cluster: Node, tmp_path: Path) -> None:
    objects.apply(cluster, {"kind": "ConfigMap", "metadata": {"name": "before"}})
    etcd = objects.containers(cluster)["etcd"]
    cluster.run("sh", "-ec", PLAIN)
    health = ("kubectl", "get", "--raw", "/healthz")
    objects.until(
        cluster,
        lambda: (
            objects.containers(cluster).get("etcd", etcd) != etcd
            and cluster.run(*health, check=False) == "ok"
        ),
        "etcd runs without certificates",
    )
    assert "etcdserver" in cluster.run("python3", "-c", objects.ETCD + "print(ask('/version'))")
    assert "http://" in cluster.run("grep", "etcd-servers", "/etc/kubernetes/manifests/kube-apiserver.yaml")
    run = cluster.playbook("backup.yml", backup_dir=str(tmp_path))
    assert run.returncode == 0, said(run)
    site(cluster, cluster_kubeconfig_users=[])
    assert "https://" in cluster.run("grep", "etcd-servers", "/etc/kubernetes/manifests/kube-apiserver.yaml")
    assert "before" in cluster.run("kubectl", "get", "configmaps")
    cluster.run("kubectl", "delete", "configmap", "before")
    (backup,) = tmp_path.glob("*.db")
    run = cluster.playbook("restore.yml", restore_file=str(backup), cluster_components=COMPONENTS)
    assert run.returncode == 0, said(run)
    assert "before" in cluster.run("kubectl", "get", "configmaps")


def test_reset_takes_back_what_logins_were_given(cluster: Node) -> None:
    site(cluster)
    run = cluster.playbook("reset.yml", reset_confirm=True)
    assert run.returncode == 0, said(run)
    assert "config" not in cluster.run("ls", "-A", "/home/alice/.kube").split()
    assert cluster.run("cat", "/home/bob/.kube/config") == "kind: Config\n"
    assert cluster.run("readlink", "/home/carol/.kube") == "/srv/elsewhere\n"
