"""Docker beside somebody else's container: no setting costs it, and what is set can be taken back."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import bare_node
import pytest
from bare_node import Node, changed, load, said

DAEMON_JSON = "/etc/docker/daemon.json"
RUN_DOCKER = "mink8s.kubernetes.docker : Start Docker with its settings and load the images"
COMPONENTS = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-proxy"]
# What a URL, a unit of systemd and a shell each take for something else.
PASSWORD = 'swordfish%40s"s\\0815'
PROXY = {
    "http_proxy": f"http://somebody:{PASSWORD}@127.0.0.1:9",
    "https_proxy": f"http://somebody:{PASSWORD}@127.0.0.1:9",
    "no_proxy": "127.0.0.1,localhost,.example.org",
}
# How a module runs after `su`: without the directories of the administrator's programs.
AFTER_SU = '#!/bin/sh\nPATH=/usr/bin:/bin exec /usr/bin/python3 "$@"\n'


# What is left of Docker CE, Docker from snap, and a place for Docker's data that is too small for it.
IN_THE_WAY = """
mkdir -p /root/left/DEBIAN /snap/docker /small /etc/docker
cat >/root/left/DEBIAN/control <<END
Package: containerd.io
Version: 1.7.27-1
Architecture: all
Maintainer: x <x@example.org>
Provides: containerd, runc
Conflicts: containerd, runc
Description: x
END
dpkg-deb --build /root/left /root/left.deb >/dev/null
dpkg --install /root/left.deb >/dev/null
mount -t tmpfs -o size=20m none /small
[ ! -e /etc/docker/daemon.json ] || cp -p /etc/docker/daemon.json /root/daemon.json
echo '{"data-root": "/small/docker", "bridge": "none"}' >/etc/docker/daemon.json
"""
OUT_OF_THE_WAY = """
umount /small
dpkg --purge containerd.io >/dev/null
rm -r /root/left /root/left.deb /snap/docker /small /etc/docker/daemon.json
if [ -e /root/daemon.json ]; then mv /root/daemon.json /etc/docker; else rmdir /etc/docker; fi
"""
# What a kernel with AppArmor has of it, in the place of what this one has.
APPARMOR = """
mount -t tmpfs none /sys/kernel/security
mount -t tmpfs none /sys/module
mkdir -p /sys/kernel/security/apparmor /sys/module/apparmor/parameters
echo Y >/sys/module/apparmor/parameters/enabled
"""


def shell(node: Node, script: str) -> str:
    return node.run("sh", "-ec", script)


def started(node: Node) -> tuple[str, str]:
    """When somebody else's container and dockerd were started."""
    container = node.run("docker", "inspect", "--format", "{{.State.Running}} {{.State.StartedAt}}", "theirs")
    return container.strip(), shell(node, "systemctl show --property MainPID --value docker").strip()


def daemon_json(node: Node) -> dict[str, Any]:
    return dict(json.loads(shell(node, f"cat {DAEMON_JSON}")))


def manifest(image: str, node: str) -> str:
    """A Deployment of one and its Service."""
    labels = {"app": "self"}
    container = {"name": "web", "image": image, "imagePullPolicy": "Never"}
    pod = {"nodeName": node, "terminationGracePeriodSeconds": 1, "containers": [container]}
    pod["automountServiceAccountToken"] = False
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    items = [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "self"}, "spec": spec},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "self"},
            "spec": {"selector": labels, "ports": [{"port": 80}]},
        },
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


@pytest.fixture(scope="module")
def given() -> dict[str, Any]:
    """The variables of the release that the sandbox offers, with Docker whatever else has something else."""
    return {**bare_node.given(), "cluster_container_runtime": "docker"}


@pytest.fixture(scope="module")
def before(node: Node) -> str:
    """What the bare host has of daemon.json; nothing where it has none."""
    return shell(node, f"cat {DAEMON_JSON} 2>/dev/null || true")


@pytest.fixture(scope="module")
def cluster(node: Node, before: str) -> Node:
    """A cluster, and beside it somebody else's container."""
    assert changed(node.playbook("site.yml", cluster_components=COMPONENTS))
    load(node, "docker")
    run = "docker run --detach --restart unless-stopped --name theirs busybox:1.35 sleep 1000000"
    shell(node, run)
    return node


def test_what_is_in_the_way_of_docker_is_found_before_anything_is_changed(node: Node, before: str) -> None:
    shell(node, IN_THE_WAY)
    try:
        run = node.playbook("site.yml")
    finally:
        shell(node, OUT_OF_THE_WAY)
    assert run.returncode != 0
    told = said(run)
    assert "/small/docker" in told
    assert "runtime_settings: Docker is to run with bridge" in told
    assert "snap remove docker" in told
    assert "apt-get remove containerd.io" in told
    assert shell(node, "ls -d /var/lib/mink8s 2>/dev/null || true") == ""


def test_apparmor_comes_with_docker_where_the_kernel_has_it_on(node: Node, before: str) -> None:
    shell(node, APPARMOR)
    try:
        told = said(node.playbook("site.yml", "--check", "--diff"))
    finally:
        shell(node, "umount /sys/module /sys/kernel/security")
    assert "+apparmor: installed" in told
    assert "+apparmor: installed" not in said(node.playbook("site.yml", "--check", "--diff"))


def test_docker_starts_once_and_with_its_settings(cluster: Node) -> None:
    journal = shell(cluster, "journalctl --unit docker --output cat")
    assert journal.count("Daemon has completed initialization") == 1
    settings = daemon_json(cluster)
    assert settings["log-opts"] == {"max-size": "10m", "max-file": "5"}
    config = "{{.HostConfig.LogConfig.Config}}"
    assert "max-size:10m" in cluster.run("docker", "inspect", "--format", config, "theirs")


def test_a_pod_reaches_itself_through_its_service(cluster: Node) -> None:
    cluster.run("kubectl", "apply", "--filename", "-", given=manifest("mink8s-web:1", cluster.name))
    cluster.run("kubectl", "rollout", "status", "deployment/self", "--timeout", "120s")
    address = cluster.run("kubectl", "get", "service", "self", "--output", "jsonpath={.spec.clusterIP}")
    # kube-proxy needs a moment to hear of a new Service.
    ask = f"for i in 1 2 3 4 5 6; do timeout 5 wget -q -O - http://{address}/ && exit; sleep 2; done; exit 1"
    page = cluster.run("kubectl", "exec", "deployment/self", "--", "sh", "-c", ask)
    assert "web server" in page
    cluster.run("kubectl", "delete", "deployment/self", "service/self", "--wait=false")


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"log-opts": {"max-file": 3}}, 'log-opts takes text alone: max-file: "3"'),
        ({"hosts": ["unix:///var/run/docker.sock"]}, "hosts is set twice, in cluster_docker_settings"),
        ({"no-such-setting": True}, "no-such-setting"),
        ({"iptables": False}, "pods reach nothing outside of the host"),
    ],
)
def test_a_setting_that_can_not_work_changes_nothing(
    cluster: Node, settings: dict[str, Any], line: str
) -> None:
    was, content = started(cluster), daemon_json(cluster)
    run = cluster.playbook("site.yml", cluster_components=COMPONENTS, **merged(settings))
    assert run.returncode != 0
    assert line in said(run)
    assert "Nothing was changed" in said(run)
    assert (started(cluster), daemon_json(cluster)) == (was, content)


def merged(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings, with those that the sandbox's registry needs."""
    return {"cluster_docker_settings": {**bare_node.given().get("cluster_docker_settings", {}), **settings}}


def test_a_setting_that_dockerd_refuses_at_its_start_is_taken_back(cluster: Node) -> None:
    content = shell(cluster, f"cat {DAEMON_JSON}")
    wrong = merged({"log-opts": {"no-such-option": "1"}})
    told = said(cluster.playbook("site.yml", "--check", cluster_components=COMPONENTS, **wrong))
    assert "these containers stop by it: theirs." in told
    run = cluster.playbook("site.yml", cluster_components=COMPONENTS, **wrong)
    assert run.returncode != 0
    assert "unknown log opt 'no-such-option'" in said(run)
    assert "Docker runs as it did before" in said(run)
    assert "Job for" not in said(run)
    assert shell(cluster, f"cat {DAEMON_JSON}") == content
    assert started(cluster)[0].startswith("true ")


def test_then_a_right_one_and_then_none(cluster: Node) -> None:
    content = shell(cluster, f"cat {DAEMON_JSON}")
    right = merged({"debug": True, "labels": ["a=b"], "log-opts": {"max-file": "3"}})
    run = cluster.playbook("site.yml", cluster_components=COMPONENTS, **right)
    assert changed(run) == [RUN_DOCKER]
    assert "these containers stop by it: theirs." in said(run)
    assert cluster.run("docker", "info", "--format", "{{.Debug}} {{.Labels}}").strip() == "true [a=b]"
    assert daemon_json(cluster)["log-opts"] == {"max-size": "10m", "max-file": "3"}
    assert changed(cluster.playbook("site.yml", cluster_components=COMPONENTS)) == [RUN_DOCKER]
    assert shell(cluster, f"cat {DAEMON_JSON}") == content
    was = started(cluster)
    assert changed(cluster.playbook("site.yml", cluster_components=COMPONENTS)) == []
    assert started(cluster) == was


def test_a_password_of_the_proxy_reaches_dockerd_and_nobody_else(cluster: Node, tmp_path: Path) -> None:
    variables = {"cluster_components": COMPONENTS, "cluster_proxy": PROXY}
    check = said(cluster.playbook("site.yml", "--check", "--diff", **variables))
    assert "mink8s-proxy.conf" in check
    run = cluster.playbook("site.yml", "--diff", **variables)
    assert changed(run) == [RUN_DOCKER]
    pid = started(cluster)[1]
    environment = shell(cluster, f"tr '\\0' '\\n' </proc/{pid}/environ").splitlines()
    for name, value in PROXY.items():
        assert f"{name.upper()}={value}" in environment
    cluster.playbook("diagnose.yml", diagnose_dir=str(tmp_path))
    (archive,) = tmp_path.glob("*.tar.gz")
    texts = [check, said(run)]
    with tarfile.open(archive) as tar:
        for member in tar:
            texts.append((tar.extractfile(member) or io.BytesIO()).read().decode(errors="replace"))
    for secret in ("swordfish", "0815@"):
        assert [line for text in texts for line in text.splitlines() if secret in line] == []
    wrong = {**variables, "cluster_proxy": {"http proxy": "http://127.0.0.1:9"}}
    run = cluster.playbook("site.yml", **wrong)
    assert run.returncode != 0
    assert changed(cluster.playbook("site.yml", cluster_components=COMPONENTS)) == [RUN_DOCKER]
    assert shell(cluster, "ls /etc/systemd/system/docker.service.d 2>/dev/null || true") == ""
    environment = shell(cluster, f"tr '\\0' '\\n' </proc/{started(cluster)[1]}/environ")
    assert "PROXY" not in environment


def test_enabling_the_unit_restarts_nothing(cluster: Node) -> None:
    was = started(cluster)
    shell(cluster, "systemctl disable --quiet docker.service")
    assert changed(cluster.playbook("site.yml", cluster_components=COMPONENTS)) == [RUN_DOCKER]
    assert started(cluster) == was
    assert shell(cluster, "systemctl is-enabled docker.service").strip() == "enabled"


def test_images_of_a_registry_that_does_not_answer_change_nothing(cluster: Node) -> None:
    was = started(cluster)
    wrong = {"cluster_components": COMPONENTS, "cluster_image_registry": "127.0.0.1:1/nobody"}
    run = cluster.playbook("site.yml", **wrong)
    assert run.returncode != 0
    assert "127.0.0.1:1" in said(run)
    assert changed(cluster.playbook("site.yml", cluster_components=COMPONENTS)) == []
    assert started(cluster) == was
    assert "Ready" in cluster.run("kubectl", "get", "nodes")


def test_rules_that_are_gone_are_told(cluster: Node) -> None:
    shell(cluster, "iptables -F; iptables -t nat -F; sysctl -qw net.ipv4.ip_forward=0")
    try:
        printed = said(cluster.playbook("site.yml", "--check", cluster_components=COMPONENTS))
    finally:
        shell(cluster, "sysctl -qw net.ipv4.ip_forward=1; systemctl restart docker")
    assert "runtime_rules: Docker runs, and its rules are gone from the packet filter" in printed
    assert "sysctl -w net.ipv4.ip_forward=1" in printed


def test_reset_takes_all_of_it_back_after_su_too(cluster: Node, before: str) -> None:
    shell(
        cluster,
        "docker rm --force theirs >/dev/null; docker rmi --force mink8s-web:1 busybox:1.35 >/dev/null",
    )
    shell(cluster, f"printf '%s' '{AFTER_SU}' >/root/python; chmod 755 /root/python")
    interpreter = {"ansible_python_interpreter": "/root/python"}
    run = cluster.playbook("reset.yml", reset_confirm=True, reset_container_runtime=True, **interpreter)
    assert run.returncode == 0, said(run)
    assert shell(cluster, "command -v dockerd || true") == ""
    assert shell(cluster, f"cat {DAEMON_JSON} 2>/dev/null || true") == before
    assert shell(cluster, "ls /var/lib/mink8s /etc/systemd/system/docker.service.d 2>/dev/null || true") == ""
