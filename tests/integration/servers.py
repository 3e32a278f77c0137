"""A real etcd and a real kube-apiserver, run as processes on free ports of the loopback interface."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tarfile
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import etcd_client, kubernetes_client
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import waiting
from kubernetes import client, config

if TYPE_CHECKING:
    from typing import IO

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
NODE = "host-1"
# Where the etcd of an image is, and chroot.
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on."""
    with ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _server in range(count)]
        return [server.getsockname()[1] for server in servers]


def ansible(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of Ansible's programs on this host, with the modules of this checkout."""
    path = Path(sys.executable).with_name(program)
    local = ["-i", "localhost,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}"]
    return subprocess.run(
        [path, *local, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


@dataclass(frozen=True)
class Result:
    """What a module said: SUCCESS, CHANGED or FAILED, its result, and the diff that was shown."""

    status: str
    values: dict[str, Any]
    diff: str


def module(which: str, *flags: str, **options: object) -> Result:
    """Run one module of the collection with the ansible command."""
    done = ansible(
        "ansible", "localhost", "-m", f"mink8s.kubernetes.{which}", "-a", json.dumps(options), *flags
    )
    match = re.fullmatch(r"(.*?)^localhost \| (\w+)!? => (.*)", done.stdout, re.DOTALL | re.MULTILINE)
    assert match, done.stdout + done.stderr
    return Result(status=match[2], values=json.loads(match[3]), diff=match[1])


@dataclass
class Server:
    """A process and its log."""

    command: list[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, after the log of an earlier start."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"PATH": SEARCH_PATH}
            )

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process
        self.process.send_signal(number)

    def stop(self) -> None:
        """End it, at once if it does not end by itself."""
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def ended(self) -> bool:
        """Whether it ended by itself."""
        return self.process is not None and self.process.poll() is not None

    def last_lines(self) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])


@dataclass(frozen=True)
class Artifacts:
    """A directory of artifacts as the collection takes it, and the version it holds."""

    directory: Path
    version: str

    @classmethod
    def chosen(cls) -> Artifacts:
        """Those that ARTIFACTS and VERSION name, or the release that the sandbox makes."""
        given, version = os.environ.get("ARTIFACTS"), os.environ.get("VERSION")
        if given:
            assert version, f"ARTIFACTS={given} is given without VERSION, such as VERSION=v1.18.20"
            return cls(Path(given), version)
        command = [sys.executable, str(ROOT / "tests" / "sandbox"), "release"]
        directory = Path(
            subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        )
        return cls(directory, directory.name)

    @property
    def authentication(self) -> str:
        """How the collection lets clients of this version in."""
        table = yaml.safe_load((ROOT / "roles/release/vars/main.yml").read_text())
        minor = self.version.removeprefix("v").rpartition(".")[0]
        authentication: str = table["release_table"][minor]["authentication"][0]
        return authentication

    def unpack_apiserver(self, directory: Path) -> Path:
        """The program kube-apiserver, from the server tarball."""
        (tarball,) = self.directory.glob("kubernetes-server-linux-*.tar.gz")
        member = "kubernetes/server/bin/kube-apiserver"
        extract(tarball, directory, "--occurrence=1", member)
        return directory / member

    def unpack_etcd(self, directory: Path) -> Path:
        """The file system of the image of etcd: its libraries belong to the program."""
        layer, root = directory / "layer.tar", directory / "etcd"
        for path in sorted(self.directory.glob("*.tar")):
            with tarfile.open(path) as archive:
                for name in layers(archive, "etcd"):
                    with layer.open("wb") as stream:
                        shutil.copyfileobj(member(archive, name), stream)
                    extract(layer, root)
        assert root.exists(), f"no image archive (*.tar) in {self.directory} holds etcd"
        return root


def layers(archive: tarfile.TarFile, name: str) -> list[str]:
    """The layers of the image of that name in an archive, the lowest first; none if it holds others."""
    wanted = re.compile(rf"(.*/)?{name}(-\w+)?:")
    images = json.load(member(archive, "manifest.json"))
    return [
        layer
        for image in images
        if any(wanted.match(tag) for tag in image["RepoTags"] or [])
        for layer in image["Layers"]
    ]


def member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    """A file in an archive."""
    stream = archive.extractfile(name)
    assert stream, name
    return stream


def extract(archive: Path, directory: Path, *arguments: str) -> None:
    """Unpack an archive, or those files in it that are named."""
    directory.mkdir(exist_ok=True)
    subprocess.run(["tar", "-x", "-f", archive, "-C", directory, *arguments], check=True)


def configure(directory: Path, authentication: str, **days: int) -> None:
    """Write what the roles credentials and control_plane write, with other certificates' days if given."""
    roles = [ROOT / "roles" / name for name in ("credentials", "control_plane")]
    variables = {
        f"{role.name}_{name}": value
        for role in roles
        for name, value in (
            ("authentication", authentication),
            ("config_dir", str(directory)),
            ("address", "192.0.2.7"),
            ("node_name", NODE),
        )
    }
    variables.update(days)
    files = [f"@{role / kind / 'main.yml'}" for role in roles for kind in ("defaults", "vars")]
    given = [flag for value in (*files, json.dumps(variables)) for flag in ("-e", value)]
    # Templates are looked for beside the playbook.
    playbook = str(shutil.copy(HERE / "control-plane.yml", directory))
    for role in roles:
        shutil.copytree(role / "templates", directory / "templates", dirs_exist_ok=True)
    done = ansible("ansible-playbook", playbook, *given)
    assert done.returncode == 0, done.stdout + done.stderr


class Etcd(Server):
    """An etcd with its data in the root directory of its image."""

    def __init__(self, root: Path, log: Path, pki: Path | None = None) -> None:
        """pki: a directory with the role's certificates; without one it asks for nothing."""
        self.root, self.pki = root, pki
        self.port, self.peer_port = free_ports(2)
        super().__init__([], log)
        self.secure(pki)

    def secure(self, pki: Path | None) -> None:
        """From its next start on, ask for certificates, or for nothing, as the role's manifest has it."""
        self.pki, scheme = pki, "https" if pki else "http"
        self.url, peer = (f"{scheme}://127.0.0.1:{port}" for port in (self.port, self.peer_port))
        flags = [f"--listen-client-urls={self.url}", f"--advertise-client-urls={self.url}"]
        flags += [f"--listen-peer-urls={peer}"]
        if pki:
            (self.root / "pki").mkdir(exist_ok=True)
            for name in ("etcd-ca.crt", "etcd.crt", "etcd.key"):
                shutil.copy(pki / name, self.root / "pki")
            own = {name for name, _equals, _value in (flag.partition("=") for flag in flags)}
            flags += [flag for flag in etcd_flags(pki) if flag.partition("=")[0] not in {*own, "--data-dir"}]
        self.command = ["chroot", str(self.root), "etcd", "--data-dir=/data", *flags]

    @property
    def access(self) -> etcd_client.Access:
        """How kube-apiserver reaches it."""
        if not self.pki:
            return etcd_client.Access(self.url)
        names = ("etcd-ca.crt", "apiserver-etcd-client.crt", "apiserver-etcd-client.key")
        return etcd_client.Access(self.url, *(str(self.pki / name) for name in names))

    @property
    def flags(self) -> list[str]:
        """The same as flags of kube-apiserver."""
        names = ("servers", "cafile", "certfile", "keyfile")
        values = dataclasses.astuple(self.access)
        return [f"--etcd-{name}={value}" for name, value in zip(names, values) if value]

    def post(self, path: str, body: dict[str, str]) -> dict[str, Any]:
        """Ask it, as who is let in."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        if self.pki:
            context = ssl.create_default_context(cafile=self.access.authority)
            context.load_cert_chain(self.access.certificate, self.access.key)
            connection = HTTPSConnection("127.0.0.1", self.port, timeout=30, context=context)
        connection.request("POST", path, json.dumps(body))
        answer = connection.getresponse()
        assert answer.status == 200
        answered: dict[str, Any] = json.loads(answer.read())
        return answered

    def manifest(self, directory: Path) -> Path:
        """A manifest of a kube-apiserver that uses it, as far as the collection reads it for that."""
        path = directory / "kube-apiserver.yaml"
        path.write_text("".join(f"    - {flag}\n" for flag in self.flags))
        return path


def etcd_flags(pki: Path) -> list[str]:
    """The flags that the role's manifest of etcd has, with files at the root of etcd's own file system."""
    manifest = yaml.safe_load((pki.parent / "manifests" / "etcd.yaml").read_text())
    command: list[str] = manifest["spec"]["containers"][0]["command"][1:]
    return [flag.replace(f"{pki}/", "/pki/") for flag in command]


class Apiserver(Server):
    """A kube-apiserver with the flags, certificates and kubeconfigs that the role control_plane gives it."""

    def __init__(self, program: Path, authentication: str, etcd: Etcd, directory: Path) -> None:
        self.authentication = authentication
        self.directory = directory
        self.port, insecure_port = free_ports(2)
        self.url = f"https://127.0.0.1:{self.port}"
        flags = [
            *etcd.flags,
            f"--etcd-prefix=/{authentication}",
            f"--secure-port={self.port}",
            f"--cert-dir={directory}",
        ]
        if authentication == "none":
            self.url = f"http://127.0.0.1:{insecure_port}"
            flags.append(f"--insecure-port={insecure_port}")
        self.configure()
        (_program, *command) = self.manifest()["spec"]["containers"][0]["command"]
        command = [flag for flag in command if not flag.startswith("--etcd-")]
        super().__init__([str(program), *command, *flags], directory / "kube-apiserver.log")

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.directory / "admin.conf"

    def manifest(self) -> dict[str, Any]:
        """The manifest as the role wrote it."""
        path = self.directory / "manifests" / "kube-apiserver.yaml"
        manifest: dict[str, Any] = yaml.safe_load(path.read_text())
        return manifest

    def configure(self, **days: int) -> None:
        """Write what the role writes, with other certificates' days if given, and this server's address."""
        configure(self.directory, self.authentication, **days)
        for path in self.directory.glob("*.conf"):
            path.write_text(re.sub(r"(?<=server: ).*", self.url, path.read_text()))

    def start(self) -> None:
        """Start it and wait until it is healthy."""
        super().start()
        problem = waiting.until_none(self.problem, timeout=60)
        assert not problem, f"{problem[0]}\n{self.last_lines()}"
        assert not self.ended(), self.last_lines()

    def problem(self) -> list[str]:
        """Why it does not answer yet; nothing more to wait for if it ended by itself."""
        return [] if self.ended() else kubernetes_client.unhealthy(self.api())

    def api(self, kubeconfig: str = "admin.conf") -> client.ApiClient:
        """A client that never goes through a proxy."""
        settings = client.Configuration()
        config.load_kube_config(str(self.directory / kubeconfig), client_configuration=settings)
        settings.proxy = None
        settings.retries = False
        return client.ApiClient(settings)

    def core(self, kubeconfig: str = "admin.conf") -> Any:
        """The API of the core group."""
        return kubernetes_client.core(self.api(kubeconfig))
