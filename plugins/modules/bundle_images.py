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
  - What the engine did not have before is removed from it again.
author: The mink8s authors (@mink8s)
extends_documentation_fragment: [mink8s.kubernetes.bundle]
attributes:
  check_mode:
    description: Reports what is missing or damaged, without an engine.
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
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker_cli import Engine, EngineError
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


@contextmanager
def kept(engine: Engine, reference: Reference) -> Iterator[None]:
    """Give the engine back the image's names as they were, whatever happens to them. Raises EngineError."""
    tagged, pinned_before = engine.image(reference.tagged), engine.image(reference.pinned)
    try:
        yield
    finally:
        now = engine.image(reference.tagged)
        if tagged and now and now["Id"] != tagged["Id"]:
            engine.run("tag", tagged["Id"], reference.tagged)
        # With its last tag the engine would also forget a digest that was there before.
        elif now and not tagged and not pinned_before:
            engine.run("rmi", reference.tagged)
        if not pinned_before and engine.image(reference.pinned):
            engine.run("rmi", reference.pinned)


def save(engine: Engine, reference: Reference, architecture: str, target: Path) -> None:
    """Pull an image and save it under its name. Raises EngineError."""
    with kept(engine, reference):
        try:
            engine.run("pull", "--quiet", "--platform", f"linux/{architecture}", reference.pinned)
        except EngineError as error:
            raise EngineError(
                f"{error}\nIf the registry cannot be reached, set cluster_image_registry to one that can be,"
                " or bundle_host to a host that reaches it."
            ) from error
        pulled = engine.image(reference.pinned)
        if pulled and pulled["Architecture"] != architecture:
            raise EngineError(
                f"{reference.pinned} is for {pulled['Architecture']}, not {architecture}. Give its tag in"
                " cluster_image_tags the digest of the image for all architectures, or of this one's."
            )
        engine.run("tag", reference.pinned, reference.tagged)
        engine.run("save", "--output", str(target), reference.tagged)


def run(module: AnsibleModule) -> None:
    """Bring the bundle to the images and end the module. Raises EngineError, ValueError and OSError."""
    directory, architecture = Path(module.params["directory"]), module.params["architecture"]
    references = pinned(module.params["images"])
    origins = {
        name: f"{reference.tagged}@{reference.digest} for {architecture}"
        for name, reference in references.items()
    }
    changes, needed = artifacts.plan(directory, origins, artifacts.observe(directory, origins))
    engine = Engine(module)
    if needed and not engine.docker:
        raise EngineError(
            "There is no docker command here, and images are pulled with it. Install Docker, or set"
            " bundle_host to a host that has it."
        )

    def apply() -> None:
        for name in needed:
            save(engine, references[name], architecture, artifacts.part(directory, name))
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
    except (EngineError, ValueError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
