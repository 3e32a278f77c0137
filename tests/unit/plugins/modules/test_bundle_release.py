"""A release gets into a bundle once, whole, and with its sum."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

TARBALL = "kubernetes-server-linux-amd64.tar.gz"
CONTENT = os.urandom(100_000)
CHECKSUM = hashlib.sha512(CONTENT).hexdigest()


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A release server."""
    directory = tmp_path / "server" / "v1.18.20"
    directory.mkdir(parents=True)
    (directory / TARBALL).write_bytes(CONTENT)
    handler = partial(SimpleHTTPRequestHandler, directory=str(directory.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def run(bundle: Path, url: str, checksum: str = CHECKSUM, check: bool = False) -> dict[str, Any]:
    """The module's result."""
    arguments = {"directory": str(bundle), "version": "v1.18.20", "architecture": "amd64", "url": url}
    arguments.update(checksum=checksum, _ansible_check_mode=check)
    done = subprocess.run(
        [sys.executable, "-m", "ansible_collections.mink8s.kubernetes.plugins.modules.bundle_release"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "no_proxy": "127.0.0.1"},
        text=True,
        stdout=subprocess.PIPE,
        check=False,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_a_release_is_fetched_once(tmp_path: Path, url: str) -> None:
    bundle = tmp_path / "bundle"
    assert run(bundle, url, check=True)["reasons"] == [f"{TARBALL} in {bundle} is missing"]
    assert not bundle.exists()
    assert run(bundle, url)["changed"] is True
    assert (bundle / TARBALL).read_bytes() == CONTENT
    assert f"{CHECKSUM}  {TARBALL}\n" in (bundle / "SHA512SUMS").read_text()
    # Nobody answers there, so nothing is asked for.
    assert run(bundle, "http://127.0.0.1:9")["changed"] is False


def test_a_damaged_release_is_fetched_again(tmp_path: Path, url: str) -> None:
    run(tmp_path, url)
    (tmp_path / TARBALL).write_bytes(CONTENT[:-1])
    assert run(tmp_path, url)["reasons"] == [f"{TARBALL} in {tmp_path} is not what SHA512SUMS says"]
    assert (tmp_path / TARBALL).read_bytes() == CONTENT


def test_a_release_that_is_not_what_it_should_be_does_not_get_in(tmp_path: Path, url: str) -> None:
    bundle = tmp_path / "bundle"
    result = run(bundle, url, checksum="0" * 128)
    assert result["failed"]
    assert "cluster_release_checksum" in result["msg"]
    assert list(bundle.iterdir()) == []


def test_a_release_whose_sum_nobody_knows_is_refused(tmp_path: Path, url: str) -> None:
    result = run(tmp_path / "bundle", url, checksum="")
    assert result["failed"]
    assert "Set cluster_release_checksum" in result["msg"]
