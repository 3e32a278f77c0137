# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images in the container runtime: where each comes from, which it lacks, and how they get there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    ContainerRuntime,
    ContainerRuntimeError,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    Image as Stored,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import (
    files,
    image_archive,
    ledger_file,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.image_archive import Image
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.image_reference import Reference
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

# The options of the modules that bring images; doc_fragments/images.py explains them.
ARGUMENTS: dict[str, Any] = {
    "archives": {"type": "list", "elements": "path", "default": []},
    "pull": {"type": "bool", "default": False},
    "architecture": {"type": "str", "choices": ["amd64", "arm64"], "required": True},
}


class SourceError(Exception):
    """An image does not come from where it should."""


@dataclass(frozen=True)
class Wanted:
    """An image and where it comes from: an image in an archive and its tag there, or else the registry."""

    reference: Reference
    image: Image | None = None
    tag: str = ""

    @property
    def source(self) -> str:
        """Path of the archive, or NAME@DIGEST in the registry; empty if neither is known."""
        if self.image:
            return self.image.archive
        return self.reference.pinned if self.reference.digest else ""


def choose(reference: Reference, images: Sequence[Image], architecture: str) -> Wanted:
    """The image that an archive offers under exactly this name, or else the first one that fits."""
    offers = [
        Wanted(reference, image, tag)
        for image in images
        if (tag := image.tag_for(reference, architecture)) is not None
    ]
    return min(offers, key=lambda offer: offer.tag != reference.tagged, default=Wanted(reference))


def difference(wanted: Wanted, stored: Stored | None) -> str:
    """Why what the container runtime has is not the wanted image; empty if it is."""
    tagged, digest = wanted.reference.tagged, wanted.reference.digest
    if stored is None:
        return f"{tagged} is not in the container runtime"
    if digest and digest in stored.digests:
        return ""
    if wanted.image:
        same = is_same(wanted.image, stored)
        return "" if same else f"{tagged} is another image than the one in {wanted.image.archive}"
    return f"{tagged} is another image than {digest}" if digest else ""


def is_same(image: Image, stored: Stored) -> bool:
    """Whether the container runtime has an archive's image.

    Not every image store has the archive's ID, so the content is compared as well.
    """
    content = (stored.layers, stored.created, stored.architecture)
    return stored.identity == image.id or content == (image.layers, image.created, image.architecture)


def plan(images: Mapping[Wanted, Stored | None]) -> tuple[Plan, tuple[Wanted, ...]]:
    """The plan, and the images it brings in.

    images: what the container runtime has under each image's name.
    """
    reasons = {wanted: reason for wanted, stored in images.items() if (reason := difference(wanted, stored))}
    before, after = [], []
    for wanted, stored in images.items():
        there = stored.identity if stored else "not in the container runtime"
        coming = wanted.image.id if wanted.image else wanted.source or "from an archive"
        before.append(f"{wanted.reference.tagged}: {there}\n")
        after.append(f"{wanted.reference.tagged}: {coming if wanted in reasons else there}\n")
    return Plan(tuple(reasons.values()), "".join(before), "".join(after)), tuple(reasons)


def complaint(reference: Reference, architecture: str, pull: bool, contents: Sequence[str]) -> str:
    """What to say of an image that comes from nowhere.

    contents: a line on each archive.
    """
    text = f"{reference.tagged} for {architecture} is in none of the archives"
    if pull:
        text += (
            ", and nothing unpinned is pulled. Give its tag in cluster_image_tags a digest"
            " (TAG@sha256:…), or add an archive of it to cluster_artifacts."
        )
    else:
        text += (
            ". Add an archive of it to cluster_artifacts, or set cluster_image_tags to a tag that is there."
        )
    return "\n".join([text, "The archives:", *(contents or ["none"])])


def verify(archive: str) -> None:
    """Raises SourceError if a SHA512SUMS beside the archive lists it with another checksum."""
    sums = Path(archive).with_name(files.LISTING)
    expected = files.listed(sums.parent).get(Path(archive).name)
    if expected and (seen := files.digest(archive, "sha512")) != expected:
        raise SourceError(
            f"{archive} has the SHA-512 {seen}, but {sums} says {expected}. Copy the archive there again."
        )


def load(runtime: ContainerRuntime, images: Sequence[Image], needed: Sequence[Wanted]) -> None:
    """Load an archive and give the needed images their names. All other names stay what they were.

    images: all images in the archive. Raises ContainerRuntimeError.
    """
    final = {wanted.reference.full for wanted in needed}
    tags = [tag for image in images for tag in image.tags if Reference.parse(tag).full not in final]
    before = {tag: runtime.image(tag) for tag in tags}
    try:
        runtime.load(images[0].archive)
        for wanted in needed:
            runtime.tag(wanted.tag, wanted.reference.tagged)
    finally:
        for tag, old in before.items():
            new = runtime.image(tag)
            if old and new and old.identity != new.identity:
                runtime.tag(old.identity, tag)
            elif new and not old:
                runtime.untag(tag, prune=False)


def pull(runtime: ContainerRuntime, reference: Reference) -> None:
    """Pull an image by its digest and give it its name. Raises ContainerRuntimeError."""
    try:
        runtime.pull(reference)
    except ContainerRuntimeError as error:
        raise ContainerRuntimeError(
            f"{reference.pinned} can't be pulled: {error}\nIf the registry cannot be reached, add an archive"
            " of the image to cluster_artifacts."
        ) from error
    runtime.tag(reference.pinned, reference.tagged)


def observe(
    module: AnsibleModule, runtime: ContainerRuntime, images: Sequence[Wanted]
) -> dict[Wanted, Stored | None]:
    """What there is under each image's name. Raises ContainerRuntimeError, but not in check mode."""
    try:
        return {wanted: runtime.image(wanted.reference.tagged) for wanted in images}
    except ContainerRuntimeError as error:
        if not module.check_mode:
            raise
        if runtime.is_installed():
            module.warn(f"The images are taken to be missing: {error}.")
        return dict.fromkeys(images)


def prepare(
    module: AnsibleModule, runtime: ContainerRuntime
) -> tuple[Plan, Callable[[], None], list[dict[str, str]]]:
    """The plan for the images the module asks for, what carries it out, and what it returns of them.

    Raises SourceError, ContainerRuntimeError and ValueError.
    """
    architecture, may_pull, paths = (module.params[name] for name in ("architecture", "pull", "archives"))
    there = [path for path in paths if Path(path).exists()]
    if there != paths and not module.check_mode:
        missing = ", ".join(path for path in paths if path not in there)
        raise SourceError(f"{missing} does not exist. Put the archives there, or correct cluster_artifacts.")
    references = [Reference.parse(text) for text in module.params["images"]]
    offered, contents = image_archive.survey(there)
    images = observe(module, runtime, [choose(each, offered, architecture) for each in references])
    changes, needed = plan(images)
    complaints = [
        complaint(wanted.reference, architecture, may_pull, contents)
        for wanted in images
        if not wanted.image and there == paths
        if not (wanted.reference.digest and (may_pull or wanted not in needed))
    ]
    if complaints:
        raise SourceError("\n".join(complaints))
    for archive in dict.fromkeys(wanted.image.archive for wanted in needed if wanted.image):
        verify(archive)
    results = [
        {"name": wanted.reference.tagged, "id": stored.identity if stored else "", "source": wanted.source}
        for wanted, stored in images.items()
    ]

    def apply() -> None:
        there = {wanted.reference.tagged: images[wanted] for wanted in needed}
        before = {name: stored.identity if stored else "" for name, stored in there.items()}
        ledger_file.note(module.params["ledger"], images=before)
        bring(runtime, offered, needed)
        for result in results if needed else ():
            brought = runtime.image(result["name"])
            result["id"] = brought.identity if brought else ""

    return changes, apply, results


def bring(runtime: ContainerRuntime, offered: Sequence[Image], needed: Sequence[Wanted]) -> None:
    """Load each archive that has needed images once, and pull the others. Raises ContainerRuntimeError."""
    for archive in dict.fromkeys(wanted.image.archive for wanted in needed if wanted.image):
        load(
            runtime,
            [image for image in offered if image.archive == archive],
            [wanted for wanted in needed if wanted.source == archive],
        )
    for wanted in needed:
        if not wanted.image:
            pull(runtime, wanted.reference)
