"""The authentication of a running cluster, changed where its release has both kinds and refused where not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lesson
import objects
import rungs
import yaml
from bare_node import ROOT, changed, said
from rungs import Ladder


def of(version: str) -> Callable[[Ladder, str], None]:
    """What is to be shown with a release, by the table of what differs between releases."""
    table: dict[str, Any] = yaml.safe_load((ROOT / "roles/release/vars/main.yml").read_text())
    minor = version.removeprefix("v").rpartition(".")[0]
    # Up to v1.19 it is none that is taken where nothing is asked for, and certificates can be.
    both = "none" in table["release_table"][minor]["authentication"]
    return goes_to_and_fro if both else is_refused


def is_refused(ladder: Ladder, busybox: str) -> None:
    """A release that only has certificates says so, and all that there is stays as it is."""
    before, files = rungs.running(ladder.node), rungs.files(ladder.node)
    run = ladder.node.playbook("site.yml", cluster_authentication="none")
    assert run.returncode != 0
    assert "cluster_authentication is none with " in said(run)
    assert "changed=0 " in said(run)
    assert (rungs.running(ladder.node), rungs.files(ladder.node)) == (before, files)
    assert ladder.certificates


def goes_to_and_fro(ladder: Ladder, busybox: str) -> None:
    """Everything that was in the cluster is there with each kind, and etcd asks for certificates with one."""
    node, first = ladder.node, ladder.certificates
    account = lesson.get(node, "serviceaccount", "default")["metadata"]["uid"]
    pod = objects.pods(node)["last"]
    for certificates in (not first, first):
        wanted = {"cluster_authentication": "certificates" if certificates else "none"}
        assert changed(node.playbook("site.yml", **wanted))
        assert ladder.certificates == certificates
        assert changed(node.playbook("site.yml", **wanted)) == []
        assert (8080 in rungs.listening(node)) != certificates
        manifest = node.run("cat", f"{rungs.CONFIG}/manifests/etcd.yaml")
        assert ("--client-cert-auth=true" in manifest) == certificates
        assert lesson.get(node, "serviceaccount", "default")["metadata"]["uid"] == account
        assert objects.pods(node)["last"] == pod
        node.run("kubectl", "delete", "--ignore-not-found", "pod", "next")
        objects.apply(node, lesson.client(node, busybox, "next"))
        lesson.come(node, "next", "last")
