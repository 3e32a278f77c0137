# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Talk to the host's etcd through the JSON side of its API, which needs no client."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import IO
from urllib.parse import urlsplit

from ansible_collections.mink8s.kubernetes.plugins.module_utils import _no_answer

ENDPOINT = "http://127.0.0.1:2379"


class EtcdError(Exception):
    """etcd does not answer, or not with what was asked for."""


class Etcd:
    """An etcd that asks for no credentials."""

    def __init__(self, endpoint: str, timeout: int) -> None:
        """timeout: seconds to wait for an answer, and for its next byte. Raises EtcdError for no URL."""
        self.endpoint = endpoint.rstrip("/")
        self._timeout = timeout
        address = urlsplit(self.endpoint)
        if address.scheme != "http" or not address.hostname:
            raise EtcdError(f"{endpoint!r} is no address of etcd. Set endpoint to one like {ENDPOINT}.")
        self._host, self._port = address.hostname, address.port

    def version(self) -> str:
        """The version of the etcd that answers. Raises EtcdError."""
        with self._answer("GET", "/version") as answer:
            return str(json.loads(answer.read())["etcdserver"])

    def unhealthy(self) -> list[str]:
        """One line that says why etcd is not healthy; empty if it is."""
        try:
            with self._answer("GET", "/health", HTTPStatus.SERVICE_UNAVAILABLE) as answer:
                health = json.loads(answer.read())
                if health["health"] == "true":
                    return []
        except EtcdError as error:
            return [str(error)]
        return [f"etcd at {self.endpoint} is not healthy: {json.dumps(health)}"]

    def save(self, stream: IO[bytes]) -> None:
        """Write a snapshot to a stream. Raises EtcdError, or OSError where the stream takes no more."""
        with self._answer("POST", "/v3/maintenance/snapshot") as answer:
            for line in answer:
                message = json.loads(line)
                if "result" not in message:
                    raise EtcdError(f"etcd at {self.endpoint} broke the snapshot off: {message}")
                stream.write(base64.b64decode(message["result"]["blob"]))

    @contextmanager
    def _answer(self, method: str, path: str, *fine: HTTPStatus) -> Iterator[HTTPResponse]:
        # Never through a proxy: this is the host's own etcd.
        connection = HTTPConnection(self._host, self._port, timeout=self._timeout)
        try:
            try:
                connection.request(method, path, "{}" if method == "POST" else None)
                answer = connection.getresponse()
            except (OSError, HTTPException) as error:
                raise EtcdError(
                    f"etcd at {self.endpoint} does not answer: {_no_answer.words(error)}"
                ) from error
            if answer.status not in (HTTPStatus.OK, *fine):
                raise EtcdError(f"etcd at {self.endpoint} answered HTTP {answer.status} {answer.reason}")
            yield answer
        except (ConnectionError, socket.timeout, HTTPException) as error:
            raise EtcdError(
                f"etcd at {self.endpoint} broke its answer off: {_no_answer.words(error)}"
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise EtcdError(f"{self.endpoint} answered what etcd does not: {error}") from error
        finally:
            connection.close()
