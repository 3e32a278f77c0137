"""The files of a cluster, rendered from the roles' templates and variables by Ansible itself.

`python tests/rendering.py DIR` writes those of every release and mode into DIR, for `diff -r` with those of
another commit, and prints their SHA-256 as tests/unit/rendered.sha256 has them.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
MANIFESTS = "/etc/kubernetes/manifests"
FACTS = {"nodename": "host-1", "default_ipv4": {"address": "192.0.2.7"}}
HOST = {"cluster_node_name": "host-1", "cluster_address": "192.0.2.7"}
# The roles that write what is rendered, the last with some container runtimes alone.
ROLES = ("credentials", "control_plane", "kubelet", "pod_network")
# The modes in which a release can run, by what it offers when no mode is asked for.
MODES: dict[str, dict[str, dict[str, Any]]] = {
    "none": {
        "exact": {"cluster_article_exact": True},
        "none": {"cluster_authentication": "none"},
        "certificates": {"cluster_authentication": "certificates"},
    },
    "certificates": {"certificates": {"cluster_authentication": "certificates"}},
}
COMPONENTS = {
    "article": ["etcd", "kube-apiserver"],
    "all": ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "coredns"],
}


def fingerprint(name: str) -> str:
    """Stands for a certificate's own, which is another on each host."""
    return hashlib.sha256(name.encode()).hexdigest()


# What the modules that run before would have returned.
CERTIFICATES = (
    "ca",
    "etcd-ca",
    "etcd",
    "apiserver",
    "apiserver-etcd-client",
    "apiserver-kubelet-client",
    "front-proxy-client",
)
REGISTERED = {
    "docker_result": {"cgroup_driver": "systemd"},
    "containerd_result": {"cgroup_driver": "systemd"},
    "preflight_result": {"resolv_conf": ""},
    "credentials_result": {
        "certificates": {
            name: {"fingerprint": fingerprint(name)} for name in (*CERTIFICATES, *COMPONENTS["all"])
        }
    },
}


class Rendered(dict[str, str]):
    """The contents of the files of one cluster, by path."""

    def document(self, path: str) -> dict[str, Any]:
        """The YAML document in a file."""
        document: dict[str, Any] = yaml.safe_load(self[path])
        return document

    def apiserver(self) -> list[str]:
        """The command line of kube-apiserver."""
        return self.static_pod("kube-apiserver")

    def static_pod(self, component: str) -> list[str]:
        """The command line of a component; empty if it is not there."""
        path = f"{MANIFESTS}/{component}.yaml"
        pod = self.document(path) if path in self else {"spec": {"containers": [{"command": []}]}}
        command: list[str] = pod["spec"]["containers"][0]["command"]
        return command

    def kubelet(self) -> list[str]:
        """The command line of the kubelet."""
        unit = self["/etc/systemd/system/kubelet.service"].replace("\\\n", " ")
        (start,) = (line for line in unit.splitlines() if line.startswith("ExecStart="))
        return shlex.split(start.removeprefix("ExecStart="))

    def flags(self, component: str) -> set[str]:
        """The names of the flags that a component or the kubelet is given, without dashes."""
        command = self.kubelet() if component == "kubelet" else self.static_pod(component)
        return {word[2:].partition("=")[0] for word in command if word.startswith("--")}


def variables(role: str, kind: str) -> dict[str, Any]:
    """The variables in a role's defaults or vars, which may be files in a directory."""
    directory = ROOT / "roles" / role / kind
    content: dict[str, Any] = {}
    for file in sorted([*directory.glob("main.yml"), *directory.glob("main/*.yml")]):
        content.update(yaml.safe_load(file.read_text()))
    return content


def given(role: str) -> dict[str, Any]:
    """The variables with which the role cluster calls another."""
    files = sorted((ROOT / "roles/cluster/tasks").glob("*.yml"))
    tasks = [task for file in files for task in yaml.safe_load(file.read_text())]
    for task in [inner for outer in tasks for inner in outer.get("block", [outer])]:
        if task.get("ansible.builtin.import_role", {}).get("name") == f"mink8s.kubernetes.{role}":
            called: dict[str, Any] = task["vars"]
            return called
    raise LookupError(role)


def host(user: dict[str, Any]) -> dict[str, Any]:
    """The variables with which the roles would write a cluster to a host; later ones win, as in Ansible."""
    sources = [
        *(variables(role, "defaults") for role in ("cluster", *ROLES)),
        *(variables(role, "vars") for role in ("release", "cluster", *ROLES)),
        *(given(role) for role in ROLES),
        REGISTERED,
        HOST,
        user,
    ]
    given_all = {key: value for source in sources for key, value in source.items()}
    # Every template gets a copy of all variables, and reads nothing of other releases or of the checksums.
    minor, _dot, _patch = given_all["cluster_version"].removeprefix("v").rpartition(".")
    row = {**given_all["release_table"][minor], "checksums": {}}
    return {**given_all, "release_table": {minor: row}}


def play() -> dict[str, Any]:
    """A play that writes down what the roles would write to each host."""
    *always, network = (f"__{role}_files" for role in ROLES)
    files = f"{' + '.join(always)} + ({network} if __cluster_has_pod_network else [])"
    hosts = "ansible_play_hosts"
    write = {
        "content": f"{{{{ dict({hosts} | zip({hosts} | map('extract', hostvars, 'rendered'))) }}}}",
        "dest": "{{ playbook_dir }}/rendered.json",
        "mode": "0644",
    }
    return {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            {"ansible.builtin.set_fact": {**FACTS, "cacheable": True}},
            {"ansible.builtin.set_fact": {"rendered": f"{{{{ {files} }}}}"}},
            {"ansible.builtin.copy": write, "run_once": True},
        ],
    }


def known() -> dict[str, dict[str, Any]]:
    """The user's variables of a cluster of each minor release, in each mode, with few and all components.

    Each with every container runtime that the release can use.
    """
    return {
        f"{version}-{mode}{'' if runtime == 'docker' else f'-{runtime}'}-{components}": {
            "cluster_version": version,
            "cluster_components": names,
            "cluster_container_runtime": runtime,
            **chosen,
        }
        for minor, row in variables("release", "vars")["release_table"].items()
        # The last patch release of each whose sum is known.
        for version in [f"v{minor}.0", *row["checksums"]][-1:]
        for mode, chosen in MODES[row["authentication"][0]].items()
        for runtime in row["container_runtimes"]
        for components, names in COMPONENTS.items()
        # The article has no others.
        if (mode, components) != ("exact", "all")
    }


def stamp(*names: str) -> str:
    """What a manifest says of these certificates."""
    return hashlib.sha256(" ".join(map(fingerprint, names)).encode()).hexdigest()


def sums(clusters: dict[str, Rendered]) -> dict[str, str]:
    """The SHA-256 of every file of every cluster, by CLUSTER/PATH."""
    files = {f"{name}{path}": text for name, cluster in clusters.items() for path, text in cluster.items()}
    return {path: hashlib.sha256(files[path].encode()).hexdigest() for path in sorted(files)}


def render(clusters: dict[str, dict[str, Any]], directory: Path) -> dict[str, Rendered]:
    """Each cluster as the roles would write it to a host.

    clusters: the user's variables of each. directory: an empty one to work in.
    """
    (directory / "templates").mkdir()
    for role in ROLES:
        for template in (ROOT / "roles" / role / "templates").iterdir():
            (directory / "templates" / template.name).symlink_to(template)
    (directory / "render.yml").write_text(yaml.safe_dump([play()]))
    hosts = {f"host{number}": host(user) for number, user in enumerate(clusters.values())}
    connection = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    (directory / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": connection}}))
    program = Path(sys.executable).with_name("ansible-playbook")
    done = subprocess.run(
        [program, "-i", directory / "hosts.yml", directory / "render.yml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rendered = json.loads((directory / "rendered.json").read_text())
    return {
        name: Rendered((file["path"], _marked(file) + file["content"]) for file in rendered[each])
        for name, each in zip(clusters, hosts)
    }


def _marked(file: dict[str, str]) -> str:
    return f"{file['marker']}\n" if "marker" in file else ""


def main(directory: Path) -> None:
    """Write every file below a directory, which is made, and print what each sums up to."""
    with tempfile.TemporaryDirectory() as work:
        clusters = render(known(), Path(work))
    for name, cluster in clusters.items():
        for path, content in cluster.items():
            target = directory / f"{name}{path}"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)
    for path, checksum in sums(clusters).items():
        print(f"{checksum}  {path}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
