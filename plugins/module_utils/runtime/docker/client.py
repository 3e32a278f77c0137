# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The API of Docker, asked over its socket, which costs a tenth of what a docker command does."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlencode

from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    ContainerRuntimeError,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import no_answer

# Where the kubelet looks for it, too.
SOCKET = "/var/run/docker.sock"
# Seconds for an answer, and for one that comes when the work is done: loading, pulling and stopping.
SHORT, LONG = 30, 1800
BLOCK = 1 << 20


class MissingError(ContainerRuntimeError):
    """There is no such container or image."""


class _Connection(HTTPConnection):
    def connect(self) -> None:
        """Open the connection to the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(SOCKET)


def get(path: str, **query: str | int) -> Any:
    """An answer. Raises MissingError and ContainerRuntimeError."""
    return _parsed(read(path, **query))


def read(path: str, **query: str | int) -> bytes:
    """An answer that is not JSON. Raises as get does."""
    with _answer("GET", path, query, SHORT) as answer:
        return answer.read()


def download(path: str, target: str) -> None:
    """Write an answer into a file. Raises as get does, also if it can't be written, and OSError."""
    with Path(target).open("wb") as stream, _answer("GET", path, {}, LONG) as answer:
        for piece in iter(lambda: answer.read(BLOCK), b""):
            try:
                stream.write(piece)
            except OSError as error:
                raise ContainerRuntimeError(f"{target} can't be written: {error.strerror}") from error


def post(path: str, body: object = None, seconds: int = LONG, **query: str | int) -> Any:
    """Have something done. Returns what is told of it, None if that is nothing. Raises as get does."""
    content = b"" if body is None else json.dumps(body).encode()
    with _answer("POST", path, query, seconds, content, {"Content-Type": "application/json"}) as answer:
        told = answer.read()
    return _parsed(told) if told.strip() else None


def stream(
    path: str, body: IO[bytes] | None = None, headers: Mapping[str, str] | None = None, **query: str | int
) -> None:
    """Have something done that tells how it goes. Raises as get does, also for what goes wrong on the way."""
    with _answer("POST", path, query, LONG, body, headers or {}) as answer:
        for line in answer.read().splitlines():
            told = _parsed(line) if line.strip() else {}
            if "error" in told:
                raise ContainerRuntimeError(f"Docker: {told['error']}")


def delete(path: str, **query: str | int) -> None:
    """Remove something. Raises as get does."""
    with _answer("DELETE", path, query, LONG) as answer:
        answer.read()


@contextmanager
def _answer(
    method: str,
    path: str,
    query: Mapping[str, str | int],
    seconds: int,
    body: bytes | IO[bytes] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Iterator[HTTPResponse]:
    url = f"{path}?{urlencode(query)}" if query else path
    with closing(_Connection("docker", timeout=seconds, blocksize=BLOCK)) as connection:
        try:
            connection.request(method, url, body, headers or {})
            answer = connection.getresponse()
            if answer.status >= HTTPStatus.BAD_REQUEST:
                kind = MissingError if answer.status == HTTPStatus.NOT_FOUND else ContainerRuntimeError
                raise kind(f"Docker: {_message(answer)}")
            yield answer
        except (OSError, HTTPException) as error:
            raise ContainerRuntimeError(
                f"Docker does not answer at {SOCKET}: {no_answer.words(error)}"
            ) from error


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError as error:
        raise ContainerRuntimeError(f"Docker answers at {SOCKET} with what is no JSON: {error}") from error


def _message(answer: HTTPResponse) -> str:
    content = answer.read()
    try:
        return str(json.loads(content)["message"]).strip()
    except (ValueError, KeyError, TypeError):
        return f"HTTP {answer.status} {answer.reason}"
