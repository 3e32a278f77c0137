#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A Kubernetes release in a bundle for hosts without internet."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bundle_release
short_description: Put a Kubernetes server release into a bundle
version_added: 0.1.0
description:
  - Downloads a release's server tarball, whose SHA-512 must be known, into a bundle's directory.
  - A tarball that is there with this SHA-512 is not downloaded again. C(SHA512SUMS) is kept up to date.
author: The mink8s authors (@mink8s)
extends_documentation_fragment: [mink8s.kubernetes.bundle]
attributes:
  check_mode:
    description: Reports what is missing or damaged, without downloading anything.
    support: full
  diff_mode:
    description: Shows the state of the tarball before and after.
    support: full
options:
  version:
    description: Version of the release, such as V(v1.18.20).
    type: str
    required: true
  url:
    description:
      - Server with the tarball at URL/VERSION/kubernetes-server-linux-ARCHITECTURE.tar.gz.
      - Proxies are taken from the environment. A download that was interrupted goes on where it stopped.
    type: str
    default: https://dl.k8s.io
  checksum:
    description: SHA-512 of the tarball.
    type: str
    required: true
  checksum_origin:
    description: Who says that O(checksum) is the tarball's, for messages.
    type: str
    default: cluster_release_checksum
  timeout:
    description: Seconds to wait for the next byte of the download.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Put the release into the bundle
  mink8s.kubernetes.bundle_release:
    directory: /srv/bundle
    version: v1.18.20
    architecture: amd64
    checksum: "{{ cluster_release_checksum }}"
"""

RETURN = r"""
reasons:
  description: Why something changed, one sentence for each artifact.
  type: list
  elements: str
  returned: always
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.bundle import artifacts
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release import server_tarball
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release.install_record import ReleaseError
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import versions
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import carry_out


def run(module: AnsibleModule) -> None:
    """Bring the bundle to the release and end the module. Raises ReleaseError and OSError."""
    version, architecture = module.params["version"], module.params["architecture"]
    checksum, directory = module.params["checksum"].lower(), Path(module.params["directory"])
    tarball = versions.tarball(architecture)
    url = f"{module.params['url'].rstrip('/')}/{version}/{tarball}"
    if not checksum:
        raise server_tarball.unknown_checksum(tarball, version)
    origins = {tarball: f"Kubernetes {version} for {architecture}, SHA-512 {checksum}"}
    changes, _needed = artifacts.plan(directory, origins, artifacts.observe(directory, origins))

    def apply() -> None:
        target = artifacts.part(directory, tarball)
        origin, timeout = module.params["checksum_origin"], module.params["timeout"]
        server_tarball.fetch(url, target, checksum, origin, timeout)
        artifacts.put(directory, tarball, origins[tarball])

    carry_out(module, changes, apply)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        {
            **artifacts.ARGUMENTS,
            "version": {"type": "str", "required": True},
            "url": {"type": "str", "default": "https://dl.k8s.io"},
            "checksum": {"type": "str", "required": True},
            "checksum_origin": {"type": "str", "default": "cluster_release_checksum"},
            "timeout": {"type": "int", "default": 30},
        },
        supports_check_mode=True,
    )
    try:
        run(module)
    except (ReleaseError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
