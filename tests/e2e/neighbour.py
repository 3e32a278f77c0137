"""Another host on the node's network, and the certificates it tries."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bare_node import Node

KNOCK = Path(__file__).with_name("knock.py")
NAME = "mink8s-neighbour"
PKI = "/etc/kubernetes/pki"
# What has a name that kube-apiserver trusts, from an authority that has no more than the right name.
MAKE = """
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.pem -out ca -days 1 -subj /CN=kubernetes
openssl req -newkey rsa:2048 -nodes -keyout wrong.key -out request -subj /O=system:masters/CN=kubernetes-admin
openssl x509 -req -in request -CA ca -CAkey ca.pem -set_serial 1 -days 1 -out wrong.crt
"""
# From now on a packet for its loopback goes to the node.
ASTRAY = """
ip route delete local 127.0.0.0/8 dev lo table local
ip route delete local 127.0.0.1 dev lo table local
ip route add 127.0.0.0/8 via {}
"""


def start(node: Node, directory: Path, *real: str) -> None:
    """Start it, with a certificate of a wrong authority and with real ones of the node."""
    subprocess.run(["sh", "-ec", MAKE], cwd=directory, check=True, capture_output=True)
    for name in real:
        for kind in ("crt", "key"):
            (directory / f"{name}.{kind}").write_text(node.run("cat", f"{PKI}/{name}.{kind}"))
    stop()
    command = ["docker", "run", "--detach", "--name", NAME, "--cap-add=NET_ADMIN", "--entrypoint=sleep"]
    more = ["--sysctl=net.ipv4.conf.all.route_localnet=1", f"--volume={directory}:/clients:ro"]
    image = "mink8s-node:bookworm"
    subprocess.run([*command, *more, image, "infinity"], check=True, capture_output=True)


def stop() -> None:
    """Remove it."""
    subprocess.run(["docker", "rm", "--force", NAME], check=True, capture_output=True)


def lead_astray(address: str) -> None:
    """Send what is for its own loopback to the node."""
    _run("sh", "-ec", ASTRAY.format(address))


def knocks(address: str, ports: list[int]) -> Any:
    """What each client gets at each port of the node."""
    script = KNOCK.read_text()
    return json.loads(_run("python3", "-c", script, address, *map(str, ports)))


def nobody_gets(address: str, paths: list[str]) -> Any:
    """What somebody without a certificate gets for paths of kube-apiserver."""
    return json.loads(_run("python3", "-c", KNOCK.read_text(), address, "6443", *paths))


def ports(node: Node) -> dict[int, set[str]]:
    """Every port on which a node listens, with the addresses."""
    rows = node.run("ss", "--listening", "--tcp", "--numeric", "--no-header").splitlines()
    found: dict[int, set[str]] = {}
    for row in rows:
        host, _colon, port = row.split()[3].rpartition(":")
        found.setdefault(int(port), set()).add(host)
    return found


def refuses(ports: Iterable[int]) -> dict[str, Any]:
    """What nobody, a wrong certificate and real ones of the other authority get at each port."""
    closed = dict.fromkeys(("nobody", "wrong", "admin", "apiserver-kubelet-client"), "ConnectionRefusedError")
    outside = {
        "6443": {"nobody": "403", "wrong": "401", "apiserver-kubelet-client": "401"},
        # Of what it does not have, the kubelet says so to everyone.
        "10250": dict.fromkeys(("nobody", "wrong", "admin"), "404 401"),
    }
    return {str(port): outside.get(str(port), closed) for port in ports}


def lets_in(got: dict[str, Any]) -> set[str]:
    """The ports that the right certificate opens, which are left without what it got there."""
    right = {"6443": "admin", "10250": "apiserver-kubelet-client"}
    return {port for port, name in right.items() if port in got and "200" in got[port].pop(name).split()}


def _run(*command: str) -> str:
    done = subprocess.run(
        ["docker", "exec", "--workdir=/clients", NAME, *command], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
