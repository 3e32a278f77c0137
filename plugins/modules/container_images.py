#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images in the container runtime, from archives or pinned ones from a registry."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_images
short_description: Load, pull and tag images in the container runtime
version_added: 0.1.0
description:
  - Brings images into the container runtime under exactly the names that manifests use, from archives as
    C(docker save) writes them, or else from a registry by digest.
  - An archive offers an image if a name in it has the same tag and the same last component, whatever
    the registry. That component may end in the architecture, as in V(k8s.gcr.io/pause-amd64:3.2).
  - Other names in it stay as they are, including those that loading an archive would change.
author: The mink8s authors (@mink8s)
extends_documentation_fragment: [mink8s.kubernetes.images, mink8s.kubernetes.ledger]
attributes:
  check_mode:
    description: Compares the archives with the container runtime. Without either, all images are missing.
    support: full
  diff_mode:
    description: Shows the ID of each image before and after.
    support: full
options:
  images:
    description: Names of the images, each NAME:TAG or NAME:TAG@sha256:DIGEST.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Load what the static pods need
  mink8s.kubernetes.container_images:
    images:
      - registry.k8s.io/kube-apiserver:v1.18.20
      - registry.k8s.io/etcd:3.4.3-0
    archives:
      - /var/lib/mink8s/v1.18.20/kube-apiserver.tar
      - /srv/artifacts
    architecture: amd64
"""

RETURN = r"""
reasons:
  description: Why something changed, one sentence for each image.
  type: list
  elements: str
  returned: always
  sample: ["registry.k8s.io/etcd:3.4.3-0 is not in the container runtime"]
images:
  description: The images.
  type: list
  elements: dict
  returned: always
  contains:
    name:
      description: NAME:TAG of the image.
      type: str
      sample: registry.k8s.io/etcd:3.4.3-0
    id:
      description: ID of the image. Empty in check mode for an image that is not there.
      type: str
    source:
      description: Path of the archive, or NAME@DIGEST. Empty in check mode if it is not known yet.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import images, selection
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    ContainerRuntimeError,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import ledger_file
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import carry_out


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        {
            "images": {"type": "list", "elements": "str", "required": True},
            **images.ARGUMENTS,
            **ledger_file.ARGUMENTS,
        },
        supports_check_mode=True,
    )
    try:
        plan, apply, results = images.prepare(module, selection.of_host())
        carry_out(module, plan, apply, images=results)
    except (images.SourceError, ContainerRuntimeError, ValueError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
