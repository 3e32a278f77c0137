# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The artifacts all methods take, made once: a bundle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import node
import nodes
from common import cache, logged, output, recipe, say, scratch

ON_HOST = "/srv/artifacts"
SCRIPTS = "/srv/bench"
CONNECTION = {
    "ansible_connection": "community.docker.docker",
    "ansible_python_interpreter": "/usr/bin/python3",
    "ansible_user": "root",
}
MERGE = """
import json, sys
path = "/etc/docker/daemon.json"
settings = {**json.load(open(path)), **json.loads(sys.argv[1])}
json.dump(settings, open(path, "w"))
"""


def inventory(directory: Path, names: list[str], variables: dict[str, Any], joined: bool = False) -> Path:
    """An inventory of nodes, in that directory. joined: whether all others join the cluster of the first."""
    path = directory / "hosts.yml"
    others = {"cluster_control_plane": names[0]} if joined else {}
    group = {
        "hosts": {name: others if name != names[0] else {} for name in names},
        "vars": {**variables, **CONNECTION},
    }
    path.write_text(json.dumps({"mink8s": group}))
    return path


def bundle(variables: dict[str, Any], playbook: Path) -> Path:
    """The directory of artifacts that the variables name, or a bundle that the playbook makes with them."""
    if "cluster_artifacts" in variables:
        return Path(variables["cluster_artifacts"])
    directory = cache("bench", recipe(json.dumps(variables, sort_keys=True)), "artifacts")
    if directory.exists():
        return directory
    say("making a bundle of artifacts (half a minute and what there is to fetch)")
    name = nodes.NAME
    with scratch() as work:
        nodes.create(name, "docker", "docker")
        settings = json.dumps(variables.get("cluster_docker_settings", {}))
        output("docker", "exec", name, "python3", "-c", MERGE, settings)
        output("docker", "exec", name, "systemctl", "restart", "docker")
        hosts = inventory(work, [name], variables)
        where = json.dumps({"bundle_host": name, "bundle_dir": ON_HOST})
        logged("bundle", "ansible-playbook", "-i", str(hosts), "-e", where, str(playbook))
        output("docker", "cp", f"{name}:{ON_HOST}", str(work))
        (work / Path(ON_HOST).name).rename(directory)
        node.remove(name)
    return directory
