"""What is in a bundle is right if it was made of what is wanted and is what its sum says."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ansible_collections.mink8s.kubernetes.plugins.module_utils.bundle import artifacts

ORIGINS = {"etcd.tar": "etcd:3.4.3-0 for amd64", "pause.tar": "pause:3.2 for amd64"}


def make(directory: Path, **other: str) -> tuple[str, ...]:
    """Make what the plan says, with some of other origins, and return its reasons."""
    origins = {**ORIGINS, **other}
    plan, needed = artifacts.plan(directory, origins, artifacts.observe(directory, origins))
    for name in needed:
        artifacts.part(directory, name).write_text(origins[name])
        artifacts.put(directory, name, origins[name])
    return plan.reasons


def correct(directory: Path) -> set[str]:
    """The files that SHA512SUMS lists, all of which are what it says."""
    subprocess.run(["sha512sum", "--check", "--strict", "--quiet", "SHA512SUMS"], cwd=directory, check=True)
    return {line.split()[1] for line in (directory / "SHA512SUMS").read_text().splitlines()}


def test_a_bundle_is_made_once(tmp_path: Path) -> None:
    bundle = tmp_path / "new" / "bundle"
    assert make(bundle) == (f"etcd.tar in {bundle} is missing", f"pause.tar in {bundle} is missing")
    assert correct(bundle) == {"bundle.json", "etcd.tar", "pause.tar"}
    assert make(bundle) == ()
    assert {path.name for path in bundle.iterdir()} == correct(bundle) | {"SHA512SUMS"}


def test_what_is_damaged_is_made_again(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "etcd.tar").write_text("damaged")
    assert make(tmp_path) == (f"etcd.tar in {tmp_path} is not what SHA512SUMS says",)
    assert correct(tmp_path) == {"bundle.json", "etcd.tar", "pause.tar"}
    assert make(tmp_path) == ()


def test_what_was_made_of_something_else_is_made_again(tmp_path: Path) -> None:
    make(tmp_path)
    wanted = {"etcd.tar": "etcd:3.4.13-0 for amd64"}
    assert make(tmp_path, **wanted) == (
        f"etcd.tar in {tmp_path} is etcd:3.4.3-0 for amd64, wanted etcd:3.4.13-0 for amd64",
    )
    assert make(tmp_path, **wanted) == ()


def test_without_sums_or_record_nothing_is_known(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "SHA512SUMS").unlink()
    assert len(make(tmp_path)) == 2
    (tmp_path / "bundle.json").write_text("{")
    assert len(make(tmp_path)) == 2
    (tmp_path / "bundle.json").write_text("[]")
    assert len(make(tmp_path)) == 2
    assert make(tmp_path) == ()


def test_a_users_own_file_keeps_its_sum_until_it_goes(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "busybox.tar").write_text("mine")
    with (tmp_path / "SHA512SUMS").open("a") as sums:
        subprocess.run(["sha512sum", "busybox.tar"], cwd=tmp_path, check=True, stdout=sums)
    (tmp_path / "pause.tar").unlink()
    make(tmp_path)
    assert correct(tmp_path) == {"bundle.json", "busybox.tar", "etcd.tar", "pause.tar"}
    (tmp_path / "busybox.tar").unlink()
    (tmp_path / "pause.tar").unlink()
    make(tmp_path)
    assert correct(tmp_path) == {"bundle.json", "etcd.tar", "pause.tar"}
