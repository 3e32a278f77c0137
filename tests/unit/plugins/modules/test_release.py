"""A release is installed once, checked on every run, and never over somebody else's programs."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from release_host import TARBALL, Host, elf, image, program


@pytest.fixture
def host(tmp_path: Path) -> Host:
    host = Host(tmp_path)
    host.publish("v1.18.20")
    return host


@pytest.fixture
def mirror(host: Host) -> Iterator[str]:
    """A mirror's URL; it serves the artifacts as v1.18.20."""
    served = host.root / "www" / "v1.18.20"
    served.mkdir(parents=True)
    (served / TARBALL).symlink_to(host.artifacts / TARBALL)
    handler = partial(SimpleHTTPRequestHandler, directory=str(host.root / "www"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_bare_host_gets_all_parts_and_nothing_else(host: Host) -> None:
    reasons = [
        f"kubelet in {host.bin} is missing",
        f"kubectl in {host.bin} is missing",
        f"kube-apiserver.tar in {host.kept}/v1.18.20 is missing",
    ]
    assert host.check()["reasons"] == reasons
    assert not host.bin.exists()
    assert not host.kept.exists()
    assert not host.ledger.exists()
    result = host.run()
    assert json.loads(host.ledger.read_text())["paths"] == {
        str(host.kept): "directory",
        f"{host.kept}/v1.18.20": "tree",
        str(host.bin): "directory",
        f"{host.bin}/kubelet": "file",
        f"{host.bin}/kubectl": "file",
    }
    assert result["changed"]
    assert result["reasons"] == reasons
    assert result["binaries"] == [f"{host.bin}/kubelet", f"{host.bin}/kubectl"]
    assert result["archives"] == [f"{host.kept}/v1.18.20/kube-apiserver.tar"]
    assert result["source"] == f"{host.artifacts}/{TARBALL}"
    assert {path.name for path in host.bin.iterdir()} == {"kubelet", "kubectl"}
    assert {path.name for path in (host.kept / "v1.18.20").iterdir()} == {
        "release.json",
        "kube-apiserver.tar",
    }
    assert (host.bin / "kubelet").read_bytes() == program("kubelet", "v1.18.20")
    assert (host.bin / "kubelet").stat().st_mode & 0o777 == 0o755


def test_second_run_needs_no_tarball_and_changes_nothing(host: Host) -> None:
    host.run()
    (host.artifacts / TARBALL).unlink()
    result = host.run()
    assert (result["changed"], result["reasons"]) == (False, [])
    assert result["diff"]["before"] == result["diff"]["after"]


def test_changed_parts_are_replaced_and_the_others_left_alone(host: Host) -> None:
    host.run()
    os.truncate(host.bin / "kubelet", 10)
    (host.kept / "v1.18.20" / "kube-apiserver.tar").write_text("damaged")
    kubectl = (host.bin / "kubectl").stat().st_ino
    reasons = [
        f"kubelet in {host.bin} is not the one of v1.18.20",
        f"kube-apiserver.tar in {host.kept}/v1.18.20 is not the one of v1.18.20",
    ]
    assert host.check()["reasons"] == reasons
    assert host.run()["reasons"] == reasons
    assert (host.bin / "kubectl").stat().st_ino == kubectl
    assert not host.run()["changed"]


def test_part_that_is_wanted_later_is_added_to_the_record(host: Host) -> None:
    host.run()
    more = ["kube-apiserver", "kube-scheduler"]
    assert host.run(images=more)["reasons"] == [f"kube-scheduler.tar in {host.kept}/v1.18.20 is missing"]
    assert not host.run(images=more)["changed"]
    assert not host.run()["changed"]


def test_another_version_takes_the_place_of_ours(host: Host) -> None:
    host.run()
    host.publish("v1.18.21")
    result = host.run(version="v1.18.21")
    assert f"kubelet in {host.bin} is not the one of v1.18.21" in result["reasons"]
    assert (host.bin / "kubelet").read_bytes() == program("kubelet", "v1.18.21")
    assert host.check()["changed"]


def test_another_tarball_of_the_same_version_is_installed(host: Host) -> None:
    host.run()
    rebuilt = program("kubelet", "v1.18.20-k3s1", "rebuilt")
    host.publish("v1.18.20", kubelet=rebuilt)
    assert host.run()["changed"]
    assert (host.bin / "kubelet").read_bytes() == rebuilt


APISERVER = "kube-apiserver.tar"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"kubelet": program("kubelet", "v1.19.16")}, "kubelet is v1.19.16, wanted v1.18.20"),
        ({"kubelet": program("kubelet", "v1.18.2")}, "kubelet is v1.18.2, wanted v1.18.20"),
        ({"kubectl": program("kubectl", "v1.18.21")}, "kubectl is v1.18.21, wanted v1.18.20"),
        ({"kubelet": elf(183)}, "kubelet is for arm64, wanted for amd64"),
        ({"kubelet": elf(243)}, "kubelet is for machine 243, wanted for amd64"),
        (
            {"kubectl": b"#!/bin/sh\necho broken >&2; exit 3\n"},
            "kubectl does not say which version it is: broken",
        ),
        (
            {APISERVER: image("k8s.gcr.io/kube-apiserver-amd64:v1.19.16")},
            "kube-apiserver.tar holds k8s.gcr.io/kube-apiserver-amd64:v1.19.16 (amd64), wanted kube-apis",
        ),
        (
            {APISERVER: image("k8s.gcr.io/kube-apiserver:v1.18.20", "arm64")},
            "kube-apiserver.tar holds k8s.gcr.io/kube-apiserver:v1.18.20 (arm64), wanted kube-apiserver:v",
        ),
        ({APISERVER: b"no tar"}, "kube-apiserver.tar is no tar archive"),
    ],
)
def test_another_release_whose_sum_is_right_replaces_nothing(
    host: Host, files: dict[str, bytes], told: str
) -> None:
    host.run()
    there = {path: path.read_bytes() for path in host.root.rglob("*") if path.is_file()}
    host.publish("v1.18.20", **files)
    result = host.run()
    assert result["failed"]
    assert result["msg"].startswith(
        f"{host.artifacts}/{TARBALL} is not Kubernetes v1.18.20 for amd64: {told}"
    )
    assert "Nothing was replaced" in result["msg"]
    after = {path: path.read_bytes() for path in host.root.rglob("*") if path.is_file()}
    assert {path for path in there if there[path] != after[path]} == {
        host.artifacts / TARBALL,
        host.artifacts / "SHA512SUMS",
    }
    assert after.keys() == there.keys()


@pytest.mark.parametrize("foreign", ["file", "link"])
def test_program_of_somebody_else_is_refused_in_check_mode_too(host: Host, foreign: str) -> None:
    host.bin.mkdir()
    kubectl = host.bin / "kubectl"
    if foreign == "file":
        kubectl.write_text("theirs")
    else:
        kubectl.symlink_to("nowhere")
    for result in (host.check(), host.run()):
        assert f"{kubectl} was not installed by this collection" in result["msg"]
        assert "cluster_bin_dir" in result["msg"]
    assert list(host.bin.iterdir()) == [kubectl]
    assert foreign == "link" or kubectl.read_text() == "theirs"


def test_program_stays_ours_after_a_run_that_was_killed_half_way(host: Host) -> None:
    host.run()
    (host.bin / "kubectl").unlink()
    (host.bin / "kubelet").write_text("of an older release")
    assert len(host.run()["reasons"]) == 2


def test_wrong_checksum_changes_nothing_and_keeps_the_users_file(host: Host) -> None:
    good = hashlib.sha512((host.artifacts / TARBALL).read_bytes()).hexdigest()
    for result in (host.check(checksum="0" * 128), host.run(checksum="0" * 128)):
        assert result["failed"]
        assert f"{host.artifacts}/{TARBALL}" in result["msg"]
        assert good in result["msg"]
        assert f"cluster_release_checksum says {'0' * 128}" in result["msg"]
    assert (host.artifacts / TARBALL).exists()
    assert not host.bin.exists()


def test_given_checksum_wins_over_the_list(host: Host) -> None:
    checksum = host.publish("v1.18.20")
    (host.artifacts / "SHA512SUMS").write_text(f"{'0' * 128}  {TARBALL}\n")
    assert host.run(checksum=checksum.upper())["checksum"] == checksum


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": "http://127.0.0.1:9"}, "v1.18.20 is not known. Set cluster_release_checksum"),
        ({"url": "http://127.0.0.1:9", "checksum": "abc"}, "cluster_release_checksum is abc, not the 128"),
        ({"url": "ftp://mirror", "checksum": "0" * 128}, "ftp://mirror is no URL. Set cluster_release_url"),
        ({"version": "latest"}, "latest is no version. Set cluster_version"),
        ({"version": "../../etc"}, "../../etc is no version. Set cluster_version"),
        ({"images": ["kube-nothing"]}, "does not hold kubernetes/server/bin/kube-nothing.tar"),
        ({"artifacts": "/nowhere"}, "/nowhere/SHA512SUMS cannot be read (No such file or directory)"),
        ({"artifacts": "/nowhere", "checksum": "0" * 128}, f"/nowhere/{TARBALL} is missing"),
    ],
)
def test_bad_input_names_the_variable_and_leaves_nothing(
    host: Host, options: dict[str, Any], message: str
) -> None:
    before = {path for path in host.root.rglob("*") if path.is_file()}
    result = host.run(**options)
    assert result["failed"]
    assert message in result["msg"]
    assert {path for path in host.root.rglob("*") if path.is_file()} - {host.ledger} == before


def test_check_mode_needs_no_artifacts_and_no_network(host: Host) -> None:
    assert len(host.check(artifacts=f"{host.root}/later")["reasons"]) == 3
    assert len(host.check(artifacts=f"{host.root}/later", checksum="0" * 128)["reasons"]) == 3
    assert len(host.check(url="http://127.0.0.1:9", checksum="0" * 128)["reasons"]) == 3


def test_download_is_removed_once_installed(host: Host, mirror: str) -> None:
    checksum = host.publish("v1.18.20")
    result = host.run(url=mirror, checksum=checksum)
    assert result["downloaded_bytes"] == (host.artifacts / TARBALL).stat().st_size
    assert result["source"] == f"{mirror}/v1.18.20/{TARBALL}"
    assert {path.name for path in (host.kept / "v1.18.20").iterdir()} == {
        "release.json",
        "kube-apiserver.tar",
    }
    assert host.run(url=mirror, checksum=checksum)["downloaded_bytes"] == 0


def test_truncated_download_is_removed_and_nothing_is_installed(host: Host, mirror: str) -> None:
    checksum = host.publish("v1.18.20")
    os.truncate(host.artifacts / TARBALL, 100)
    result = host.run(url=mirror, checksum=checksum)
    assert f"but for {mirror}/v1.18.20/{TARBALL} cluster_release_checksum says {checksum}" in result["msg"]
    assert not host.bin.exists()
    assert list(host.kept.glob("*/*")) == []


def test_proxy_of_the_environment_is_used(host: Host, mirror: str) -> None:
    proxy = {"http_proxy": mirror, "no_proxy": ""}
    result = host.run(proxy, url="http://release.invalid", checksum="0" * 128)
    assert "http://release.invalid/v1.18.20" in result["msg"]
    assert "HTTP 404" in result["msg"]
