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
from pathlib import Path

import archive
import equipment
import image
from common import HERE, SandboxError, cache, locked, logged, recipe, say, scratch

SERVER = "https://dl.k8s.io"
VERSION = "v1.20.2"
SUITE = "bookworm"
TARBALL = f"kubernetes-server-linux-{archive.ARCHITECTURE}.tar.gz"
SUMS = "SHA512SUMS"
BUILD = HERE / "inside/build-kubernetes"
IPTABLES = HERE / "inside/iptables"
STATIC_PODS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
PROGRAMS = ("kubeadm", "kubectl", "kubelet", "kube-proxy", *STATIC_PODS)
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


def root() -> Path:
    """The directory with the paths of the release server."""
    return cache("releases", recipe(Path(__file__), BUILD, IPTABLES, *equipment.RECIPE))


def build(version: str = VERSION) -> Path:
    """The directory of a release that says it is of that version, made unless it is in the cache.

    A second version costs little more than linking: source and objects stay in the cache.
    """
    if not re.fullmatch(r"v1\.20\.\d+", version):
        raise SandboxError(
            f"Debian's source is Kubernetes {VERSION}, from which no {version} can be made: "
            f"leave VERSION out, or give a directory of {version} in ARTIFACTS"
        )
    directory = root() / version
    if directory.exists():
        return directory
    with locked("release"):
        if not directory.exists():
            image.build(SUITE)
            programs = _compile(version)
            say(f"packing Kubernetes {version} as a release (about a minute)")
            with scratch() as work:
                made = work / "made"
                made.mkdir()
                _write_images(made, work, programs)
                _write_tarball(made, work, programs, version)
                _write_sums(made)
                directory.parent.mkdir(parents=True, exist_ok=True)
                made.rename(directory)
    return directory


def _compile(version: str) -> Path:
    """The directory with the compiled programs."""
    work = cache("kubernetes")
    work.mkdir(exist_ok=True)
    log = cache("logs", "kubernetes.log")
    say(f"compiling Kubernetes {version} from Debian's source (10 to 15 minutes the first time): {log}")
    script = f"--volume={BUILD}:/build-kubernetes:ro"
    docker = ("docker", "run", "--rm", f"--volume={work}:/build", script, image.name(SUITE))
    logged("kubernetes", *docker, "/build-kubernetes", version, *PROGRAMS)
    return work / "source/_output/local/bin/linux" / archive.ARCHITECTURE


def _write_images(made: Path, work: Path, programs: Path) -> None:
    """Write the archives that upstream's tarball does not have."""
    for path in equipment.archives().values():
        shutil.copy(path, made)
    _write_image(made / "pause.tar", PAUSE, work / "pause", programs / "pause", Path("pause"))
    tree = work / "etcd"
    equipment.unpack(tree, "etcd-client", "etcd-server", "libc6")
    shutil.rmtree(tree / "usr/share")
    shutil.move(tree / "usr/bin", tree / "usr/local/bin")
    archive.write(made / "etcd.tar", ETCD, tree, ["etcd"])


def _write_tarball(made: Path, work: Path, programs: Path, version: str) -> None:
    """Write the tarball, laid out as upstream's."""
    binaries = work / "kubernetes/server/bin"
    binaries.mkdir(parents=True)
    for name in PROGRAMS:
        shutil.copy(programs / name, binaries)
    _unpack_iptables(work / "kube-proxy")
    for name in ("kube-proxy", *STATIC_PODS):
        tag = f"k8s.gcr.io/{name}-{archive.ARCHITECTURE}:{version}"
        place = Path("usr/local/bin", name)
        _write_image(binaries / f"{name}.tar", tag, work / name, programs / name, place)
        (binaries / f"{name}.docker_tag").write_text(version)
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
