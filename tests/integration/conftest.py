"""Starts the servers once for all tests, and shows their logs where a test fails."""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kubernetes import client

sys.path.insert(0, str(Path(__file__).parent))

from servers import Apiserver, Artifacts, Etcd, Server, configure

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

SERVERS = pytest.StashKey[list[Server]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        servers = item.config.stash.get(SERVERS, [])
        report.sections += [(f"end of {server.log}", server.last_lines()) for server in servers]
    return report


@pytest.fixture(scope="session")
def artifacts() -> Artifacts:
    """The release that the tests run against."""
    return Artifacts.chosen()


@pytest.fixture(scope="session")
def run(request: pytest.FixtureRequest) -> Iterator[Callable[[Server], Server]]:
    """Starts a server and ends it after the last test."""
    servers = request.config.stash.setdefault(SERVERS, [])

    def start(server: Server) -> Server:
        servers.append(server)
        server.start()
        return server

    yield start
    for server in reversed(servers):
        server.stop()


@pytest.fixture(scope="session")
def etcd(
    artifacts: Artifacts, run: Callable[[Server], Server], tmp_path_factory: pytest.TempPathFactory
) -> Etcd:
    """An etcd that asks for certificates, which is what kube-apiserver shows in all these tests."""
    directory = tmp_path_factory.mktemp("etcd")
    configure(directory, "certificates")
    server = Etcd(artifacts.unpack_etcd(directory), directory / "etcd.log", directory / "pki")
    run(server)
    return server


@pytest.fixture(scope="session")
def start_apiserver(
    artifacts: Artifacts,
    etcd: Etcd,
    run: Callable[[Server], Server],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], Apiserver]:
    """Gives a running kube-apiserver with that authentication."""
    program = artifacts.unpack_apiserver(tmp_path_factory.mktemp("kube-apiserver"))
    running: dict[str, Apiserver] = {}

    def start(authentication: str) -> Apiserver:
        if authentication not in running:
            directory = tmp_path_factory.mktemp(authentication)
            running[authentication] = Apiserver(program, authentication, etcd, directory)
            run(running[authentication])
        return running[authentication]

    return start


@pytest.fixture(scope="session")
def apiserver(artifacts: Artifacts, start_apiserver: Callable[[str], Apiserver]) -> Apiserver:
    """A kube-apiserver as the collection runs this version."""
    return start_apiserver(artifacts.authentication)


@pytest.fixture(scope="session")
def tls_apiserver(start_apiserver: Callable[[str], Apiserver]) -> Apiserver:
    """A kube-apiserver with TLS, client certificates and RBAC, which any version can have."""
    return start_apiserver("certificates")


@pytest.fixture(scope="session")
def new_namespace(apiserver: Apiserver) -> Callable[[], str]:
    """Makes a namespace nobody has used."""
    numbers = count(1)

    def make() -> str:
        name = f"namespace-{next(numbers)}"
        apiserver.core().create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=name)))
        return name

    return make


@pytest.fixture
def namespace(new_namespace: Callable[[], str]) -> str:
    """A namespace nobody has used."""
    return new_namespace()
