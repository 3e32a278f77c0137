# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A bundle's packages.tar: packages with all they need, and for which distribution they are."""

from __future__ import annotations

import re
import shutil
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.apt_packages import (
    REPOSITORIES,
    AptError,
    Source,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import files

NAME = "packages.tar"
DISTRIBUTION = "distribution"
# Not /tmp, which may be in memory.
SPACE = "/var/tmp"
AGAIN = "Copy the bundle there again, or make it again with playbooks/bundle.yml."

_PACKAGE = re.compile(r"[A-Za-z0-9][\w.+~%-]*\.deb")


def write(archive: Path, packages: Iterable[Path], distribution: Path) -> None:
    """Write the packages to an archive, after the file that says for which distribution they are."""
    with tarfile.open(archive, "w") as tar:
        tar.add(distribution, DISTRIBUTION)
        for package in sorted(packages):
            tar.add(package, package.name)


def check(archive: Path, distribution: str) -> None:
    """Raises AptError unless the archive is what SHA512SUMS beside it says, and for this distribution."""
    sums = archive.with_name(files.LISTING)
    expected = files.listed(sums.parent).get(archive.name)
    if not expected:
        raise AptError(
            f"{sums} does not list {archive.name}, so it is not used. Add what `sha512sum {archive.name}`"
            " prints where the file is known to be good, or remove the file."
        )
    seen = files.digest(archive, "sha512")
    if seen != expected:
        raise AptError(f"{archive} has the SHA-512 {seen}, but {sums} says {expected}. {AGAIN}")
    made_for = _distribution(archive)
    if made_for not in ("", distribution):
        raise AptError(
            f"The packages in {archive} are for {made_for}, but this host is {distribution}. Make a bundle"
            f" with bundle_host set to a host that is {distribution}, or remove {archive.name} and its line"
            f" in {sums.name} and have the packages installed."
        )


def unpack(archive: Path, directory: Path) -> list[Path]:
    """Take the packages out of the archive. Raises AptError if it has none or is no tar."""
    packages = []
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                wanted = member.isfile() and _PACKAGE.fullmatch(member.name)
                source = tar.extractfile(member) if wanted else None
                if source:
                    packages.append(directory / member.name)
                    with source, packages[-1].open("wb") as sink:
                        shutil.copyfileobj(source, sink)
    except (tarfile.TarError, EOFError) as error:
        raise AptError(f"{archive} cannot be unpacked ({error}). {AGAIN}") from error
    if not packages:
        raise AptError(f"{archive} has no packages (*.deb). {AGAIN}")
    return packages


def repository(archive: Path, directory: Path, controls: Mapping[Path, str]) -> Source:
    """The directory as a source for apt-get alone, which reads and writes nothing else of apt's.

    controls: by package, what `dpkg-deb --field` says of it.
    """
    index = "\n".join(_entry(package, control) for package, control in controls.items())
    (directory / "Packages").write_text(index)
    (directory / "sources.list").write_text(f"deb [trusted=yes] file:{directory} ./\n")
    for needed in ("lists/partial", "cache/archives/partial"):
        (directory / needed).mkdir(parents=True)
    settings = {
        "Dir::Etc::SourceList": directory / "sources.list",
        "Dir::Etc::SourceParts": directory / "sources.list.d",
        "Dir::State::Lists": directory / "lists",
        "Dir::Cache": directory / "cache",
        "APT::Sandbox::User": "root",
    }
    advice = f"Is it complete, and was it made for a host like this one? {AGAIN}"
    return Source(str(archive), advice, _options(settings))


def empty_host(directory: Path, architecture: str) -> Source:
    """This host's repositories as if nothing were installed; apt-get writes to the directory alone."""
    (directory / "status").touch()
    for needed in ("lists/partial", "cache/archives/partial", "log"):
        (directory / needed).mkdir(parents=True)
    settings = {
        "Dir::State": directory,
        "Dir::State::Lists": directory / "lists",
        "Dir::State::status": directory / "status",
        "Dir::Cache": directory / "cache",
        "Dir::Log": directory / "log",
        "APT::Architecture": architecture,
        "APT::Architectures": architecture,
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
    }
    return Source(REPOSITORIES.name, REPOSITORIES.advice, _options(settings))


def _options(settings: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(f"--option={key}={value}" for key, value in settings.items())


def _entry(package: Path, control: str) -> str:
    return (
        f"{control.strip()}\n"
        f"Filename: ./{package.name}\n"
        f"Size: {package.stat().st_size}\n"
        f"SHA512: {files.digest(package, 'sha512')}\n"
    )


def _distribution(archive: Path) -> str:
    """The distribution the archive says it is for; empty if it says nothing. Raises AptError."""
    try:
        with tarfile.open(archive) as tar:
            first = tar.next()
            source = tar.extractfile(first) if first and first.name == DISTRIBUTION else None
            return source.read().decode().strip() if source else ""
    except tarfile.TarError as error:
        raise AptError(f"{archive} cannot be read ({error}). {AGAIN}") from error
