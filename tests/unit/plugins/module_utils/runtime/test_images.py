"""An image is the one of an archive by what it is made of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import images
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import Image
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import image_archive

ARCHIVED = image_archive.Image(
    "/a.tar", ("a:1",), "sha256:configuration", "2020-01-01T00:00:00Z", "amd64", ("sha256:layer",)
)
STORED = Image("sha256:manifest", architecture="amd64", created="2020-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"identity": "sha256:configuration"}, True),
        ({"identity": "sha256:other"}, False),
        ({"layers": ("sha256:layer",)}, True),
        ({"layers": ("sha256:layer",), "created": "2021-01-01T00:00:00Z"}, False),
        ({"layers": ("sha256:layer",), "architecture": "arm64"}, False),
        ({"layers": ("sha256:other",)}, False),
        ({"layers": ()}, False),
    ],
)
def test_same_image_is_known_by_its_id_or_its_content(changes: dict[str, Any], same: bool) -> None:
    assert images.is_same(ARCHIVED, replace(STORED, **changes)) is same
