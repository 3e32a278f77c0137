"""Whoever asks etcd goes the way that kube-apiserver goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import etcd_client
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api.etcd_client import Access, Etcd, EtcdError
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import other_kubernetes

SECURE = """\
    command:
    - kube-apiserver
    - --etcd-servers=https://127.0.0.1:2379
    - --etcd-cafile=/pki/etcd-ca.crt
    - --etcd-certfile=/pki/apiserver-etcd-client.crt
    - "--etcd-keyfile=/pki/apiserver-etcd-client.key"
    - --etcd-prefix=/registry
"""
FILES = ("/pki/etcd-ca.crt", "/pki/apiserver-etcd-client.crt", "/pki/apiserver-etcd-client.key")


def test_the_way_is_in_the_manifest_of_kube_apiserver(tmp_path: Path) -> None:
    manifest = tmp_path / "kube-apiserver.yaml"
    assert etcd_client.access(manifest) == Access("http://127.0.0.1:2379")
    manifest.write_text("    - kube-apiserver\n    - --etcd-servers=http://127.0.0.1:2379\n")
    assert etcd_client.access(manifest) == Access("http://127.0.0.1:2379")
    manifest.write_text(SECURE)
    assert etcd_client.access(manifest) == Access("https://127.0.0.1:2379", *FILES)


def test_files_that_are_gone_are_named() -> None:
    with pytest.raises(EtcdError) as caught:
        Etcd(Access("https://127.0.0.1:9", *FILES), 1).version()
    assert str(caught.value) == (
        f"{', '.join(FILES)} can't be used for etcd at https://127.0.0.1:9: No such file or directory"
    )


def test_services_of_a_cluster_are_in_the_network_that_its_manifest_says_or_the_usual_one() -> None:
    assert other_kubernetes.service_network(SECURE) == "10.0.0.0/24"
    other = f"{SECURE}    - --service-cluster-ip-range=10.96.0.0/16\n"
    assert other_kubernetes.service_network(other) == "10.96.0.0/16"
    assert other_kubernetes.service_network("    - etcd\n") == ""
