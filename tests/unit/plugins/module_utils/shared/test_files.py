"""Files are put in place whole, with their mode, or not at all."""

import hashlib
from pathlib import Path

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import files


def test_missing_file_reads_as_none(tmp_path: Path) -> None:
    assert files.read(tmp_path / "missing") is None


def test_write_replaces_content_and_mode_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "key"
    target.write_bytes(b"old")
    files.write(target, b"new", 0o600)
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_write_that_fails_keeps_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "directory"
    target.mkdir()
    with pytest.raises(OSError):
        files.write(target, b"new", 0o600)
    assert [path.name for path in tmp_path.iterdir()] == ["directory"]


def test_digest_is_the_hash_of_the_content(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"a" * (3 << 20))
    assert files.digest(target, "sha512") == hashlib.sha512(b"a" * (3 << 20)).hexdigest()


def test_sums_are_read_in_either_format_of_sha512sum(tmp_path: Path) -> None:
    listing = tmp_path / "SHA512SUMS"
    listing.write_text(f"{'a' * 128}  other\n{'B' * 128} *./file\nnonsense\n")
    assert files.sums(listing) == {"other": "a" * 128, "file": "b" * 128}
