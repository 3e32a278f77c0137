# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a file of a release is: which version, for which architecture."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.mink8s.kubernetes.plugins.module_utils.release.install_record import ReleaseError
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import image_archive, versions
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.image_reference import Reference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ansible.module_utils.basic import AnsibleModule

# Of the header of a Linux program: where it names the machine, and what Kubernetes calls that.
MAGIC, MACHINE_OFFSET = b"\x7fELF", 18
MACHINES = {3: "386", 20: "ppc64", 21: "ppc64le", 22: "s390x", 40: "arm", 62: "amd64", 183: "arm64"}
# kubectl alone has no flag for it.
ASK = {"kubectl": ("version", "--client")}
ARCHIVE = ".tar"
VERSION = re.compile(r"v\d+\.\d+\.\d+[\w.+-]*")


def architecture(program: Path) -> str:
    """The architecture that a program is for; empty if its header does not say, as that of a script."""
    with program.open("rb") as stream:
        header = stream.read(MACHINE_OFFSET + 2)
    if len(header) < MACHINE_OFFSET + 2 or not header.startswith(MAGIC):
        return ""
    order = ">" if header[5] == 2 else "<"
    (machine,) = struct.unpack(f"{order}H", header[MACHINE_OFFSET:])
    return MACHINES.get(machine, f"machine {machine}")


def of_program(module: AnsibleModule, name: str, program: Path, version: str, wanted: str) -> str:
    """What is wrong with a program of a release; empty if it is the wanted one.

    program: the file. version, wanted: the version and the architecture it should have.
    """
    found = architecture(program)
    if found not in ("", wanted):
        return f"{name} is for {found}, wanted for {wanted}"
    code, out, error = module.run_command([str(program), *ASK.get(name, ("--version",))])
    said = VERSION.search(out)
    if code != 0 or not said:
        last = (error or out).strip().splitlines()[-1:] or ["it printed nothing"]
        return f"{name} does not say which version it is: {last[0]}"
    return "" if versions.is_release(said[0], version) else f"{name} is {said[0]}, wanted {version}"


def of_archive(name: str, path: Path, version: str, wanted: str) -> str:
    """What is wrong with a release's image archive; empty if it is the wanted one."""
    try:
        images: Sequence[image_archive.Image] = image_archive.read(str(path))
    except image_archive.ArchiveError as error:
        return f"{name}.tar {error}"
    if any(image.tag_for(Reference(name, version), wanted) for image in images):
        return ""
    tags = [f"{tag} ({image.architecture})" for image in images for tag in image.tags]
    return (
        f"{name}.tar holds {', '.join(tags) or 'no image with a tag'}, wanted {name}:{version} for {wanted}"
    )


def problems(module: AnsibleModule, version: str, files: Mapping[str, Path]) -> list[str]:
    """What is wrong with programs and image archives of a release; none if they are the wanted ones.

    files: where each is, by its name in the release. The module's parameter architecture is the wanted one.
    """
    wanted = version, module.params["architecture"]
    found = (
        of_archive(name[: -len(ARCHIVE)], path, *wanted)
        if name.endswith(ARCHIVE)
        else of_program(module, name, path, *wanted)
        for name, path in files.items()
    )
    return [problem for problem in found if problem]


def other_release(module: AnsibleModule, version: str, tarball: str, wrong: Sequence[str]) -> ReleaseError:
    """The error of a tarball with the right SHA-512 whose parts are not those of the wanted release."""
    return ReleaseError(
        f"{tarball} is not Kubernetes {version} for {module.params['architecture']}: {'; '.join(wrong)}."
        " Nothing was replaced. Give the tarball of that release and its SHA-512, or set cluster_version to"
        " the release that this is."
    )
