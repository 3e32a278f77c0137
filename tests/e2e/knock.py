"""Knocks at the ports of a host, and prints in JSON what each client got there.

ADDRESS [PORT]...: nobody, and each pair NAME.crt and NAME.key in the current directory, ask for some paths.
ADDRESS PORT [PATH]...: nobody asks for these paths.
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
            answer = tls.recv(100).split()
            return answer[1].decode() if answer else "closed"
    except OSError as error:
        return type(error).__name__


def knock(address: str, port: int, client: str, *paths: str) -> str:
    """All that a client gets at a port, or why it does not get to it."""
    got = []
    for path in paths:
        try:
            stream = socket.create_connection((address, port), timeout=3)
        except OSError as error:
            return type(error).__name__
        with stream:
            got.append(ask(stream, path, client))
    return " ".join(dict.fromkeys(got))


def main(host: str, *more: str) -> None:
    """Knock, and print what was got."""
    with ThreadPoolExecutor(32) as pool:
        if more[1:] and more[1].startswith("/"):
            port, *paths = more
            one = {path: pool.submit(knock, host, int(port), "", path) for path in paths}
            print(json.dumps({path: got.result() for path, got in one.items()}))
            return
        clients = ["", *sorted(path.stem for path in Path().glob("*.crt"))]
        asked = {
            port: {name or "nobody": pool.submit(knock, host, int(port), name, *PATHS) for name in clients}
            for port in more
        }
        results = {port: {name: each.result() for name, each in got.items()} for port, got in asked.items()}
        print(json.dumps(results))


main(*sys.argv[1:])
