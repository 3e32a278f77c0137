"""Only pinned images get into a bundle, under names that say what they are."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import Image
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.image_reference import Reference
from ansible_collections.mink8s.kubernetes.plugins.modules import bundle_images

DIGEST = f"sha256:{'a' * 64}"
TAGGED, PINNED = "registry.k8s.io/pause:3.2", f"registry.k8s.io/pause@{DIGEST}"


class Runtime:
    """A container runtime with the names of one image."""

    def __init__(self, names: set[str], forgets_digests: bool) -> None:
        self.names, self.forgets_digests = names, forgets_digests

    def image(self, name: str) -> Image | None:
        return Image("1", frozenset(), "amd64", "", ()) if name in self.names else None

    def untag(self, name: str, prune: bool = True) -> None:
        self.names.discard(name)
        if prune or self.forgets_digests:
            self.names.discard(PINNED)


@pytest.mark.parametrize("forgets_digests", [True, False])
@pytest.mark.parametrize("before", [set(), {TAGGED, PINNED}, {PINNED}])
def test_an_image_has_the_names_afterwards_that_it_had(before: set[str], forgets_digests: bool) -> None:
    runtime: Any = Runtime(set(before), forgets_digests)
    with bundle_images.kept(runtime, Reference.parse(f"{TAGGED}@{DIGEST}")):
        runtime.names |= {TAGGED, PINNED}
    # Of one known by its digest alone Docker can't lose the tag without the digest.
    keeps_tag = forgets_digests and before == {PINNED}
    assert runtime.names == (before | {TAGGED} if keeps_tag else before)


def test_an_archive_is_named_after_its_image() -> None:
    found = bundle_images.pinned(
        [f"registry.k8s.io/etcd:3.4.3-0@{DIGEST}", f"10.0.0.1:5000/x/pause:3.2@{DIGEST}"]
    )
    assert {name: reference.pinned for name, reference in found.items()} == {
        "etcd.tar": f"registry.k8s.io/etcd@{DIGEST}",
        "pause.tar": f"10.0.0.1:5000/x/pause@{DIGEST}",
    }


def test_an_image_without_a_digest_is_refused_by_the_name_of_its_variable() -> None:
    with pytest.raises(
        ValueError, match=r"registry\.k8s\.io/etcd:3\.4\.3-0 has no digest.*cluster_image_tags"
    ):
        bundle_images.pinned(["registry.k8s.io/etcd:3.4.3-0"])
