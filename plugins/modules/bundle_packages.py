#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Packages in a bundle for hosts without internet."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bundle_packages
short_description: Put packages of Debian or Ubuntu into a bundle
version_added: 0.1.0
description:
  - Downloads packages with everything they need, down to the C library, into V(packages.tar) in a bundle's
    directory. They are for hosts with the distribution of the host on which this runs, and come from the
    repositories in its C(/etc/apt).
  - Which packages that host has installed does not matter, and nothing of its own package lists is changed.
  - An archive that was made of the same names is not made again. Remove it to have newer packages.
    C(SHA512SUMS) is kept up to date.
author: The mink8s authors (@mink8s)
extends_documentation_fragment: [mink8s.kubernetes.bundle]
attributes:
  check_mode:
    description: Reports what is missing or damaged, without downloading anything.
    support: full
  diff_mode:
    description: Shows the state of the archive before and after.
    support: full
options:
  names:
    description: Names of the packages.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Put socat into the bundle
  mink8s.kubernetes.bundle_packages:
    directory: /srv/bundle
    names: [socat]
    architecture: amd64
"""

RETURN = r"""
reasons:
  description: Why something changed, one sentence for each archive.
  type: list
  elements: str
  returned: always
"""

import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.bundle import artifacts, packages_tar
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import apt_packages
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.apt_packages import Apt, AptError
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import carry_out


def download(apt: Apt, names: list[str], architecture: str, directory: Path) -> list[Path]:
    """Fetch the packages with all they need into the directory. Raises AptError."""
    source = packages_tar.empty_host(directory, architecture)
    apt.refresh(source)
    apt.download(source, names)
    return list((directory / "cache" / "archives").glob("*.deb"))


def run(module: AnsibleModule) -> None:
    """Bring the bundle to the packages and end the module. Raises AptError and OSError."""
    names, architecture = sorted(set(module.params["names"])), module.params["architecture"]
    directory, distribution = Path(module.params["directory"]), apt_packages.distribution()
    archive = packages_tar.NAME
    origins = {archive: f"{' '.join(names)} with what they need, for {distribution} on {architecture}"}
    changes, needed = artifacts.plan(directory, origins, artifacts.observe(directory, origins))
    apt = Apt(module) if needed else None

    def apply() -> None:
        with tempfile.TemporaryDirectory(dir=packages_tar.SPACE) as place:
            packages = download(apt or Apt(module), names, architecture, Path(place))
            made_for = Path(place, packages_tar.DISTRIBUTION)
            made_for.write_text(f"{distribution}\n")
            packages_tar.write(artifacts.part(directory, archive), packages, made_for)
        artifacts.put(directory, archive, origins[archive])

    carry_out(module, changes, apply)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        {
            **artifacts.ARGUMENTS,
            "names": {"type": "list", "elements": "str", "required": True},
        },
        supports_check_mode=True,
    )
    try:
        run(module)
    except AptError as error:
        module.fail_json(
            msg=f"{error} Or set bundle_packages to false to leave packages out, or bundle_host to a host"
            " with the distribution of those that need them."
        )
    except OSError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
