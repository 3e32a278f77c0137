#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The parts of a Kubernetes release that this host runs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: release
short_description: Install parts of a Kubernetes server release
version_added: 0.1.0
description:
  - Takes programs and image archives out of a release's server tarball, after checking its SHA-512.
  - What comes out of it has to be of O(version) and for O(architecture), or nothing is replaced. A vendor's
    build of the version, such as V(v1.18.6-k3s1), will do.
  - The tarball is not kept. O(directory)/VERSION/release.json records the hashes of the parts taken.
  - A program in O(bin_dir) that is in no such record is not overwritten.
author: The mink8s authors (@mink8s)
extends_documentation_fragment: mink8s.kubernetes.ledger
attributes:
  check_mode:
    description: Reports what is missing or different, without downloading anything, on a bare host too.
    support: full
  diff_mode:
    description: Shows the state of each part before and after.
    support: full
options:
  version:
    description: Version of the release, such as V(v1.18.20).
    type: str
    required: true
  architecture:
    description: Architecture of the host, in Kubernetes' words.
    type: str
    choices: [amd64, arm64]
    required: true
  url:
    description:
      - Server with the tarball at URL/VERSION/kubernetes-server-linux-ARCHITECTURE.tar.gz. Proxies are taken
        from the environment. A download that was interrupted goes on where it stopped.
    type: str
    default: https://dl.k8s.io
  artifacts:
    description: Directory on the host with the tarball and SHA512SUMS. If set, nothing is downloaded.
    type: path
  checksum:
    description: SHA-512 of the tarball. If not set, SHA512SUMS in O(artifacts) has to list it.
    type: str
  checksum_origin:
    description: Who says that O(checksum) is the tarball's, for messages.
    type: str
    default: cluster_release_checksum
  directory:
    description: Directory for what is kept of releases, each in a directory named after its version.
    type: path
    default: /var/lib/mink8s
  bin_dir:
    description: Directory for the programs.
    type: path
    default: /usr/local/bin
  binaries:
    description: Programs to install in O(bin_dir).
    type: list
    elements: str
    default: [kubelet, kubectl]
  images:
    description: Images whose archives are kept as O(directory)/VERSION/NAME.tar.
    type: list
    elements: str
    default: [kube-apiserver]
  timeout:
    description: Seconds to wait for the next byte of a download.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Install the kubelet, kubectl and the image of kube-apiserver
  mink8s.kubernetes.release:
    version: v1.18.20
    architecture: amd64
    checksum: "{{ release_checksum }}"
"""

RETURN = r"""
reasons:
  description: Why something changed, one sentence for each part.
  type: list
  elements: str
  returned: always
checksum:
  description: SHA-512 of the tarball. Empty in check mode if O(artifacts) is not there yet.
  type: str
  returned: always
binaries:
  description: Paths of the programs.
  type: list
  elements: str
  returned: always
archives:
  description: Paths of the image archives.
  type: list
  elements: str
  returned: always
source:
  description: URL or path of the tarball.
  type: str
  returned: always
downloaded_bytes:
  description: Number of bytes that came over the network in this run.
  type: int
  returned: always
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release import (
    identity,
    install_record,
    server_tarball,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release.install_record import ReleaseError
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release.server_tarball import Part
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import ledger_file, versions
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.files import write
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan, carry_out


@dataclass(frozen=True)
class Desired:
    """The release as it should be on the host.

    source: URL or path of the tarball.
    checksum: SHA-512 of the tarball; empty where it cannot be known yet.
    origin: where that comes from. directory: where the archives and the record are kept.
    """

    version: str
    source: str
    checksum: str
    origin: str
    directory: Path
    binaries: tuple[Part, ...]
    archives: tuple[Part, ...]


@dataclass(frozen=True)
class Observed:
    """The release's record (empty without one), paths in any release's record, and what is at each path."""

    record: dict[str, Any]
    owned: frozenset[str]
    hashes: dict[Path, str | None]


def desire(params: dict[str, Any], check_mode: bool) -> Desired:
    """What the module's parameters ask for. Raises ReleaseError if they cannot be met."""
    version, artifacts, url = params["version"], params["artifacts"], params["url"].rstrip("/")
    if not re.fullmatch(r"v\d+\.\d+\.\d+([-+][\w.+-]+)?", version):
        raise ReleaseError(f"{version} is no version. Set cluster_version to one like v1.18.20.")
    if not artifacts and not re.match("https?://[^/]", url):
        raise ReleaseError(
            f"{server_tarball.shown(url)} is no URL. Set cluster_release_url to one with http or https."
        )
    tarball = versions.tarball(params["architecture"])
    checksum, origin = server_tarball.wanted_checksum(params, check_mode, tarball)
    directory, bin_dir = Path(params["directory"], version), Path(params["bin_dir"])
    return Desired(
        version,
        str(Path(artifacts, tarball)) if artifacts else f"{url}/{version}/{tarball}",
        checksum,
        origin,
        directory,
        tuple(Part(bin_dir / name, 0o755) for name in params["binaries"]),
        tuple(Part(directory / f"{name}.tar", 0o644) for name in params["images"]),
    )


def observe(desired: Desired) -> Observed:
    """The release's parts on the host, with their sha256. Raises ReleaseError if a record is damaged."""
    paths = desired.directory.parent.glob(f"*/{install_record.NAME}")
    records = {path.parent: install_record.read_record(path) for path in paths}
    record = records.get(desired.directory, {})
    owned = frozenset(path for other in records.values() for path in other["parts"])
    programs, archives = ([part.path for part in parts] for parts in (desired.binaries, desired.archives))
    return Observed(record, owned, install_record.hashes(programs, archives, record))


def plan(desired: Desired, observed: Observed) -> tuple[Plan, tuple[Part, ...]]:
    """The plan, and the parts it puts in place. Raises ReleaseError if one is not ours to replace."""
    recorded = observed.record.get("parts", {})
    for part in desired.binaries:
        if observed.hashes[part.path] is not None and str(part.path) not in observed.owned:
            raise ReleaseError(
                f"{part.path} was not installed by this collection and is left as it is. Move it away, or"
                " set cluster_bin_dir to another directory."
            )
    parts = (*desired.binaries, *desired.archives)
    from_this_tarball = desired.checksum in ("", observed.record.get("checksum"))
    states = {}
    for part in parts:
        expected = recorded.get(str(part.path), {}).get("sha256")
        if observed.hashes[part.path] is None:
            states[part] = "missing"
        elif not from_this_tarball or observed.hashes[part.path] != expected:
            states[part] = f"not the one of {desired.version}"
    reasons = tuple(f"{part.path.name} in {part.path.parent} is {state}" for part, state in states.items())
    before = "".join(f"{part.path}: {states.get(part, desired.version)}\n" for part in parts)
    after = "".join(f"{part.path}: {desired.version}\n" for part in parts)
    return Plan(reasons, before, after), tuple(states)


def put_in_place(
    module: AnsibleModule, desired: Desired, observed: Observed, needed: tuple[Part, ...], tarball: Path
) -> None:
    """Take the needed parts out of the tarball, and record them. Raises ReleaseError."""
    for directory in {desired.directory, *(part.path.parent for part in needed)}:
        directory.mkdir(parents=True, exist_ok=True)
    kept = observed.record["parts"] if observed.record.get("checksum") == desired.checksum else {}
    with server_tarball.unpacked(tarball, needed) as staged:
        files = {part.path.name: path for part, path in staged.items()}
        wrong = identity.problems(module, desired.version, files)
        if wrong:
            raise identity.other_release(module, desired.version, server_tarball.shown(desired.source), wrong)
        taken = {str(part.path): install_record.fingerprint(path) for part, path in staged.items()}
        record = {"checksum": desired.checksum, "parts": {**kept, **taken}}
        # The record comes first, so that a run killed after it still knows the programs as its own.
        write(desired.directory / install_record.NAME, f"{json.dumps(record, indent=2)}\n".encode(), 0o644)
        for part, path in staged.items():
            path.replace(part.path)


def run(module: AnsibleModule) -> None:
    """Bring the host to the release and end the module. Raises ReleaseError and OSError."""
    artifacts, timeout = module.params["artifacts"], module.params["timeout"]
    desired = desire(module.params, module.check_mode)
    observed = observe(desired)
    changes, needed = plan(desired, observed)
    tarball, received = Path(desired.source), 0
    if needed and artifacts and not (module.check_mode and not Path(artifacts).exists()):
        server_tarball.verify(tarball, desired.checksum, desired.origin, "Copy it there again.")
    if needed and not module.check_mode:
        programs = [part.path for part in desired.binaries]
        ledger_file.note(module.params["ledger"], trees=[desired.directory], files=programs)
    if needed and not artifacts and not module.check_mode:
        tarball = desired.directory / f"{tarball.name}.part"
        received = server_tarball.fetch(desired.source, tarball, desired.checksum, desired.origin, timeout)

    def apply() -> None:
        try:
            put_in_place(module, desired, observed, needed, tarball)
        finally:
            if not artifacts:
                tarball.unlink()

    carry_out(
        module,
        changes,
        apply,
        checksum=desired.checksum,
        binaries=[str(part.path) for part in desired.binaries],
        archives=[str(part.path) for part in desired.archives],
        source=server_tarball.shown(desired.source),
        downloaded_bytes=received,
    )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        {
            "version": {"type": "str", "required": True},
            "architecture": {"type": "str", "choices": ["amd64", "arm64"], "required": True},
            "url": {"type": "str", "default": "https://dl.k8s.io"},
            "artifacts": {"type": "path"},
            "checksum": {"type": "str"},
            "checksum_origin": {"type": "str", "default": "cluster_release_checksum"},
            "directory": {"type": "path", "default": "/var/lib/mink8s"},
            "bin_dir": {"type": "path", "default": "/usr/local/bin"},
            "binaries": {"type": "list", "elements": "str", "default": ["kubelet", "kubectl"]},
            "images": {"type": "list", "elements": "str", "default": ["kube-apiserver"]},
            "timeout": {"type": "int", "default": 30},
            **ledger_file.ARGUMENTS,
        },
        supports_check_mode=True,
    )
    try:
        run(module)
    except (ReleaseError, ledger_file.LedgerError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
