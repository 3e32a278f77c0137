"""What is told of a container runtime is what it says itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys

MODULE = "ansible_collections.mink8s.kubernetes.plugins.modules.container_runtime_info"


def docker(*arguments: str) -> str:
    return subprocess.run(
        ["docker", *arguments], check=True, text=True, stdout=subprocess.PIPE
    ).stdout.strip()


def test_a_running_one_is_asked() -> None:
    done = subprocess.run(
        [sys.executable, "-m", MODULE],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": {}}),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
        stdout=subprocess.PIPE,
        check=False,
    )
    told = json.loads(done.stdout)
    assert (told["changed"], told["name"], told["running"]) == (False, "Docker", True)
    assert told["version"] == docker("version", "--format", "{{.Server.Version}}")
    assert told["cgroup_driver"] == docker("info", "--format", "{{.CgroupDriver}}")
    assert told["host_address"].count(".") == 3
