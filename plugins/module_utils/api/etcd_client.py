# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Talk to the host's etcd through the JSON side of its API, which needs no client."""

from __future__ import annotations

import base64
import json
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import no_answer

ENDPOINT = "http://127.0.0.1:2379"
MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"


class EtcdError(Exception):
    """etcd does not answer, or not with what was asked for."""


@dataclass(frozen=True)
class Access:
    """Where etcd answers, and the files with which a client is let in; none if it asks for nothing."""

    endpoint: str = ENDPOINT
    authority: str = ""
    certificate: str = ""
    key: str = ""


def access(manifest: str | Path) -> Access:
    """How a kube-apiserver reaches its etcd, from its manifest. The article's way if there is none.

    Raises OSError where it can't be read.
    """
    try:
        text = Path(manifest).read_text(errors="replace")
    except FileNotFoundError:
        return Access()
    flags = dict(re.findall(r"^\s*- [\"']?--etcd-(\w+)=([^\s\"']+)", text, re.MULTILINE))
    files = (flags.get(name, "") for name in ("cafile", "certfile", "keyfile"))
    return Access(flags.get("servers", ENDPOINT), *files)


class Etcd:
    """The host's etcd."""

    def __init__(self, way: Access, timeout: int) -> None:
        """timeout: seconds to wait for an answer, and for its next byte. Raises EtcdError for no URL."""
        self.endpoint = way.endpoint.rstrip("/")
        self._way, self._timeout = way, timeout
        address = urlsplit(self.endpoint)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise EtcdError(f"{way.endpoint!r} is no address of etcd. Set endpoint to one like {ENDPOINT}.")
        self._secure, self._host, self._port = address.scheme == "https", address.hostname, address.port

    def version(self) -> str:
        """The version of the etcd that answers. Raises EtcdError."""
        with self._answer("GET", "/version") as answer:
            return str(json.loads(answer.read())["etcdserver"])

    def text(self, path: str) -> str:
        """What it answers to whoever asks for a path. Raises EtcdError."""
        with self._answer("GET", path, HTTPStatus.SERVICE_UNAVAILABLE) as answer:
            return answer.read().decode(errors="replace")

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

    def _connection(self) -> HTTPConnection:
        """Never through a proxy: this is the host's own etcd."""
        if not self._secure:
            return HTTPConnection(self._host, self._port, timeout=self._timeout)
        try:
            context = ssl.create_default_context(cafile=self._way.authority or None)
            if self._way.certificate:
                context.load_cert_chain(self._way.certificate, self._way.key or None)
        except OSError as error:
            files = ", ".join(filter(None, (self._way.authority, self._way.certificate, self._way.key)))
            raise EtcdError(
                f"{files} can't be used for etcd at {self.endpoint}: {error.strerror or error}"
            ) from error
        return HTTPSConnection(self._host, self._port, timeout=self._timeout, context=context)

    @contextmanager
    def _answer(self, method: str, path: str, *fine: HTTPStatus) -> Iterator[HTTPResponse]:
        connection = self._connection()
        try:
            try:
                connection.request(method, path, "{}" if method == "POST" else None)
                answer = connection.getresponse()
            except (OSError, HTTPException) as error:
                raise EtcdError(
                    f"etcd at {self.endpoint} does not answer: {no_answer.words(error)}"
                ) from error
            if answer.status not in (HTTPStatus.OK, *fine):
                raise EtcdError(f"etcd at {self.endpoint} answered HTTP {answer.status} {answer.reason}")
            yield answer
        except (ConnectionError, socket.timeout, HTTPException) as error:
            raise EtcdError(
                f"etcd at {self.endpoint} broke its answer off: {no_answer.words(error)}"
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise EtcdError(f"{self.endpoint} answered what etcd does not: {error}") from error
        finally:
            connection.close()
