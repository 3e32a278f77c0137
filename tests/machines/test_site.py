"""A cluster on a stock Debian with cgroup v2 and AppArmor, made over SSH as a user with a password."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bare_machine
import pytest
from bare_machine import Machine
from bare_node import changed, shell

SYSTEMS = [("bookworm", "docker"), ("bookworm", "containerd")]


@pytest.fixture(scope="module", params=SYSTEMS, ids="-".join)
def host(
    request: pytest.FixtureRequest, given: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    """A machine of a suite, whose cluster is to have a container runtime."""
    suite, runtime = request.param
    variables = {**given, "cluster_container_runtime": runtime}
    directory = tmp_path_factory.mktemp("inventory")
    with bare_machine.bare(f"mink8s-{suite}-{runtime}", variables, directory, suite) as host:
        yield host


def test_a_cluster_comes_up_and_a_second_run_changes_nothing(host: Machine) -> None:
    assert "cgroup2fs" in host.run("stat", "--file-system", "--format", "%T", "/sys/fs/cgroup")
    assert changed(host.playbook("site.yml"))
    assert " Ready " in shell(host, "kubectl get nodes")
    assert changed(host.playbook("site.yml")) == []
