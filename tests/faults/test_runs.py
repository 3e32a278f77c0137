"""site.yml, killed wherever it happens to be, and run again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bare_node
import pytest
from cluster import Cluster, Record, made, until

# With pipelining a module is read by an interpreter that has no arguments.
MODULES = "pgrep --full --exact /usr/bin/python3"


@contextmanager
def running(node: Any, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """site.yml in a process group of its own."""
    command = ["ansible-playbook", "-i", str(node.inventory), str(bare_node.ROOT / "playbooks" / "site.yml")]
    with (
        log.open("ab") as stream,
        subprocess.Popen(
            command, cwd=bare_node.ROOT, stdout=stream, stderr=stream, start_new_session=True
        ) as run,
    ):
        yield run


@pytest.fixture(scope="module")
def duration(fresh: Callable[[], Any], record: Record) -> float:
    """Seconds that site.yml takes on a bare host."""
    node = fresh()
    began = time.monotonic()
    made(node, record)
    return time.monotonic() - began


@pytest.mark.parametrize("point", range(10))
def test_killed(
    point: int,
    duration: float,
    fresh: Callable[[], Any],
    record: Record,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    chance = random.Random(f"{request.config.getoption('seed')}-{point}")
    first = chance.uniform(0, duration)
    second = chance.uniform(0, duration - first)
    node, log = fresh(), tmp_path / "log"
    with running(node, log) as run:
        time.sleep(first)
        os.killpg(run.pid, signal.SIGKILL)
    with running(node, log) as run:
        time.sleep(second)
        while not (modules := node.run("sh", "-c", f"{MODULES} || true").split()) and run.poll() is None:
            time.sleep(0.05)
        node.run("kill", "-9", *modules, check=False)
    cluster = Cluster(node, record)
    survivor = "kubectl create configmap survivor --from-literal=number=survivor 2>/dev/null || true"
    if "created" in node.run("sh", "-c", survivor):
        cluster.acknowledged["survivor"] = "survivor"
    print(f"killed after {first:.1f} s and {second:.1f} s; processes of modules: {modules}")
    print(log.read_text())
    with record("killed run"):
        again = node.playbook("site.yml")
        assert again.returncode == 0, again.stdout + again.stderr
        ended = time.time()
        until(node, "Ready after the run", lambda: cluster.not_ready(ended))
    assert cluster.lost() == []
    assert bare_node.changed(node.playbook("site.yml")) == []
