# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The artifacts all methods take, made once: a bundle, and another kubeadm where the release's crashes."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import archive
import equipment
import image
import node
import nodes
import release
from common import SandboxError, answers, cache, locked, logged, output, recipe, say, scratch

ON_HOST = "/srv/artifacts"
SCRIPTS = "/srv/bench"
OTHER_KUBEADM = "/srv/kubeadm"
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
# Debian's release of the library in place of the vendored one.
REFLECT = "golang-github-modern-go-reflect2-dev"
REFLECT_DIR = "github.com/modern-go/reflect2"


def inventory(directory: Path, names: list[str], variables: dict[str, Any]) -> Path:
    """An inventory of nodes, in that directory."""
    path = directory / "hosts.yml"
    group = {"hosts": {name: {} for name in names}, "vars": {**variables, **CONNECTION}}
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
        nodes.create(name, "docker")
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


def kubeadm(directory: Path, version: str) -> Path | None:
    """A kubeadm to use in place of the release's; None if that one works.

    1.20.2 vendors a reflect2 that is reported to panic if compiled with Go 1.18 or later, as the sandbox's
    release is. kubeadm then crashes when it writes the kubelet's configuration.
    """
    path = cache("bench", recipe(directory.parent.name, version), "kubeadm")
    with scratch() as work:
        with tarfile.open(next(directory.glob("kubernetes-server-linux-*.tar.gz"))) as tar:
            tar.extract("kubernetes/server/bin/kubeadm", work)
        ours = work / "kubernetes/server/bin/kubeadm"
        defaults = ("config", "print", "init-defaults", "--component-configs=KubeletConfiguration")
        if answers(str(ours), *defaults):
            return None
        if not path.exists():
            say("making a kubeadm that does not crash (two minutes)")
            _compile(work, version, path)
    if not answers(str(path), *defaults):
        raise SandboxError(
            f"kubeadm {version} of the release crashes, and so does {path}, made from its source"
        )
    return path


def _compile(work: Path, version: str, path: Path) -> None:
    """Compile kubeadm from the sandbox's source, which stays as it is, with Debian's reflect2."""
    source = cache("kubernetes")
    if not source.exists():
        raise SandboxError(f"kubeadm {version} crashes, and the sandbox has no source to make another from")
    with locked("release"):
        equipment.unpack(work / "library", REFLECT)
        library = work / "library/usr/share/gocode/src" / REFLECT_DIR
        volumes = (
            f"--volume={source}:/build",
            f"--volume={release.BUILD}:/build-kubernetes:ro",
            f"--volume={library}:/build/source/vendor/{REFLECT_DIR}:ro",
        )
        docker = ("docker", "run", "--rm", *volumes, image.name(release.SUITE))
        logged("kubeadm", *docker, "/build-kubernetes", version, "kubeadm")
        made = source / "source/_output/local/bin/linux" / archive.ARCHITECTURE / "kubeadm"
        shutil.copy(made, path)
