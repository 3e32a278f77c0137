"""The files of a cluster, rendered from the roles' templates and variables by Ansible itself."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
MANIFESTS = "/etc/kubernetes/manifests"
HOST = {"cluster_node_name": "host-1", "cluster_address": "192.0.2.7"}
# What the modules that run before would have returned.
REGISTERED = {
    "__kubelet_engine": {"cgroup_driver": "systemd"},
    "__preflight_host": {"resolv_conf": ""},
}


class Rendered(dict[str, str]):
    """The contents of the files of one cluster, by path."""

    def document(self, path: str) -> dict[str, Any]:
        """The YAML document in a file."""
        document: dict[str, Any] = yaml.safe_load(self[path])
        return document

    def apiserver(self) -> list[str]:
        """The command line of kube-apiserver."""
        pod = self.document(f"{MANIFESTS}/kube-apiserver.yaml")
        command: list[str] = pod["spec"]["containers"][0]["command"]
        return command

    def kubelet(self) -> list[str]:
        """The command line of the kubelet."""
        unit = self["/etc/systemd/system/kubelet.service"].replace("\\\n", " ")
        (start,) = (line for line in unit.splitlines() if line.startswith("ExecStart="))
        return shlex.split(start.removeprefix("ExecStart="))


def variables(role: str, kind: str) -> dict[str, Any]:
    """The variables in a role's defaults or vars."""
    content: dict[str, Any] = yaml.safe_load((ROOT / "roles" / role / kind / "main.yml").read_text())
    return content


def given(role: str) -> dict[str, Any]:
    """The variables with which the role cluster calls another."""
    tasks = yaml.safe_load((ROOT / "roles/cluster/tasks/main.yml").read_text())
    for task in [inner for outer in tasks for inner in outer.get("block", [outer])]:
        if task.get("ansible.builtin.import_role", {}).get("name") == f"mink8s.kubernetes.{role}":
            called: dict[str, Any] = task["vars"]
            return called
    raise LookupError(role)


def play(name: str, user: dict[str, Any]) -> dict[str, Any]:
    """A play that writes down what the roles would write to a host; later variables win, as in Ansible."""
    sources = [
        *(variables(role, "defaults") for role in ("cluster", "control_plane", "kubelet")),
        *(variables(role, "vars") for role in ("release", "cluster", "control_plane", "kubelet")),
        *(given(role) for role in ("control_plane", "kubelet")),
        REGISTERED,
        HOST,
        user,
    ]
    files = "{{ __control_plane_files + [__kubelet_unit, __kubelet_config] }}"
    return {
        "hosts": "localhost",
        "gather_subset": ["!all", "!min", "platform", "dns", "network"],
        "vars": {key: value for source in sources for key, value in source.items()},
        "tasks": [
            {"ansible.builtin.copy": {"content": files, "dest": f"{{{{ playbook_dir }}}}/{name}.json"}}
        ],
    }


def render(clusters: dict[str, dict[str, Any]], directory: Path) -> dict[str, Rendered]:
    """Each cluster as the roles would write it to a host.

    clusters: the user's variables of each. directory: an empty one to work in.
    """
    (directory / "templates").mkdir()
    for role in ("control_plane", "kubelet"):
        for template in (ROOT / "roles" / role / "templates").iterdir():
            (directory / "templates" / template.name).symlink_to(template)
    playbook = directory / "render.yml"
    playbook.write_text(yaml.safe_dump([play(name, user) for name, user in clusters.items()]))
    program = Path(sys.executable).with_name("ansible-playbook")
    interpreter = f"ansible_python_interpreter={sys.executable}"
    done = subprocess.run(
        [program, "-i", "localhost,", "-c", "local", "-e", interpreter, playbook],
        env={**os.environ, "ANSIBLE_GATHERING": "smart"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {
        name: Rendered(
            (file["path"], file["content"])
            for file in yaml.safe_load((directory / f"{name}.json").read_text())
        )
        for name in clusters
    }
