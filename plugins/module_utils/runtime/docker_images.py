# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Images in the Docker engine: where each comes from, what the engine lacks, and how it gets there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker_cli import Engine, EngineError
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


def difference(wanted: Wanted, inspected: dict[str, Any] | None) -> str:
    """Why the engine's image, as `docker image inspect` shows it, is not the wanted one; empty if it is."""
    tagged, digest = wanted.reference.tagged, wanted.reference.digest
    if inspected is None:
        return f"{tagged} is not in the engine"
    if digest and any(known.endswith(f"@{digest}") for known in inspected.get("RepoDigests") or ()):
        return ""
    if wanted.image:
        same = wanted.image.is_same(inspected)
        return "" if same else f"{tagged} is another image than the one in {wanted.image.archive}"
    return f"{tagged} is another image than {digest}" if digest else ""


def plan(images: Mapping[Wanted, dict[str, Any] | None]) -> tuple[Plan, tuple[Wanted, ...]]:
    """The plan, and the images it brings into the engine.

    images: what the engine has under each image's name.
    """
    reasons = {
        wanted: reason for wanted, inspected in images.items() if (reason := difference(wanted, inspected))
    }
    before, after = [], []
    for wanted, inspected in images.items():
        there = inspected["Id"] if inspected else "not in the engine"
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


def load(engine: Engine, images: Sequence[Image], needed: Sequence[Wanted]) -> None:
    """Load an archive and give the needed images their names. All other names stay what they were.

    images: all images in the archive. Raises EngineError.
    """
    final = {wanted.reference.full for wanted in needed}
    tags = [tag for image in images for tag in image.tags if Reference.parse(tag).full not in final]
    before = {tag: engine.image(tag) for tag in tags}
    try:
        engine.run("load", "--quiet", "--input", images[0].archive)
        for wanted in needed:
            engine.run("tag", wanted.tag, wanted.reference.tagged)
    finally:
        for tag, old in before.items():
            new = engine.image(tag)
            if old and new and old["Id"] != new["Id"]:
                engine.run("tag", old["Id"], tag)
            elif new and not old:
                engine.run("rmi", "--no-prune", tag)


def pull(engine: Engine, reference: Reference) -> None:
    """Pull an image by its digest and give it its name. Raises EngineError."""
    try:
        engine.run("pull", "--quiet", reference.pinned)
    except EngineError as error:
        raise EngineError(
            f"{error}\nIf the registry cannot be reached, add an archive of the image to cluster_artifacts."
        ) from error
    engine.run("tag", reference.pinned, reference.tagged)


def observe(module: AnsibleModule, engine: Engine, images: Sequence[Wanted]) -> dict[Wanted, Any]:
    """What the engine has under each image's name. Raises EngineError, but not in check mode."""
    try:
        there = engine.images([wanted.reference.tagged for wanted in images])
    except EngineError as error:
        if not module.check_mode:
            raise
        if engine.docker:
            module.warn(f"The images are taken to be missing, because the engine does not answer: {error}")
        return dict.fromkeys(images)
    return dict(zip(images, there))


def prepare(module: AnsibleModule, engine: Engine) -> tuple[Plan, Callable[[], None], list[dict[str, str]]]:
    """The plan for the images the module asks for, what carries it out, and what it returns of them.

    Raises SourceError, EngineError and ValueError.
    """
    architecture, may_pull, paths = (module.params[name] for name in ("architecture", "pull", "archives"))
    there = [path for path in paths if Path(path).exists()]
    if there != paths and not module.check_mode:
        missing = ", ".join(path for path in paths if path not in there)
        raise SourceError(f"{missing} does not exist. Put the archives there, or correct cluster_artifacts.")
    references = [Reference.parse(text) for text in module.params["images"]]
    offered, contents = image_archive.survey(there)
    images = observe(module, engine, [choose(each, offered, architecture) for each in references])
    changes, needed = plan(images)
    complaints = [
        complaint(wanted.reference, architecture, may_pull, contents)
        for wanted, inspected in images.items()
        if not wanted.image and there == paths
        if not (wanted.reference.digest and (may_pull or wanted not in needed))
    ]
    if complaints:
        raise SourceError("\n".join(complaints))
    for archive in dict.fromkeys(wanted.image.archive for wanted in needed if wanted.image):
        verify(archive)
    results = [
        {"name": wanted.reference.tagged, "id": inspected["Id"] if inspected else "", "source": wanted.source}
        for wanted, inspected in images.items()
    ]

    def apply() -> None:
        before = {wanted.reference.tagged: (images[wanted] or {}).get("Id", "") for wanted in needed}
        ledger_file.note(module.params["ledger"], images=before)
        bring(engine, offered, needed)
        for result in results if needed else ():
            result["id"] = engine.run("image", "inspect", "--format", "{{.Id}}", result["name"]).strip()

    return changes, apply, results


def bring(engine: Engine, offered: Sequence[Image], needed: Sequence[Wanted]) -> None:
    """Load each archive that has needed images once, and pull the others. Raises EngineError."""
    for archive in dict.fromkeys(wanted.image.archive for wanted in needed if wanted.image):
        load(
            engine,
            [image for image in offered if image.archive == archive],
            [wanted for wanted in needed if wanted.source == archive],
        )
    for wanted in needed:
        if not wanted.image:
            pull(engine, wanted.reference)
