#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Packages of the distribution, from its repositories or from a bundle."""

from __future__ import annotations

DOCUMENTATION = r"""
module: packages
short_description: Install packages of Debian or Ubuntu
version_added: 0.1.0
description:
  - Installs packages that are missing, with what they need and without what they recommend. A package that is
    there is upgraded only if a missing one needs it; none is removed, and no configuration file replaced.
  - What an interrupted run has left half installed is completed.
  - Calls C(dpkg) and C(apt-get) alone, so that a bare host needs no library for it.
author: The mink8s authors (@mink8s)
extends_documentation_fragment: [mink8s.kubernetes.ledger]
attributes:
  check_mode:
    description: Reports which packages are missing. Needs no package lists.
    support: full
  diff_mode:
    description: Shows the state of each package before and after.
    support: full
options:
  names:
    description:
      - Names of the packages, each NAME or NAME=VERSION.
      - A version counts only where the package is not installed.
    type: list
    elements: str
    required: true
  artifacts:
    description:
      - Directory on the host that may hold a bundle's V(packages.tar). Its SHA-512 must be in C(SHA512SUMS)
        beside it, and it must be for the host's distribution.
      - The host's package repositories are used if it is not set, or holds no such file.
    type: path
  unless:
    description: >-
      Packages, by a program that makes them unnecessary. Where the program is on the host and none of these
      packages is, not even half installed, they are left out.
    type: dict
    default: {}
  niceness:
    description: Added to the priority number of all that is run, 0 to 19, so that other work comes first.
    type: int
    default: 0
  leftover_paths:
    description: >-
      Directories and files that the packages' programs make and removing the packages leaves. Those that are
      not there before are noted in O(ledger).
    type: list
    elements: path
    default: []
"""

EXAMPLES = r"""
- name: Install what the kubelet calls
  mink8s.kubernetes.packages:
    names: [iptables, socat]

- name: Install the same on a host without internet
  mink8s.kubernetes.packages:
    names: [iptables, socat]
    artifacts: /srv/bundle
"""

RETURN = r"""
reasons:
  description: Why something changed, one sentence for each package.
  type: list
  elements: str
  returned: always
  sample: ["socat is not installed"]
names:
  description: Those of the packages that were installed, or would be.
  type: list
  elements: str
  returned: always
"""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.bundle import packages_tar
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import apt_packages, dpkg, programs
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.apt_packages import Apt, AptError, Source
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import ledger_file
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.ledger_file import LedgerError
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan, carry_out


def plan(names: Sequence[str], statuses: Mapping[str, str]) -> tuple[Plan, tuple[str, ...]]:
    """The plan, and the names that have to be installed.

    statuses: dpkg's word on each package it knows.
    """
    reasons = apt_packages.plan_reasons(names, statuses)
    before = "".join(
        f"{apt_packages.bare(name)}: {statuses.get(apt_packages.bare(name), dpkg.ABSENT[0])}\n"
        for name in reasons
    )
    after = "".join(f"{apt_packages.bare(name)}: installed\n" for name in reasons)
    return Plan(tuple(reasons.values()), before, after), tuple(reasons)


@contextmanager
def source_of(apt: Apt, archive: Path | None) -> Iterator[Source]:
    """The archive as a source, for as long as it is needed, or the repositories. Raises AptError."""
    if not archive:
        yield apt_packages.REPOSITORIES
        return
    with tempfile.TemporaryDirectory(dir=packages_tar.SPACE) as directory:
        packages = packages_tar.unpack(archive, Path(directory))
        controls = {package: apt.control(package) for package in packages}
        yield packages_tar.repository(archive, Path(directory), controls)


def apply(module: AnsibleModule, apt: Apt, names: Sequence[str], archive: Path | None) -> None:
    """Finish what was begun, note what is coming, and install it. Raises AptError and LedgerError."""
    broken = apt.repair()
    statuses = apt.statuses([apt_packages.bare(name) for name in names])
    missing = list(apt_packages.plan_reasons(names, statuses))
    if not missing:
        return
    with source_of(apt, archive) as source:
        was_read = apt.refresh(source)
        try:
            install(module, apt, source, missing, broken)
        except apt_packages.UnavailableError:
            # Lists that are young may still be older than what the repository has.
            if was_read or archive:
                raise
            apt.refresh(source, young=False)
            install(module, apt, source, missing, broken)


def install(module: AnsibleModule, apt: Apt, source: Source, missing: Sequence[str], broken: bool) -> None:
    """Note what is coming and install it. Raises AptError and LedgerError."""
    new = apt.would_install(source, missing, broken)
    ledger_file.note(module.params["ledger"], packages=new, trees=module.params["leftover_paths"])
    apt.install(source, missing, broken)


def run(module: AnsibleModule) -> None:
    """Bring the packages to the host and end the module. Raises AptError and LedgerError."""
    apt = Apt(module)
    names, artifacts = module.params["names"], module.params["artifacts"]
    archive = Path(artifacts, packages_tar.NAME) if artifacts else None
    archive = archive if archive and archive.exists() else None
    statuses = apt.statuses([apt_packages.bare(name) for name in names])
    names = apt_packages.needed(names, module.params["unless"], statuses, programs.find)
    changes, missing = plan(names, statuses)
    if missing and archive:
        packages_tar.check(archive, apt_packages.distribution())
    carry_out(module, changes, lambda: apply(module, apt, names, archive), names=list(missing))


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        {
            "names": {"type": "list", "elements": "str", "required": True},
            "artifacts": {"type": "path"},
            "unless": {"type": "dict", "default": {}},
            "niceness": {"type": "int", "default": 0},
            "leftover_paths": {"type": "list", "elements": "path", "default": []},
            **ledger_file.ARGUMENTS,
        },
        supports_check_mode=True,
    )
    os.nice(module.params["niceness"])
    try:
        run(module)
    except (AptError, LedgerError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
