"""An archive of packages is used only if it is what it should be, and is all that apt-get then sees."""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
from pathlib import Path

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.bundle import packages_tar
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import apt_packages
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.apt_packages import AptError


def package(directory: Path, name: str, depends: str = "") -> Path:
    """A package file that dpkg itself made, with nothing in it."""
    tree = directory / f"tree-{name}"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN").chmod(0o755)
    control = f"Package: {name}\nVersion: 1:1.0\nArchitecture: all\nMaintainer: nobody\nDescription: {name}\n"
    (tree / "DEBIAN/control").write_text(control + (f"Depends: {depends}\n" if depends else ""))
    target = directory / f"{name}_1%3a1.0_all.deb"
    subprocess.run(["dpkg-deb", "--build", str(tree), str(target)], check=True, stdout=subprocess.DEVNULL)
    return target


def archive(directory: Path, *packages: Path, distribution: str = "debian bookworm") -> Path:
    """An archive with its sum beside it."""
    made_for = directory / "made-for"
    made_for.write_text(f"{distribution}\n")
    target = directory / "packages.tar"
    packages_tar.write(target, packages, made_for)
    checksum = hashlib.sha512(target.read_bytes()).hexdigest()
    (directory / "SHA512SUMS").write_text(f"{checksum}  packages.tar\n")
    return target


def field(path: Path) -> str:
    done = subprocess.run(["dpkg-deb", "--field", str(path)], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return archive(
        tmp_path, package(tmp_path, "mink8s-b"), package(tmp_path, "mink8s-a", "mink8s-b (>= 1:1.0)")
    )


def test_a_good_archive_passes(good: Path) -> None:
    packages_tar.check(good, "debian bookworm")


def test_a_damaged_archive_is_refused(good: Path) -> None:
    content = bytearray(good.read_bytes())
    content[-1] ^= 1
    good.write_bytes(content)
    with pytest.raises(AptError, match="has the SHA-512"):
        packages_tar.check(good, "debian bookworm")


def test_an_archive_without_a_sum_is_refused(good: Path) -> None:
    good.with_name("SHA512SUMS").write_text("")
    with pytest.raises(AptError, match=r"does not list packages\.tar"):
        packages_tar.check(good, "debian bookworm")
    good.with_name("SHA512SUMS").unlink()
    with pytest.raises(AptError, match=r"does not list packages\.tar"):
        packages_tar.check(good, "debian bookworm")


def test_packages_for_another_distribution_are_refused(good: Path) -> None:
    with pytest.raises(AptError, match="are for debian bookworm, but this host is debian trixie"):
        packages_tar.check(good, "debian trixie")


def test_only_packages_leave_the_archive_and_only_to_the_directory(tmp_path: Path) -> None:
    target = tmp_path / "packages.tar"
    with tarfile.open(target, "w") as tar:
        for name in ("../outside.deb", "/absolute.deb", "readme", "inner/a.deb", "a_1%3a1.0+x~1_all.deb"):
            tar.addfile(tarfile.TarInfo(name))
        link = tarfile.TarInfo("link.deb")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    into = tmp_path / "into"
    into.mkdir()
    assert packages_tar.unpack(target, into) == [into / "a_1%3a1.0+x~1_all.deb"]
    assert [path.name for path in into.iterdir()] == ["a_1%3a1.0+x~1_all.deb"]
    assert not (tmp_path / "outside.deb").exists()


def test_what_is_no_archive_of_packages_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "packages.tar"
    target.write_bytes(b"no tar")
    with pytest.raises(AptError, match="cannot be unpacked"):
        packages_tar.unpack(target, tmp_path)
    with tarfile.open(target, "w"):
        pass
    with pytest.raises(AptError, match="has no packages"):
        packages_tar.unpack(target, tmp_path)


def test_apt_resolves_from_the_archive_alone(good: Path, tmp_path: Path) -> None:
    directory = tmp_path / "repository"
    directory.mkdir()
    packages = packages_tar.unpack(good, directory)
    source = packages_tar.repository(good, directory, {path: field(path) for path in packages})

    def apt(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["apt-get", *source.options, *command], check=False, capture_output=True, text=True
        )

    assert apt("update").returncode == 0
    done = apt("install", "--simulate", "mink8s-a")
    assert apt_packages.parse_new(done.stdout) == ["mink8s-b", "mink8s-a"], done.stderr
    missing = apt("install", "--simulate", "mink8s-c")
    assert "Unable to locate package" in missing.stderr
