#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images in a bundle for hosts without internet."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bundle_images
short_description: Put archives of images into a bundle
version_added: 0.1.0
description:
  - Pulls images by their digest and saves each in a bundle's directory, in an archive named after the last
    component of its name, as in V(etcd.tar).
  - An archive that was made of the same image is not made again. C(SHA512SUMS) is kept up to date.
  - What the container runtime did not have before is removed from it again.
author: The mink8s authors (@mink8s)
extends_documentation_fragment: [mink8s.kubernetes.bundle]
attributes:
  check_mode:
    description: Reports what is missing or damaged, without asking the container runtime.
    support: full
  diff_mode:
    description: Shows the state of each archive before and after.
    support: full
options:
  images:
    description: Names of the images, each NAME:TAG@sha256:DIGEST.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Put what the static pods need into the bundle
  mink8s.kubernetes.bundle_images:
    directory: /srv/bundle
    images:
      - registry.k8s.io/pause:3.2@sha256:927d98197ec1141a368550822d18fa1c60bdae27b78b0c004f705f548c07814f
    architecture: amd64
"""

RETURN = r"""
reasons:
  description: Why something changed, one sentence for each archive.
  type: list
  elements: str
  returned: always
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.bundle import artifacts
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import selection
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    ContainerRuntime,
    ContainerRuntimeError,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.image_reference import Reference
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import carry_out


def pinned(images: list[str]) -> dict[str, Reference]:
    """The images by the name of their archive. Raises ValueError for one without a digest."""
    references = [Reference.parse(text) for text in images]
    for reference in references:
        if not reference.digest:
            raise ValueError(
                f"{reference.tagged} has no digest, and nothing unpinned is pulled. Give its tag in"
                " cluster_image_tags one (TAG@sha256:…)."
            )
    return {f"{reference.base}.tar": reference for reference in references}


def is_there(runtime: ContainerRuntime) -> bool:
    """Whether there is a container runtime; of one that runs elsewhere there is only a socket here."""
    try:
        return runtime.is_installed() or bool(runtime.version())
    except ContainerRuntimeError:
        return False


@contextmanager
def kept(runtime: ContainerRuntime, reference: Reference) -> Iterator[None]:
    """Give an image's names back as they were, whatever happens to them. Raises ContainerRuntimeError."""
    tagged, pinned_before = runtime.image(reference.tagged), runtime.image(reference.pinned)
    try:
        yield
    finally:
        now = runtime.image(reference.tagged)
        if tagged and now and now.identity != tagged.identity:
            runtime.tag(tagged.identity, reference.tagged)
        elif not tagged and not (pinned_before and runtime.forgets_digests):
            runtime.untag(reference.tagged, prune=not pinned_before)
        if not pinned_before:
            runtime.untag(reference.pinned)


def save(runtime: ContainerRuntime, reference: Reference, architecture: str, target: Path) -> None:
    """Pull an image and save it under its name. Raises ContainerRuntimeError."""
    with kept(runtime, reference):
        try:
            runtime.pull(reference, architecture)
        except ContainerRuntimeError as error:
            raise ContainerRuntimeError(
                f"{reference.pinned} can't be pulled: {error}\nIf the registry cannot be reached, set"
                " cluster_image_registry to one that can be, or bundle_host to a host that reaches it."
            ) from error
        pulled = runtime.image(reference.pinned)
        if pulled and pulled.architecture != architecture:
            raise ContainerRuntimeError(
                f"{reference.pinned} is for {pulled.architecture}, not {architecture}. Give its tag in"
                " cluster_image_tags the digest of the image for all architectures, or of this one's."
            )
        runtime.tag(reference.pinned, reference.tagged)
        runtime.save(reference.tagged, str(target), architecture)


def run(module: AnsibleModule) -> None:
    """Bring the bundle to the images and end the module.

    Raises ContainerRuntimeError, ValueError and OSError.
    """
    directory, architecture = Path(module.params["directory"]), module.params["architecture"]
    references = pinned(module.params["images"])
    origins = {
        name: f"{reference.tagged}@{reference.digest} for {architecture}"
        for name, reference in references.items()
    }
    changes, needed = artifacts.plan(directory, origins, artifacts.observe(directory, origins))
    runtime = selection.of_host()
    if needed and not is_there(runtime):
        raise ContainerRuntimeError(
            "There is no container runtime here, and images are pulled with it."
            f" Install {runtime.name}, or set bundle_host to a host that has it."
        )

    def apply() -> None:
        for name in needed:
            save(runtime, references[name], architecture, artifacts.part(directory, name))
            artifacts.put(directory, name, origins[name])

    carry_out(module, changes, apply)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        {
            **artifacts.ARGUMENTS,
            "images": {"type": "list", "elements": "str", "required": True},
        },
        supports_check_mode=True,
    )
    try:
        run(module)
    except (ContainerRuntimeError, ValueError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
