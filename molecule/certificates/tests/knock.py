"""Knocks at the ports of a host: ADDRESS [PORT]... prints what each client got there, in JSON.

The clients are nobody, and each pair NAME.crt and NAME.key in the current directory.
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PATHS = ("/", "/api/v1/secrets", "/metrics", "/pods", "/logs/", "/configz", "/debug/pprof/")


def ask(stream: socket.socket, path: str, client: str) -> str:
    """The status of an answer; what went wrong with TLS otherwise."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if client:
        context.load_cert_chain(f"{client}.crt", f"{client}.key")
    try:
        with context.wrap_socket(stream) as tls:
            tls.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            return tls.recv(100).split()[1].decode()
    except ssl.SSLError as error:
        return type(error).__name__


def knock(address: str, port: int, client: str) -> str:
    """All that a client gets at a port, or why it does not get to it."""
    got = []
    for path in PATHS:
        try:
            stream = socket.create_connection((address, port), timeout=3)
        except OSError as error:
            return type(error).__name__
        with stream:
            got.append(ask(stream, path, client))
    return " ".join(dict.fromkeys(got))


host, *ports = sys.argv[1:]
clients = ["", *sorted(path.stem for path in Path().glob("*.crt"))]
with ThreadPoolExecutor(32) as pool:
    asked = {
        port: {name or "nobody": pool.submit(knock, host, int(port), name) for name in clients}
        for port in ports
    }
    print(
        json.dumps({port: {name: each.result() for name, each in got.items()} for port, got in asked.items()})
    )
