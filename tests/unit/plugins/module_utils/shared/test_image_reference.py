"""Names of images are read the way a container runtime reads them."""

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.image_reference import Reference

DIGEST = f"sha256:{'a' * 64}"


def test_name_tag_and_digest_are_told_apart() -> None:
    reference = Reference.parse(f"registry.local:5000/k8s/etcd:3.4.3-0@{DIGEST}")
    assert reference == Reference("registry.local:5000/k8s/etcd", "3.4.3-0", DIGEST)
    assert reference.tagged == "registry.local:5000/k8s/etcd:3.4.3-0"
    assert reference.pinned == f"registry.local:5000/k8s/etcd@{DIGEST}"
    assert reference.base == "etcd"


@pytest.mark.parametrize(
    "text",
    ["", "etcd", "registry.local:5000/etcd", f"etcd@{DIGEST}", "etcd:1@sha256:short", "--all:1", "a b:1"],
)
def test_what_is_no_exact_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"NAME:TAG or NAME:TAG@sha256"):
        Reference.parse(text)


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("busybox:1", "docker.io/library/busybox:1"),
        ("docker.io/busybox:1", "docker.io/library/busybox:1"),
        ("me/busybox:1", "docker.io/me/busybox:1"),
        ("docker.io/me/busybox:1", "docker.io/me/busybox:1"),
        ("localhost/busybox:1", "localhost/busybox:1"),
        ("registry:5000/busybox:1", "registry:5000/busybox:1"),
        ("registry.k8s.io/pause:3.2", "registry.k8s.io/pause:3.2"),
    ],
)
def test_names_that_are_the_same_to_a_container_runtime_have_one_full_name(text: str, full: str) -> None:
    assert Reference.parse(text).full == full
