"""A release server whose connections do not last."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import bare_node
import pytest
from cluster import Cluster, Record, until

TARBALL = "kubernetes-server-linux-amd64.tar.gz"
INSTALLED = "/usr/local/bin/kubelet /usr/local/bin/kubectl /etc/kubernetes /var/lib/mink8s/v*/*.tar"


@dataclass
class Server:
    """A release server with one file. cuts: connections that are to end at the half; starts: of each."""

    tarball: Path
    url: str = ""
    cuts: int = 0
    goes_on: bool = False
    starts: list[int] = field(default_factory=list)

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """What answers the requests."""
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if not self.path.endswith(TARBALL):
                    self.send_error(404)
                    return
                asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
                start = int(asked[1]) if asked and server.goes_on else 0
                length = server.tarball.stat().st_size - start
                server.starts.append(start)
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(length))
                self.end_headers()
                server.cuts -= 1
                with server.tarball.open("rb") as stream:
                    stream.seek(start)
                    left = length // 2 if server.cuts >= 0 else length
                    while left and (block := stream.read(min(left, 1 << 20))):
                        self.wfile.write(block)
                        left -= len(block)

        return Handler


@pytest.fixture()
def server(node: Any, offline: dict[str, Any]) -> Iterator[Server]:
    """A release server that the node reaches."""
    gateway = node.run("sh", "-c", "ip -4 route show default").split()[2]
    made = Server(Path(offline["cluster_artifacts"], TARBALL))
    listener = ThreadingHTTPServer((gateway, 0), made.handler())
    made.url = f"http://{gateway}:{listener.server_address[1]}"
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    yield made
    listener.shutdown()
    listener.server_close()
    thread.join()


def test_cut_off(node: Any, server: Server, offline: dict[str, Any], record: Record) -> None:
    sums = Path(offline["cluster_artifacts"], "SHA512SUMS").read_text().splitlines()
    variables = {
        "cluster_version": offline["cluster_version"],
        "cluster_release_url": server.url,
        "cluster_release_checksum": next(line.split()[0] for line in sums if line.endswith(TARBALL)),
    }
    server.cuts = 99
    said = node.playbook("site.yml", **variables)
    assert said.returncode != 0
    assert "the connection broke off 3 times" in said.stdout
    assert "Run again to go on from there." in said.stdout
    assert server.starts == [0, 0, 0]
    assert node.run("sh", "-c", f"ls -d {INSTALLED} 2>/dev/null || true") == ""
    server.cuts, server.goes_on = 1, True
    with record("download cut off"):
        made = node.playbook("site.yml", **variables)
        assert made.returncode == 0, made.stdout + made.stderr
        ended, cluster = time.time(), Cluster(node, record)
        until(node, "Ready after the run", lambda: cluster.not_ready(ended))
    assert 0 < server.starts[3] < server.starts[4]
    assert len(server.starts) == 5
    assert bare_node.changed(node.playbook("site.yml", **variables)) == []
