# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Docker as a container runtime."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import cgroup, network, programs
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.programs import Run
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    Container,
    ContainerRuntime,
    ContainerRuntimeError,
    Details,
    Image,
    for_each,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker import (
    client,
    dockerd,
    installed,
    registry_login,
    rules,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import timestamps
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.image_reference import Reference

LINES = 500
# Before each piece of a log: where it was written to, three zeros and its length.
HEADER = struct.Struct(">BxxxI")
LABEL = "io.kubernetes"
# A kubelet gives what it makes both of these, pause containers too.
LABELS = (f"{LABEL}.docker.type", f"{LABEL}.pod.uid")
KEYS = {"namespace": "pod.namespace", "pod": "pod.name", "uid": "pod.uid", "role": "container.name"}
NETWORKS = {"bridge", "host", "none"}
TABLE = "table {{.ID}}\t{{.Image}}\t{{.CreatedAt}}\t{{.Status}}\t{{.Names}}"


class Docker(ContainerRuntime):
    """The Docker engine of this host."""

    name = "Docker"
    units = ("containerd.service", "docker.service")
    bridge = "docker0"
    bridge_address = "172.17.0.1"
    programs = ("dockerd", "docker")
    packages = frozenset(
        {
            *("docker.io", "docker-cli", "containerd", "runc", "tini"),
            *("docker-ce", "docker-ce-cli", "containerd.io"),
        }
    )
    directories = ("/etc/cni", "/etc/docker", "/opt/containerd", "/var/lib/containerd", "/var/lib/docker")
    group = "docker"
    data_root = "/var/lib/docker"
    kubelet_socket = "/run/dockershim.sock"
    configuration = dockerd.DAEMON_JSON
    forgets_digests = True
    version_commands = (("docker", "version"), ("containerd", "--version"))
    content_commands = (
        # The containers' command lines are left out: they are the user's, and may hold secrets.
        ("docker", "ps", "--all", "--format", TABLE),
        ("docker", "images", "--digests"),
        ("docker", "info"),
    )

    def is_installed(self) -> bool:
        """Whether dockerd is on the host."""
        return bool(programs.find("dockerd"))

    def version(self) -> str:
        """The version of the dockerd that runs."""
        return str(client.get("/version")["Version"])

    def version_and_driver(self, run: Run) -> tuple[str, str]:
        """The version and the cgroup driver of a dockerd that need not run."""
        return installed.version_and_driver(run, dockerd.DAEMON_JSON, cgroup.version())

    def host_address(self) -> str:
        """The host's address on the default bridge."""
        try:
            options = client.get("/networks/bridge")["Options"]
        except ContainerRuntimeError:
            return ""
        # After its first start Docker does not tell the gateway, so the interface is asked instead.
        return network.address(options.get("com.docker.network.bridge.name", ""))

    def containers(self) -> list[Container]:
        """All containers, the newest first."""
        return [_container(listed) for listed in client.get("/containers/json", all=1)]

    def details(self, identity: str) -> Details:
        """What `docker inspect` shows of a container."""
        shown = client.get(f"/containers/{identity}/json")
        state, config = shown["State"], shown["Config"]
        return Details(
            runs=state["Running"],
            pid=state["Pid"],
            started=timestamps.seconds(state["StartedAt"]),
            finished=timestamps.seconds(state["FinishedAt"]),
            code=state["ExitCode"],
            command=(*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())),
        )

    def log(self, identity: str) -> str:
        """The last lines that `docker logs` shows."""
        return log_text(client.read(f"/containers/{identity}/logs", stdout=1, stderr=1, tail=LINES))

    def stop(self, identities: Sequence[str], seconds: int) -> None:
        """Stop containers as `docker stop` does."""
        for_each(identities, lambda key: client.post(f"/containers/{key}/stop", t=seconds), _is_gone)

    def remove(self, identities: Sequence[str]) -> None:
        """Remove containers as `docker rm --force --volumes` does."""
        for_each(identities, lambda key: client.delete(f"/containers/{key}", force=1, v=1), _is_gone)

    def run(self, image: str, command: Sequence[str], mounts: Mapping[Path, str]) -> None:
        """Run a command as `docker run --rm --network none` does."""
        binds = [
            {"Type": "bind", "Source": str(path), "Target": inside, "ReadOnly": path.is_file()}
            for path, inside in mounts.items()
        ]
        wanted = {
            "Image": image,
            "Entrypoint": list(command),
            "Cmd": [],
            "HostConfig": {"NetworkMode": "none", "Mounts": binds},
        }
        identity = client.post("/containers/create", wanted)["Id"]
        try:
            client.post(f"/containers/{identity}/start")
            code = client.post(f"/containers/{identity}/wait")["StatusCode"]
            if code != 0:
                last = "\n".join(self.log(identity).splitlines()[-5:])
                raise ContainerRuntimeError(f"`{' '.join(command)}` ended with code {code}: {last}")
        finally:
            self.remove([identity])

    def image(self, name: str) -> Image | None:
        """The image as `docker image inspect` shows it."""
        try:
            shown = client.get(f"/images/{name}/json")
        except client.MissingError:
            return None
        digests = (known.partition("@")[2] for known in shown.get("RepoDigests") or ())
        return Image(
            identity=shown["Id"],
            digests=frozenset(digests),
            architecture=shown.get("Architecture") or "",
            created=shown.get("Created") or "",
            layers=tuple(shown.get("RootFS", {}).get("Layers") or ()),
        )

    def images(self) -> dict[str, tuple[str, ...]]:
        """The names of every image, as `docker images` shows them."""
        return {
            listed["Id"]: tuple(name for name in listed.get("RepoTags") or () if "<none>" not in name)
            for listed in client.get("/images/json")
        }

    def load(self, archive: str) -> None:
        """Load an archive as `docker load` does."""
        try:
            with Path(archive).open("rb") as stream:
                client.stream("/images/load", stream, {"Content-Type": "application/x-tar"}, quiet=1)
        except ContainerRuntimeError as error:
            raise ContainerRuntimeError(f"{archive} can't be loaded. {error}") from error

    def pull(self, reference: Reference, architecture: str = "") -> None:
        """Pull an image as `docker pull` does, with the credentials of who has logged in."""
        query = {"fromImage": reference.name, "tag": str(reference.digest)}
        if architecture:
            query["platform"] = f"linux/{architecture}"
        client.stream("/images/create", None, registry_login.header(reference), **query)

    def save(self, name: str, path: str, architecture: str = "") -> None:
        """Write an archive as `docker save` does. A name leads to an image for one architecture alone."""
        client.download(f"/images/{name}/get", path)

    def tag(self, image: str, name: str) -> None:
        """Give an image a further name."""
        repository, _colon, tag = name.rpartition(":")
        client.post(f"/images/{image}/tag", repo=repository, tag=tag)

    def untag(self, name: str, prune: bool = True) -> None:
        """Take a name away as `docker rmi` does."""
        with suppress(client.MissingError):
            client.delete(f"/images/{name}", noprune=int(not prune))

    def others(self, ours: frozenset[str]) -> list[str]:
        """Volumes and networks."""
        volumes = {each["Name"] for each in client.get("/volumes").get("Volumes") or ()}
        networks = {each["Name"] for each in client.get("/networks")}
        return [
            *(f"volume {name}" for name in sorted(volumes - ours)),
            *(f"network {name}" for name in sorted(networks - NETWORKS)),
        ]

    def list_command(self) -> str:
        """What a person types to see all containers."""
        return "docker ps --all"

    def log_command(self, container: str) -> str:
        """What a person types to see a container's log."""
        return f"docker logs {container[:12]}"

    def lost_rules(self, saved: str) -> str:
        """What to say of rules that are gone."""
        return rules.lost(saved)

    def unused_settings(self) -> str:
        """What to say of a dockerd that runs on with settings of ours."""
        return (
            "dockerd keeps the settings and the proxy it was started with until you restart it, which stops"
            " the containers in it: systemctl restart docker."
        )


def _container(listed: Mapping[str, Any]) -> Container:
    labels = listed.get("Labels") or {}
    ours = all(label in labels for label in LABELS)
    # A link to a container is named /OTHER/ALIAS.
    names = [name[1:] for name in listed["Names"] if name.count("/") == 1]
    of_pod = {name: labels.get(f"{LABEL}.{key}", "") for name, key in KEYS.items()} if ours else {}
    return Container(
        listed["Id"],
        names[0] if names else listed["Id"][:12],
        listed["ImageID"],
        listed["State"],
        volumes=frozenset(mount["Name"] for mount in listed.get("Mounts") or () if mount.get("Name")),
        **of_pod,
    )


def _is_gone(error: ContainerRuntimeError) -> bool:
    """Whether a container has gone, or is going."""
    return isinstance(error, client.MissingError) or "is already in progress" in str(error)


def log_text(stream: bytes) -> str:
    """A log without the header of each piece. That of a container with a terminal has none."""
    pieces, rest = [], stream
    while len(rest) >= HEADER.size and rest[0] < 3 and rest[1:4] == bytes(3):
        _place, length = HEADER.unpack_from(rest)
        pieces.append(rest[HEADER.size : HEADER.size + length])
        rest = rest[HEADER.size + length :]
    return b"".join([*pieces, rest]).decode(errors="replace")
