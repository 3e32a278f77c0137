"""Every file of every release and mode is what it was, to the byte, unless its sum is changed with it."""

from __future__ import annotations

from pathlib import Path

from rendering import MANIFESTS, known, render, sums, variables

LISTING = Path(__file__).parent / "rendered.sha256"


def test_every_rendered_file_is_what_it_was(tmp_path: Path) -> None:
    lines = LISTING.read_text().splitlines()
    before = {path: checksum for checksum, path in (line.split("  ") for line in lines)}
    after = sums(render(known(), tmp_path))
    differing = sorted(path for path in before | after if before.get(path) != after.get(path))
    assert not differing, "\n".join(["See tests/rendering.py for how to compare them:", *differing])


def test_a_release_is_one_row_of_the_table(tmp_path: Path) -> None:
    table = variables("release", "vars")["release_table"]
    row = {**table["1.23"], "tags": {"etcd": "9.8.7", "pause": "6.5", "coredns": "v4.3"}}
    invented = {"cluster_version": "v1.99.1", "release_table": {**table, "1.99": row}}
    (rendered,) = render({"invented": invented}, tmp_path).values()
    images = {
        name: rendered.document(f"{MANIFESTS}/{name}.yaml")["spec"]["containers"][0]["image"]
        for name in ("etcd", "kube-apiserver")
    }
    assert images == {
        "etcd": "registry.k8s.io/etcd:9.8.7",
        "kube-apiserver": "registry.k8s.io/kube-apiserver:v1.99.1",
    }
    assert "--pod-infra-container-image=registry.k8s.io/pause:6.5" in rendered.kubelet()
    assert "--client-ca-file=/etc/kubernetes/pki/ca.crt" in rendered.apiserver()
