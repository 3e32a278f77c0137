"""A snapshot of a real etcd is what etcdctl takes for one."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import etcd_client
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import waiting
from servers import SEARCH_PATH, Etcd, configure, free_ports, module

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers import Artifacts, Server

NODES = ["host-1", "host-2.example"]


def put(etcd: Etcd, key: str, value: str) -> None:
    """Write a key."""
    pairs = (("key", key), ("value", value))
    etcd.post("/v3/kv/put", {name: base64.b64encode(text.encode()).decode() for name, text in pairs})


@pytest.fixture(scope="module")
def root(artifacts: Artifacts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file system of etcd's image."""
    return artifacts.unpack_etcd(tmp_path_factory.mktemp("cluster"))


@pytest.fixture(scope="module", params=["none", "certificates"])
def empty(request: pytest.FixtureRequest, root: Path, run: Callable[[Server], Server]) -> Etcd:
    """An etcd that nobody has written to, as it is with each authentication."""
    shutil.rmtree(root / "data", ignore_errors=True)
    directory = root.parent / request.param
    directory.mkdir()
    configure(directory, "certificates")
    server = Etcd(
        root, directory / "etcd.log", directory / "pki" if request.param == "certificates" else None
    )
    run(server)
    assert is_healthy(server)
    request.addfinalizer(server.stop)
    return server


def is_healthy(server: Etcd) -> bool:
    """Whether it is, after a while."""
    return not waiting.until_none(etcd_client.Etcd(server.access, 5).unhealthy, timeout=30)


def manifest(server: Etcd) -> str:
    """What says how a server is reached."""
    return str(server.manifest(server.log.parent))


@pytest.fixture(scope="module")
def cluster(empty: Etcd, tmp_path_factory: pytest.TempPathFactory) -> Etcd:
    """The same etcd with what a cluster is known by, and more than comes in one message."""
    target = tmp_path_factory.mktemp("refused") / "etcd.db"
    done = module("etcd_snapshot", manifest=manifest(empty), path=str(target))
    assert done.status == "FAILED"
    assert "not of a Kubernetes cluster's" in done.values["msg"]
    assert list(target.parent.iterdir()) == []
    put(empty, "/registry/namespaces/kube-system", "a namespace")
    for name in NODES:
        put(empty, f"/registry/minions/{name}", "a node")
    for number in range(50):
        put(empty, f"/registry/configmaps/default/{number}", str(number) * 2000)
    return empty


def test_a_snapshot_is_whole_private_and_what_etcdctl_takes_for_one(
    cluster: Etcd, root: Path, tmp_path: Path
) -> None:
    target = tmp_path / "etcd.db"
    checked = module("etcd_snapshot", "--check", manifest=manifest(cluster), path=str(target))
    assert (checked.status, list(tmp_path.iterdir())) == ("CHANGED", [])
    done = module("etcd_snapshot", manifest=manifest(cluster), path=str(target))
    assert done.status == "CHANGED", done.values
    content = target.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    expected = {"size": len(content), "sha256": digest, "nodes": NODES, "pod_subnets": []}
    assert done.values["snapshot"] == {"path": str(target), **expected}
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["etcd.db"]

    looked = module("etcd_snapshot_info", path=str(target), node_name=NODES[1])
    assert (looked.status, looked.values["snapshot"]) == ("SUCCESS", expected)
    foreign = module("etcd_snapshot_info", path=str(target), node_name="host-3")
    assert foreign.status == "FAILED"
    assert "it knows host-1, host-2.example, and this host's node is host-3" in foreign.values["msg"]

    shutil.copy(target, root / "snapshot.db")
    etcdctl = ["chroot", str(root), "etcdctl", "snapshot", "status", "/snapshot.db", "--write-out=json"]
    status = subprocess.run(
        etcdctl, env={"PATH": SEARCH_PATH, "ETCDCTL_API": "3"}, capture_output=True, text=True, check=True
    )
    assert json.loads(status.stdout)["totalKey"] >= 53


def test_a_snapshot_takes_the_place_of_an_older_one(cluster: Etcd, tmp_path: Path) -> None:
    target = tmp_path / "etcd.db"
    target.write_text("older")
    done = module("etcd_snapshot", manifest=manifest(cluster), path=str(target))
    assert (done.status, done.values["snapshot"]["nodes"]) == ("CHANGED", NODES)
    assert target.stat().st_size == done.values["snapshot"]["size"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_etcd_that_does_not_answer_is_named_and_leaves_nothing(tmp_path: Path, scheme: str) -> None:
    url = f"{scheme}://127.0.0.1:{free_ports(1)[0]}"
    (tmp_path / "kube-apiserver.yaml").write_text(f"    - --etcd-servers={url}\n")
    target = tmp_path / "etcd.db"
    for flags in ((), ("--check",)):
        given = str(tmp_path / "kube-apiserver.yaml")
        done = module("etcd_snapshot", *flags, manifest=given, path=str(target))
        assert done.status == "FAILED"
        assert f"etcd at {url} does not answer: " in done.values["msg"]
        assert "connection refused" in done.values["msg"]
    assert not target.exists()


def test_an_address_that_is_none_is_named(tmp_path: Path) -> None:
    given = tmp_path / "kube-apiserver.yaml"
    given.write_text("    - --etcd-servers=unix://etcd\n")
    done = module("etcd_snapshot", manifest=str(given), path=str(tmp_path / "etcd.db"))
    assert (done.status, "is no address of etcd" in done.values["msg"]) == ("FAILED", True)


def test_a_certificate_that_is_gone_is_named(cluster: Etcd, tmp_path: Path) -> None:
    given = tmp_path / "kube-apiserver.yaml"
    text = Path(manifest(cluster)).read_text().replace("http:", "https:").replace("etcd-ca.crt", "gone.crt")
    given.write_text(text if "cafile" in text else f"{text}    - --etcd-cafile=/gone.crt\n")
    done = module("etcd_snapshot", manifest=str(given), path=str(tmp_path / "etcd.db"))
    assert done.status == "FAILED"
    assert "gone.crt" in done.values["msg"]
    assert "No such file or directory" in done.values["msg"]


def test_a_directory_is_no_file_to_write(cluster: Etcd, tmp_path: Path) -> None:
    for path, said in ((tmp_path, "is a directory"), (tmp_path / "none" / "etcd.db", "is no directory")):
        done = module("etcd_snapshot", "--check", manifest=manifest(cluster), path=str(path))
        assert (done.status, said in done.values["msg"]) == ("FAILED", True)
