"""A release is intact while each of its parts is what was taken out of the tarball."""

import hashlib
import json
import os
from pathlib import Path

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release import install_record
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release.install_record import ReleaseError


def test_unchanged_file_is_not_read_again_but_a_touched_one_is(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"content")
    recorded = {**install_record.fingerprint(file), "sha256": "as recorded"}
    assert install_record.sha256(file, recorded) == "as recorded"
    os.utime(file, (1, 1))
    assert install_record.sha256(file, recorded) == hashlib.sha256(b"content").hexdigest()


def test_link_to_nowhere_is_not_nothing(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    assert install_record.sha256(tmp_path / "link") == ""
    assert install_record.sha256(tmp_path / "nowhere") is None


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"checksum": "x", "parts": 1}'])
def test_damaged_record_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "release.json").write_text(content)
    with pytest.raises(ReleaseError, match=f"{tmp_path}/release.json is no record"):
        install_record.read_record(tmp_path / "release.json")


@pytest.fixture
def release(tmp_path: Path) -> dict[str, Path]:
    """A release of one program and one archive, from a tarball with the checksum "sum"."""
    parts = {name: tmp_path / name for name in ("kubelet", "kube-apiserver.tar")}
    for path in parts.values():
        path.write_text(path.name)
    fingerprints = {str(path): install_record.fingerprint(path) for path in parts.values()}
    (tmp_path / install_record.NAME).write_text(json.dumps({"checksum": "sum", "parts": fingerprints}))
    return parts


def is_intact(release: dict[str, Path], checksum: str = "sum", more: str = "") -> bool:
    program, archive = release["kubelet"], release["kube-apiserver.tar"]
    archives = [archive, archive.with_name(more)] if more else [archive]
    return install_record.intact(program.parent, checksum, [program], archives)


def test_an_installed_release_is_intact(release: dict[str, Path]) -> None:
    assert is_intact(release)


def test_another_tarball_or_one_more_part_is_not(release: dict[str, Path]) -> None:
    assert not is_intact(release, checksum="other")
    assert not is_intact(release, checksum="")
    assert not is_intact(release, more="kube-proxy.tar")


@pytest.mark.parametrize("name", ["kubelet", "kube-apiserver.tar"])
def test_a_part_that_was_changed_or_removed_is_not(release: dict[str, Path], name: str) -> None:
    release[name].write_text("spoiled")
    assert not is_intact(release)
    release[name].unlink()
    assert not is_intact(release)


def test_a_program_is_read_even_if_its_size_and_time_are_the_recorded(release: dict[str, Path]) -> None:
    status = release["kubelet"].stat()
    release["kubelet"].write_text("tebeluk")
    os.utime(release["kubelet"], ns=(status.st_atime_ns, status.st_mtime_ns))
    assert not is_intact(release)


def test_without_a_record_or_with_a_damaged_one_nothing_is(release: dict[str, Path]) -> None:
    record = release["kubelet"].with_name(install_record.NAME)
    record.write_text("{")
    assert not is_intact(release)
    record.unlink()
    assert not is_intact(release)
