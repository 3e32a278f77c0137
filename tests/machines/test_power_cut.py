"""A host that loses its power while the API is written to: what was acknowledged is there afterwards."""

from __future__ import annotations

import random
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import bare_machine
import objects
import pytest
from bare_machine import Machine
from bare_node import changed, shell

CUTS = 10
# Writes ConfigMaps through `kubectl proxy`, and says which kube-apiserver has acknowledged.
WRITE = """
import http.client, itertools, json, subprocess, sys
proxy = subprocess.Popen(["kubectl", "proxy", "--port=0"], stdout=subprocess.PIPE, text=True)
address = proxy.stdout.readline().rpartition(" ")[2].strip()
connection = http.client.HTTPConnection(address)
for number in itertools.count():
    name = f"{sys.argv[1]}-{number}"
    document = json.dumps({"metadata": {"name": name}})
    connection.request("POST", "/api/v1/namespaces/default/configmaps", document)
    answer = connection.getresponse()
    assert answer.status == 201, answer.read()
    answer.read()
    print(name, flush=True)
"""


@pytest.fixture(scope="module")
def host(given: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine with a cluster."""
    with bare_machine.bare("mink8s-power", given, tmp_path_factory.mktemp("inventory"), "bookworm") as host:
        assert changed(host.playbook("site.yml"))
        yield host


def came_back(host: Machine) -> bool:
    """Whether the node says that it is Ready, and that the kernel that runs is the one it runs on."""
    paths = '{.items[0].status.nodeInfo.bootID} {.items[0].status.conditions[?(@.type=="Ready")].status}'
    told = host.run("kubectl", "get", "nodes", "--output", f"jsonpath={paths}", check=False)
    booted = host.run("cat", "/proc/sys/kernel/random/boot_id", check=False).strip()
    return bool(booted) and told.split() == [booted, "True"]


@pytest.mark.parametrize("cut", range(CUTS))
def test_acknowledged_writes(host: Machine, cut: int) -> None:
    acknowledged: set[str] = set()
    with subprocess.Popen(
        host.command("python3", "-c", WRITE, f"cut-{cut}"), stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout
        acknowledged.add(writer.stdout.readline().strip())

        def cut_power() -> None:
            host.power_off()
            # It would wait for an answer.
            writer.kill()

        timer = threading.Timer(random.uniform(0, 10), cut_power)
        timer.start()
        acknowledged.update(line.strip() for line in writer.stdout if line.endswith("\n"))
        timer.join()
    host.power_on()
    objects.until(host, lambda: came_back(host), "the node is Ready", seconds=600)
    names = set(shell(host, "kubectl get configmaps --output name").split())
    assert {f"configmap/{name}" for name in acknowledged} <= names
    assert changed(host.playbook("site.yml")) == []
