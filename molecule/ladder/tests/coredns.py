"""coredns, whose image is not in a release: where it can't be had, what it would be and why it is not."""

from __future__ import annotations

import re
import subprocess

import lesson
import objects
import rungs
from bare_node import changed, runtime, said
from rungs import Ladder


def is_shown(ladder: Ladder) -> None:
    """Check mode shows its Corefile, its manifest, which the API accepts, and the kubelet's configuration."""
    node = ladder.node
    bridge = runtime().host_address(node)
    run = node.playbook("site.yml", "--check", "--diff", cluster_components=[*ladder.components, "coredns"])
    assert changed(run)
    assert f"clusterDNS:\n- {bridge}\nclusterDomain: cluster.local" in _added(run.stdout, "kubelet")
    roles = "clusterrolebinding system:coredns does not exist"
    assert (roles in _added(run.stdout, "node")) == ladder.certificates
    written = _added(run.stdout, "control_plane")
    files = dict(re.findall(rf"^# ({rungs.CONFIG}/\S+)\n(.*?)(?=^# {rungs.CONFIG}|\Z)", written, re.M | re.S))
    corefile = files[f"{rungs.CONFIG}/Corefile"]
    assert re.search(rf"^\s+bind {re.escape(bridge)}$", corefile, re.M)
    # The host's own, which may be a name server on its loopback.
    assert "127.0.0.53" not in corefile
    manifest = files[f"{rungs.CONFIG}/manifests/coredns.yaml"]
    command = [
        "docker",
        "exec",
        "--interactive",
        node.name,
        "kubectl",
        "create",
        "--dry-run=server",
        "-f",
        "-",
    ]
    done = subprocess.run(command, input=manifest, capture_output=True, text=True, check=False)
    assert done.stdout == "pod/coredns created (server dry run)\n", done.stderr


def is_refused(ladder: Ladder, busybox: str, web: str) -> None:
    """A run says what is missing and what to do, and leaves all that there is as it is."""
    before, files = rungs.running(ladder.node), rungs.files(ladder.node)
    run = ladder.node.playbook("site.yml", cluster_components=[*ladder.components, "coredns"])
    assert run.returncode != 0
    assert re.search(r"coredns/coredns.*add an archive of .* to cluster_artifacts", said(run), re.I | re.S)
    assert "changed=0 " in said(run)
    assert (rungs.running(ladder.node), rungs.files(ladder.node)) == (before, files)


def resolves(ladder: Ladder, busybox: str, web: str) -> None:
    """A pod reaches a Service by its name, and nothing of it stays once it is taken out.

    web: address of the Service web.
    """
    node = ladder.node
    ladder.up("coredns")
    objects.apply(node, lesson.client(node, busybox, "asker"))
    lesson.come(node, "asker")
    for name in ("web", "web.default.svc.cluster.local"):
        ask = f"timeout 3 wget -q -O - http://{name}/"
        asked = lesson.within(node, "asker", f"nslookup -type=a web.default.svc.cluster.local; {ask}")
        assert web in asked.stdout, asked.stderr
        assert asked.stdout.split()[-1] in lesson.placed(node, "web")
    if ladder.certificates:
        reads_alone(ladder)
    ladder.down("coredns")
    roles = node.run("kubectl", "get", "clusterroles,clusterrolebindings", "--output", "name")
    assert "coredns" not in roles


def reads_alone(ladder: Ladder) -> None:
    """Its certificate lists and watches what has names, and does nothing else."""
    able = ("list services", "watch endpoints", "list pods", "watch namespaces")
    unable = (
        "get services",
        "list secrets",
        "list configmaps",
        "list nodes",
        "create pods",
        "update services",
    )
    command = ["kubectl", f"--kubeconfig={rungs.CONFIG}/coredns.conf", "auth", "can-i", "--all-namespaces"]
    for what in (*able, *unable):
        said = ladder.node.run(*command, *what.split(), check=False).split()[0]
        assert said == ("yes" if what in able else "no"), what


def _added(printed: str, role: str) -> str:
    """The lines that the tasks of a role add to files and other things, without the marks."""
    tasks = [task for task in printed.split("\nTASK [") if task.startswith(f"mink8s.kubernetes.{role} :")]
    return "\n".join(re.findall(r"^[+](?![+]{2} )(.*)", "\n".join(tasks), re.M))
