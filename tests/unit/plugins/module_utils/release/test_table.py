"""The table of releases answers for every version that somebody may write."""

from __future__ import annotations

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release import table

OLD = {"checksums": {"v1.9.1": {"amd64": "a"}}, "kernel_memory_limit_removed_in": "v1.9.3"}
NEW = {"checksums": {"v1.10.0": {"amd64": "b"}, "v1.10.4": {}}}
TABLE = {"1.10": NEW, "1.9": OLD}


@pytest.mark.parametrize(
    ("version", "row"),
    [("v1.9.7", OLD), ("v1.10.0", NEW), ("v1.11.0", NEW), ("v1.8.0", OLD), ("nonsense", NEW)],
)
def test_the_nearest_row_stands_for_one_that_is_not_there(version: str, row: dict[str, object]) -> None:
    assert table.row(TABLE, version) is row


def test_a_minor_release_is_in_the_table_or_not() -> None:
    assert [table.has(TABLE, version) for version in ("v1.9.7", "v1.10.0", "v1.11.0")] == [True, True, False]


def test_minor_releases_and_sums_come_in_order_of_their_numbers() -> None:
    assert table.minors(TABLE) == ["1.9", "1.10"]
    assert table.minors(TABLE, lambda row: row is NEW) == ["1.10"]
    assert list(table.checksums(TABLE)) == ["v1.9.1", "v1.10.0", "v1.10.4"]
    assert table.checksums(TABLE, lambda row: row is OLD) == {"v1.9.1": {"amd64": "a"}}


def test_kernel_memory_is_left_alone_from_a_patch_release_on() -> None:
    assert [table.sets_kernel_memory(OLD, version) for version in ("v1.9.2", "v1.9.3")] == [True, False]
    assert not table.sets_kernel_memory(NEW, "v1.10.0")
