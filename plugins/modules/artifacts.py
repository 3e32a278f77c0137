#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a directory of artifacts has what a release needs, whole."""

from __future__ import annotations

DOCUMENTATION = r"""
module: artifacts
version_added: 0.1.0
short_description: Verify a directory of artifacts
description:
  - Fails, with everything that is wrong at once, unless a directory has the server tarball of a release with
    the SHA-512 it has to have, and whole archives of the images.
  - Needs no container runtime, so it works on the controller, before anything is copied from there.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: Never changes anything.
    support: full
  diff_mode:
    description: Nothing is changed, so there is nothing to show.
    support: none
options:
  path:
    description: The directory, with C(SHA512SUMS).
    type: path
    required: true
  architecture:
    description: Architecture of the hosts, in Kubernetes' words.
    type: str
    choices: [amd64, arm64]
    required: true
  version:
    description: Version of the release, such as V(v1.18.20).
    type: str
    required: true
  checksum:
    description: SHA-512 of the tarball. If not set, C(SHA512SUMS) has to list it.
    type: str
  checksum_origin:
    description: Who says that O(checksum) is the tarball's, for messages.
    type: str
    default: cluster_release_checksum
  images:
    description: Names of the images that the archives have to hold, each NAME:TAG or NAME:TAG@sha256:DIGEST.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Verify the artifacts before they are copied
  mink8s.kubernetes.artifacts:
    path: /srv/artifacts
    version: v1.18.20
    architecture: amd64
    images:
      - registry.k8s.io/etcd:3.4.3-0
  delegate_to: localhost
"""

RETURN = r"""
problems:
  description: What is wrong, one sentence for each artifact.
  type: list
  elements: str
  returned: always
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release import server_tarball
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release.install_record import ReleaseError
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import images
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import image_archive, versions
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.image_reference import Reference


def tarball_problem(params: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the release's tarball; nothing if it is the wanted one."""
    name = versions.tarball(params["architecture"])
    directory = Path(params["path"])
    there = sorted(path.name for path in directory.glob("kubernetes-server-*") if path.name != name)
    if not (directory / name).is_file():
        seen = f"; it has {', '.join(there)}" if there else ""
        yield (
            f"{directory} has no {name}{seen}. Put it there from {params['version']} of Kubernetes, or set"
            " cluster_artifacts to the directory that has it."
        )
        return
    try:
        checksum, origin = server_tarball.wanted_checksum(
            {**params, "artifacts": params["path"]}, check_mode=False, tarball=name
        )
        server_tarball.verify(
            directory / name, checksum, origin, "Copy the tarball of that release there again."
        )
    except ReleaseError as error:
        yield str(error)


def image_problems(params: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the archives of the images; nothing if they hold all of them."""
    architecture = params["architecture"]
    references = [Reference.parse(text) for text in params["images"]]
    offered, contents = image_archive.survey([params["path"]])
    chosen = [images.choose(reference, offered, architecture) for reference in references]
    for archive in dict.fromkeys(wanted.image.archive for wanted in chosen if wanted.image):
        try:
            images.verify(archive)
        except images.SourceError as error:
            yield str(error)
    missing = [wanted.reference.tagged for wanted in chosen if not wanted.image]
    if missing:
        yield (
            f"None of the archives in {params['path']} holds {', '.join(missing)} for {architecture}."
            " Add one that `docker save` has written and list it in SHA512SUMS, or set cluster_image_tags to"
            f" a tag that is there. {'. '.join(contents) or 'There are no archives'}."
        )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        {
            "path": {"type": "path", "required": True},
            "architecture": {"type": "str", "choices": ["amd64", "arm64"], "required": True},
            "version": {"type": "str", "required": True},
            "checksum": {"type": "str"},
            "checksum_origin": {"type": "str", "default": "cluster_release_checksum"},
            "images": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    try:
        problems = [*tarball_problem(module.params), *image_problems(module.params)]
    except (OSError, ValueError) as error:
        problems = [str(error)]
    if problems:
        module.fail_json(msg="\n".join([*problems, "Nothing was copied."]), problems=problems)
    module.exit_json(changed=False, problems=problems)


if __name__ == "__main__":
    main()
