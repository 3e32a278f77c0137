# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images to try a cluster with, made from Debian's packages: a shell and a web server."""

from __future__ import annotations

import shutil
from pathlib import Path

import archive
import image
from common import HERE, cache, locked, logged, output, recipe, say, scratch

BUSYBOX = "busybox:1.35"
WEB = "mink8s-web:1"
UNPACK = HERE / "inside/unpack-packages"
RECIPE = (Path(__file__), Path(archive.__file__), UNPACK)
# PID 1 ignores a SIGTERM that it does not ask for, and every stop would take the whole grace period.
SERVE = "trap exit TERM; httpd -f -p 80 -h /var/www & wait"
PAGE = "<!doctype html>\n<title>mink8s</title>\n<p>This is the web server of the mink8s test sandbox.\n"


def archives() -> dict[str, Path]:
    """The image archives by image name, made unless they are in the cache."""
    made_by = recipe(*RECIPE)
    paths = {BUSYBOX: cache("images", made_by, "busybox.tar"), WEB: cache("images", made_by, "web.tar")}
    with locked("images"):
        if not all(path.exists() for path in paths.values()):
            image.build("bookworm")
            say("making the images busybox and web (a few seconds)")
            with scratch() as directory:
                _write(directory, paths)
    return paths


def unpack(root: Path, *packages: str, dependencies: bool = False) -> None:
    """Unpack Debian packages, only those named unless they need their dependencies, in the directory root."""
    root.mkdir()
    script = f"--volume={UNPACK}:/unpack-packages:ro"
    docker = ("docker", "run", "--rm", f"--volume={root}:/out", script, image.name("bookworm"))
    options = ("--with-dependencies",) if dependencies else ()
    logged(f"unpack-{packages[0]}", *docker, "/unpack-packages", *options, *packages)


def add_shell(root: Path) -> None:
    """Add what an image with a shell has to the directory root, which has busybox."""
    for directory in ("etc", "root", "tmp"):
        (root / directory).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    for applet in output(str(root / "bin/busybox"), "--list").splitlines():
        if not any((root / place / applet).exists() for place in ("bin", "usr/bin")):
            (root / "bin" / applet).symlink_to("busybox")


def _write(directory: Path, paths: dict[str, Path]) -> None:
    """Write both archives: the second is the first with a page to serve."""
    unpack(directory / "package", "busybox-static")
    root = directory / "root"
    (root / "bin").mkdir(parents=True)
    shutil.copy(directory / "package/bin/busybox", root / "bin")
    add_shell(root)
    (root / "var/www").mkdir(parents=True)
    archive.write(paths[BUSYBOX], BUSYBOX, root, ["sh"])
    (root / "var/www/index.html").write_text(PAGE)
    archive.write(paths[WEB], WEB, root, ["sh", "-c", SERVE])
