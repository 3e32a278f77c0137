# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""containerd as a container runtime, asked as the kubelet does, and for what CRI does not have with ctr."""

from __future__ import annotations

import json
import re
import subprocess
import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import cgroup, programs, systemd
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.programs import Run
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    PAUSE,
    Container,
    ContainerRuntime,
    ContainerRuntimeError,
    Details,
    Image,
    for_each,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.containerd import cri
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.image_reference import Reference

# Where CRI has all that it is asked for; Docker has its own beside it.
NAMESPACE = "k8s.io"
# The kubelet does not delete what has it; read from containerd 1.6.22 on.
PINNED = "io.cri-containerd.pinned=pinned"
LINES = 500
# A line of a container's log: when, from where, whether it is whole, and what was written.
LOG_LINE = re.compile(r"\S+ (?:stdout|stderr) ([FP])\S* ?(.*)", re.DOTALL)
NANOSECONDS = 1e9
# containerd has these images under their digests only.
UNNAMED = re.compile(r"sha256:[0-9a-f]{64}")


class Containerd(ContainerRuntime):
    """The containerd of this host, as far as its CRI plugin and the namespace of that go."""

    name = "containerd"
    units = ("containerd.service",)
    bridge = bridge_address = ""
    programs = ("containerd", "ctr")
    packages = frozenset({"containerd", "containerd.io", "runc"})
    libraries = frozenset({"python3-grpcio", "python3-protobuf"})
    directories = ("/etc/cni", "/etc/containerd", "/opt/containerd", "/var/lib/containerd")
    group = ""
    data_root = "/var/lib/containerd"
    kubelet_socket = ""
    configuration = "/etc/containerd/config.toml"
    forgets_digests = False
    version_commands = (("containerd", "--version"), ("runc", "--version"))
    content_commands = (
        ("ctr", "--namespace", NAMESPACE, "containers", "list"),
        ("ctr", "--namespace", NAMESPACE, "tasks", "list"),
        ("ctr", "--namespace", NAMESPACE, "images", "list"),
        ("ctr", "plugins", "list"),
    )

    def is_installed(self) -> bool:
        """Whether containerd is on the host."""
        return bool(programs.find("containerd"))

    def version(self) -> str:
        """The version of the containerd that runs."""
        return str(cri.call("Version", version="v1").runtime_version)

    def version_and_driver(self, run: Run) -> tuple[str, str]:
        """The version of a containerd that need not run, and the driver its configuration gives runc."""
        version = installed_version(run)
        if not version:
            return "", default_driver()
        dump = [programs.find("containerd"), "--config", self.configuration, "config", "dump"]
        has_systemd = re.search(r"^\s*SystemdCgroup = true$", run(dump)[1], re.MULTILINE)
        return version, "systemd" if has_systemd else "cgroupfs"

    def host_address(self) -> str:
        """It leaves the network of pods to CNI plugins."""
        return ""

    def containers(self) -> list[Container]:
        """All containers that CRI knows of, and the sandboxes of their pods."""
        sandboxes = {each.id: each for each in cri.call("ListPodSandbox").items}
        found = [
            (each.created_at, _container(each.id, PAUSE, "exited" if each.state else "running", each))
            for each in sandboxes.values()
        ]
        for each in cri.call("ListContainers").containers:
            sandbox = sandboxes.get(each.pod_sandbox_id)
            state = cri.STATES[min(each.state, len(cri.STATES) - 1)]
            made = _container(each.id, each.metadata.name, state, sandbox, each.image_ref)
            found.append((each.created_at, made))
        return [each for _created, each in sorted(found, key=lambda pair: pair[0], reverse=True)]

    def details(self, identity: str) -> Details:
        """What CRI says of a container."""
        answer = cri.call("ContainerStatus", container_id=identity, verbose=True)
        more = _info(answer)
        process = (more.get("runtimeSpec") or {}).get("process") or {}
        status = answer.status
        return Details(
            runs=cri.STATES[min(status.state, len(cri.STATES) - 1)] == "running",
            pid=more.get("pid") or 0,
            started=status.started_at / NANOSECONDS,
            finished=status.finished_at / NANOSECONDS,
            code=status.exit_code,
            command=tuple(process.get("args") or ()),
        )

    def log(self, identity: str) -> str:
        """The last lines of the file to which containerd writes what a container says."""
        path = cri.call("ContainerStatus", container_id=identity).status.log_path
        try:
            with Path(path).open(errors="replace") as stream:
                return log_text(deque(stream, LINES))
        except OSError as error:
            raise ContainerRuntimeError(f"{path or 'a log'} can't be read: {error.strerror}") from error

    def stop(self, identities: Sequence[str], seconds: int) -> None:
        """Stop containers, and the sandboxes that are among them with the network of their pods."""
        sandboxes, containers = _divided(identities)
        # A sandbox takes its containers with it without waiting for them.
        for_each(
            containers,
            lambda key: cri.call("StopContainer", cri.LONG, container_id=key, timeout=seconds),
            _is_gone,
        )
        for_each(sandboxes, _stop_sandbox, _is_gone)

    def remove(self, identities: Sequence[str]) -> None:
        """Remove containers, and the sandboxes that are among them."""
        sandboxes, containers = _divided(identities)
        for_each(containers, lambda key: cri.call("RemoveContainer", cri.LONG, container_id=key), _is_gone)
        for_each(sandboxes, _stop_sandbox, _is_gone)
        for_each(sandboxes, lambda key: cri.call("RemovePodSandbox", cri.LONG, pod_sandbox_id=key), _is_gone)

    def run(self, image: str, command: Sequence[str], mounts: Mapping[Path, str]) -> None:
        """Run a command as `ctr run --rm` does, which gives it a network of its own."""
        words: list[str] = []
        for path, inside in mounts.items():
            access = "ro" if path.is_file() else "rw"
            words += ["--mount", f"type=bind,src={path},dst={inside},options=rbind:{access}"]
        name = f"mink8s-{uuid.uuid4().hex[:12]}"
        _ctr("run", "--rm", *words, _full(image), name, *command)

    def image(self, name: str) -> Image | None:
        """The image as CRI shows it."""
        answer = cri.call("ImageStatus", image={"image": name}, verbose=True)
        if not answer.image.id:
            return None
        configuration = _info(answer).get("imageSpec") or {}
        return Image(
            identity=answer.image.id,
            digests=frozenset(known.partition("@")[2] for known in answer.image.repo_digests),
            architecture=configuration.get("architecture") or "",
            created=configuration.get("created") or "",
            layers=tuple((configuration.get("rootfs") or {}).get("diff_ids") or ()),
        )

    def images(self) -> dict[str, tuple[str, ...]]:
        """The names of every image that CRI knows of, as manifests have them."""
        return {each.id: tuple(map(_familiar, each.repo_tags)) for each in cri.call("ListImages").images}

    def load(self, archive: str) -> None:
        """Import an archive as `ctr images import` does."""
        _ctr("images", "import", archive)

    def pull(self, reference: Reference, architecture: str = "") -> None:
        """Pull an image, by CRI with its registries and its proxy if it is for this host."""
        if architecture:
            # What CRI knows of registries, ctr has to be told.
            registries = str(Path(self.configuration).with_name("certs.d"))
            options = ("--hosts-dir", registries, "--platform", f"linux/{architecture}")
            _ctr("images", "pull", *options, _full(reference.pinned))
        else:
            cri.call("PullImage", cri.LONG, image={"image": reference.pinned})

    def save(self, name: str, path: str, architecture: str = "") -> None:
        """Write an archive as `ctr images export` does."""
        platform = ("--platform", f"linux/{architecture}") if architecture else ()
        _ctr("images", "export", *platform, path, _full(name))

    def tag(self, image: str, name: str) -> None:
        """Give an image a further name, under which the kubelet does not delete it."""
        source, target = image if UNNAMED.fullmatch(image) else _full(image), _full(name)
        if source != target:
            _ctr("images", "tag", "--force", source, target)
        _ctr("images", "label", target, PINNED)

    def untag(self, name: str, prune: bool = True) -> None:
        """Take a name away; what no name leads to any more is collected by containerd itself."""
        found = self.image(name)
        _ctr("images", "remove", "--sync", _full(name))
        # CRI does not know images for other architectures.
        if not found:
            return
        left = [each for each in cri.call("ListImages").images if each.id == found.identity]
        if prune and not any(each.repo_tags for each in left):
            # CRI has given it a name of its own, its ID, and that by which it was pulled.
            digests = (name for each in left for name in each.repo_digests)
            _ctr("images", "remove", "--sync", found.identity, *digests)

    def others(self, ours: frozenset[str]) -> list[str]:
        """What is in the other namespaces."""
        listed = _ctr("namespaces", "list", "--quiet").split()
        return [f"namespace {name}" for name in listed if name != NAMESPACE and _has_something(name)]

    def list_command(self) -> str:
        """What a person types to see all containers."""
        return f"ctr --namespace {NAMESPACE} containers list"

    def log_command(self, container: str) -> str:
        """What a person types to see a container's log."""
        return f"cat /var/log/containers/*{container[:12]}*.log"

    def lost_rules(self, saved: str) -> str:
        """CNI plugins write their rules anew for each pod."""
        return ""

    def unused_settings(self) -> str:
        """What to say of a containerd that runs on with settings of ours."""
        return (
            "containerd keeps the settings and the proxy it was started with until you restart it, which"
            " leaves all containers running: systemctl restart containerd."
        )


def installed_version(run: Run) -> str:
    """The version of a containerd that need not run; empty if there is none.

    run: the module's run_command.
    """
    program = programs.find("containerd")
    words = run([program, "--version"])[1].split() if program else []
    return words[2].lstrip("v") if len(words) > 2 else ""


def default_driver() -> str:
    """The cgroup driver that fits a host whose systemd has all cgroups."""
    return "systemd" if cgroup.version() == 2 and systemd.is_booted() else "cgroupfs"


def log_text(lines: Sequence[str]) -> str:
    """What a container wrote, of the lines of its log; what is cut into parts is put together."""
    text = []
    for line in lines:
        found = LOG_LINE.fullmatch(line)
        text.append(found[2].rstrip("\n") if found and found[1] == "P" else found[2] if found else line)
    return "".join(text)


def _info(answer: Any) -> dict[str, Any]:
    """What else CRI says of something, if it is asked to be verbose."""
    known = {entry.key: entry.value for entry in answer.info}
    told: dict[str, Any] = json.loads(known.get("info", "{}"))
    return told


def _divided(identities: Sequence[str]) -> tuple[list[str], list[str]]:
    """The sandboxes of pods, and the other containers."""
    known = {each.id for each in cri.call("ListPodSandbox").items}
    return [key for key in identities if key in known], [key for key in identities if key not in known]


def _stop_sandbox(identity: str) -> None:
    cri.call("StopPodSandbox", cri.LONG, pod_sandbox_id=identity)


def _container(identity: str, role: str, state: str, sandbox: object, image: str = "") -> Container:
    """A container of CRI's. sandbox: of its pod, as CRI lists it; None if that has gone."""
    metadata = getattr(sandbox, "metadata", None)
    namespace, pod, uid = (getattr(metadata, key, "") for key in ("namespace", "name", "uid"))
    # The name that the kubelet gives a container where it chooses one.
    name = f"k8s_{role}_{pod}_{namespace}_{uid}"
    return Container(identity, name, image, state, namespace, pod, uid or identity, role)


def _full(name: str) -> str:
    """A name as containerd keeps it, with its registry."""
    tagged, at, digest = name.partition("@")
    if not at:
        return Reference.parse(tagged).full
    return f"{Reference(tagged, 'x').full.rpartition(':')[0]}@{digest}"


def _familiar(name: str) -> str:
    """A name without the registry that nobody writes."""
    return re.sub(r"^docker\.io/(library/)?", "", name)


def _has_something(namespace: str) -> bool:
    asked = (("containers", "list", "--quiet"), ("images", "list", "--quiet"))
    return any(_ctr(*words, namespace=namespace).strip() for words in asked)


def _ctr(*arguments: str, namespace: str = NAMESPACE) -> str:
    """The output of ctr. Raises ContainerRuntimeError with the last lines it had to say."""
    program = programs.find("ctr")
    if not program:
        raise ContainerRuntimeError("There is no ctr on this host, which comes with containerd.")
    command = [program, "--address", cri.SOCKET, "--namespace", namespace, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ContainerRuntimeError(programs.complaint(command, done.returncode, done.stderr.strip()))
    return done.stdout


def _is_gone(error: ContainerRuntimeError) -> bool:
    return "not found" in str(error)
