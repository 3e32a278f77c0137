# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A Kubernetes release made from Debian's source package, for where the release server can't be reached.

Its directory is an artifacts directory as users give one to the collection; the directory it is in has
the paths of the release server.
"""

from __future__ import annotations

import re
import shutil
import tarfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import archive
import equipment
import image
from common import HERE, SandboxError, beside, cache, last_line, locked, recipe, say, scratch

SERVER = "https://dl.k8s.io"
VERSION = "v1.20.2"
SUITE = "bookworm"
TARBALL = f"kubernetes-server-linux-{archive.ARCHITECTURE}.tar.gz"
SUMS = "SHA512SUMS"
BUILD = HERE / "inside/build-kubernetes"
IPTABLES = HERE / "inside/iptables"
# By name: what a cluster is made of, what else there is a component for, and all that a release has.
CLUSTER = ("kubectl", "kubelet", "kube-apiserver")
COMPONENTS = (*CLUSTER, "kube-controller-manager", "kube-proxy", "kube-scheduler")
SETS = {"cluster": CLUSTER, "components": COMPONENTS, "all": (*COMPONENTS, "kubeadm")}
IN_IMAGES = ("kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler")
PROXY_PACKAGES = (
    "busybox-static",
    "conntrack",
    "iptables",
    "kmod",
    "libc6",
    "libip4tc2",
    "libip6tc2",
    "liblzma5",
    "libmnl0",
    "libnetfilter-conntrack3",
    "libnfnetlink0",
    "libnftnl11",
    "libssl3",
    "libxtables12",
    "libzstd1",
)
# What these sources are, and not what kubeadm of the same version would use.
ETCD = "registry.k8s.io/etcd:3.4.23"
PAUSE = "registry.k8s.io/pause:3.4"


def reachable() -> bool:
    """Whether the real release server answers."""
    try:
        with urllib.request.urlopen(f"{SERVER}/release/stable.txt", timeout=10):
            return True
    except (urllib.error.URLError, TimeoutError):
        return False


def build(
    version: str = VERSION, programs: str = "components", meanwhile: Callable[[], None] = lambda: None
) -> Path:
    """The directory of a release that says it is of that version, made unless it is in the cache.

    programs: one of SETS; a release that has more is as good. meanwhile: done while it compiles.
    A second version costs little more than linking: source and objects stay in the cache.
    """
    if not re.fullmatch(r"v1\.20\.\d+", version):
        raise SandboxError(
            f"Debian's source is Kubernetes {VERSION}, from which no {version} can be made: "
            f"leave VERSION out, or give a directory of {version} in ARTIFACTS"
        )
    with locked("release"):
        found = _made(version, programs)
        if not found:
            found = _root(programs) / version
            image.build(SUITE)
            with scratch() as work:
                made = work / "made"
                made.mkdir()
                with compiling(version, SETS[programs]):
                    meanwhile()
                    _write_images(made, work)
                say(f"packing Kubernetes {version} as a release (half a minute)")
                _write_image(made / "pause.tar", PAUSE, work / "pause", binaries() / "pause", Path("pause"))
                _write_tarball(made, work, version, SETS[programs])
                _write_sums(made)
                found.parent.mkdir(parents=True, exist_ok=True)
                made.rename(found)
    return found


def compiled(log: str) -> str:
    """How far the build is, given its log, which names each package of Kubernetes when its turn comes."""
    head, known, tail = log.rpartition("\npackages: ")
    if not known:
        return last_line(head or log)
    total, *lines = tail.splitlines()
    done = sum(line.startswith("k8s.io/kubernetes/") for line in lines)
    return f"{done} packages compiled, of {total} at most" if done < int(total) else "linking"


def _root(programs: str) -> Path:
    """The directory with the paths of the release server, for a set of programs."""
    made_by = recipe(Path(__file__), BUILD, IPTABLES, *equipment.RECIPE)
    return cache("releases", f"{made_by}-{programs}")


def _made(version: str, programs: str) -> Path | None:
    """The directory of a release in the cache that has those programs."""
    names = list(SETS)
    directories = [_root(name) / version for name in names[names.index(programs) :]]
    return next((directory for directory in reversed(directories) if directory.exists()), None)


@contextmanager
def compiling(version: str, programs: tuple[str, ...]) -> Iterator[None]:
    """Compile programs into the cache while the block does something else."""
    work = cache("kubernetes")
    work.mkdir(exist_ok=True)
    say(f"compiling {', '.join(programs)} {version} from Debian's source: {cache('logs', 'kubernetes.log')}")
    script = f"--volume={BUILD}:/build-kubernetes:ro"
    docker = ("docker", "run", "--rm", f"--volume={work}:/build", script, image.name(SUITE))
    with beside("kubernetes", *docker, "/build-kubernetes", version, *programs, tell=compiled):
        yield


def source() -> Path:
    """The directory with the source, once something was compiled from it."""
    return cache("kubernetes", "go/src/k8s.io/kubernetes")


def binaries() -> Path:
    """The directory with the compiled programs."""
    return cache("kubernetes", "bin")


def _write_images(made: Path, work: Path) -> None:
    """Write the archives that upstream's tarball does not have, less the one that is compiled."""
    for path in equipment.archives().values():
        shutil.copy(path, made)
    tree = work / "etcd"
    equipment.unpack(tree, "etcd-client", "etcd-server", "libc6")
    shutil.rmtree(tree / "usr/share")
    shutil.move(tree / "usr/bin", tree / "usr/local/bin")
    archive.write(made / "etcd.tar", ETCD, tree, ["etcd"])


def _write_tarball(made: Path, work: Path, version: str, programs: tuple[str, ...]) -> None:
    """Write the tarball, laid out as upstream's."""
    server = work / "kubernetes/server/bin"
    server.mkdir(parents=True)
    for name in programs:
        shutil.copy(binaries() / name, server)
    if "kube-proxy" in programs:
        _unpack_iptables(work / "kube-proxy")
    for name in IN_IMAGES:
        if name in programs:
            tag = f"k8s.gcr.io/{name}-{archive.ARCHITECTURE}:{version}"
            place = Path("usr/local/bin", name)
            _write_image(server / f"{name}.tar", tag, work / name, binaries() / name, place)
            (server / f"{name}.docker_tag").write_text(version)
    with tarfile.open(made / TARBALL, "w:gz", compresslevel=1) as tar:
        tar.add(work / "kubernetes", "kubernetes")


def _unpack_iptables(tree: Path) -> None:
    """Put the programs that kube-proxy runs in the directory tree."""
    equipment.unpack(tree, *PROXY_PACKAGES)
    shutil.rmtree(tree / "usr/share")
    (tree / "bin/sh").symlink_to("busybox")
    programs = tree / "usr/local/sbin"
    programs.mkdir(parents=True)
    for family in ("iptables", "ip6tables"):
        for action in ("", "-save", "-restore"):
            shutil.copy(IPTABLES, programs / f"{family}{action}")


def _write_image(path: Path, tag: str, tree: Path, program: Path, place: Path) -> None:
    """Write the archive of an image with one program added to the directory tree."""
    target = tree / place
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(program, target)
    archive.write(path, tag, tree, [f"/{place}"])


def _write_sums(made: Path) -> None:
    """Write the SHA-512 of everything there, as `sha512sum` does."""
    lines = [f"{archive.file_digest(path, 'sha512')}  {path.name}\n" for path in sorted(made.iterdir())]
    (made / SUMS).write_text("".join(lines))
