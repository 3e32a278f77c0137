# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kubernetes' own tests and their images, from the source of the release and from Debian's packages."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import archive
import equipment
import mirror
import registry
import release
from common import cache, locked, recipe, say, scratch

PROGRAMS = ("agnhost", "e2e.test", "ginkgo", "nonewprivs", "sample-apiserver")
# What the tests run in the image that has most. Its shell takes nc from here; a static one has its own.
TOOLS = ("curl", "bind9-dnsutils", "busybox", "libc-bin", "netcat-openbsd")
# Web servers, by the directory that a test may look into.
HTTPD, NGINX = "usr/local/apache2/htdocs", "usr/share/nginx/html"
WEB = {
    "httpd:2.4.38-alpine": HTTPD,
    "httpd:2.4.39-alpine": HTTPD,
    "nginx:1.14-alpine": NGINX,
    "nginx:1.15-alpine": NGINX,
}
ANIMALS = ("kitten", "nautilus")
# By the name that the tests have for it, the archive of a release.
OF_RELEASE = {"etcd:3.4.13-0": "etcd", "pause:3.2": "pause"}
SERVE = "trap exit TERM; httpd -f -p 80 -h /{} & wait"
# Where the tests take images from, unless a file names others. The one that is to be invalid stays so.
REGISTRIES = ("dockerLibraryRegistry", "e2eRegistry", "gcRegistry", "promoterE2eRegistry")
LIST = "registries.yml"


def serve() -> Path:
    """The directory with the tests, the program that runs them, and the list of registries they take.

    All is made unless it is in the cache, and the images are in the sandbox's registry afterwards.
    """
    made_by = recipe(Path(__file__), release.BUILD, *equipment.RECIPE)
    made = cache("upstream-tests", made_by)
    with locked("upstream-tests"):
        if not made.exists():
            _make(made)
        host = mirror.image_registry()
        repository = f"upstream-tests-{made_by}"
        for path in sorted((made / "images").glob("*/*.tar")):
            name_and_tag = (f"{repository}/{path.parent.name}", path.stem)
            if not registry.has(f"http://{host}", *name_and_tag):
                registry.push(path, f"http://{host}", *name_and_tag)
        # JSON is YAML.
        (made / LIST).write_text(json.dumps(dict.fromkeys(REGISTRIES, f"{host}/{repository}")))
    return made


def _make(made: Path) -> None:
    """Make it."""
    artifacts = release.build()
    with scratch() as work:
        (work / "made").mkdir()
        with locked("release"), release.compiling(release.VERSION, PROGRAMS):
            equipment.unpack(work / "tools", *TOOLS, dependencies=True)
            shutil.rmtree(work / "tools/usr/share")
            equipment.unpack(work / "static", "busybox-static")
        say("making the images of the tests (half a minute)")
        for program in ("e2e.test", "ginkgo"):
            shutil.copy(release.binaries() / program, work / "made")
        for name, component in OF_RELEASE.items():
            shutil.copy(artifacts / f"{component}.tar", _path(work, name))
        _write_shells(work)
        _write_agnhost(work)
        (work / "made").rename(made)


def _write_shells(work: Path) -> None:
    """Write the images that have a shell and little else."""
    root = work / "shell"
    (root / "bin").mkdir(parents=True)
    shutil.copy(work / "static/bin/busybox", root / "bin")
    equipment.add_shell(root)
    _write(work, "busybox:1.29", root, ["sh"])
    _write(work, "nonroot:1.0", root, ["sh"], User="1234")
    for directory in (HTTPD, NGINX):
        (root / directory).mkdir(parents=True)
        (root / directory / "index.html").write_text(equipment.PAGE)
    for name, directory in WEB.items():
        _write(work, name, root, ["sh", "-c", SERVE.format(directory)])
    # A test wants to see that its user does not become root by it.
    program = root / "usr/local/bin/nnp"
    program.parent.mkdir()
    shutil.copy(release.binaries() / "nonewprivs", program)
    program.chmod(0o6755)
    _write(work, "nonewprivs:1.0", root, ["nnp"])


def _write_agnhost(work: Path) -> None:
    """Write the images that have the tests' program of all work, and that of the aggregated API server."""
    agnhost = release.binaries() / "agnhost"
    for animal in ANIMALS:
        root = work / animal
        shutil.copytree(release.source() / f"test/images/{animal}/html", root)
        shutil.copy(agnhost, root)
        _write(work, f"{animal}:1.0", root, ["test-webserver"], Entrypoint=["/agnhost"])
    root = work / "sample-apiserver"
    root.mkdir()
    shutil.copy(release.binaries() / "sample-apiserver", root)
    _write(work, "sample-apiserver:1.17", root, [], Entrypoint=["/sample-apiserver"])
    root = work / "tools"
    (root / "bin/nc").symlink_to("nc.openbsd")
    equipment.add_shell(root)
    (root / "uploads").mkdir()
    shutil.copy(agnhost, root)
    (root / "agnhost-2").symlink_to("agnhost")
    for name in ("localhost.crt", "localhost.key"):
        shutil.copy(release.source() / "test/images/agnhost/porter" / name, root)
    for name in ("agnhost:2.21", "jessie-dnsutils:1.0"):
        _write(work, name, root, ["pause"], Entrypoint=["/agnhost"])


def _write(work: Path, name: str, root: Path, command: list[str], **more: str | list[str]) -> None:
    archive.write(_path(work, name), name, root, command, **more)


def _path(work: Path, name: str) -> Path:
    """Where the archive of an image is made."""
    image_name, _colon, tag = name.partition(":")
    path = work / "made/images" / image_name / f"{tag}.tar"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
