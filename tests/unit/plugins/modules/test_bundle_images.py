"""Only pinned images get into a bundle, under names that say what they are."""

from __future__ import annotations

import pytest
from ansible_collections.mink8s.kubernetes.plugins.modules import bundle_images

DIGEST = f"sha256:{'a' * 64}"


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
