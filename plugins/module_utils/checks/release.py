# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of the release that is wanted, and of where it comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.finding import check
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.observation import Host
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release import table
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import versions
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.finding import Problems, failure


@check
def version_range(desired: Mapping[str, Any], host: Host) -> Problems:
    """cluster_version, which has to be of a minor release that the collection knows."""
    seen = f"cluster_version is {desired['version']}."
    if not re.fullmatch(versions.FORM, desired["version"]):
        yield failure(seen, "Write it as v1.Y.Z, such as v1.18.20.")
    elif not table.has(desired["releases"], desired["version"]):
        oldest, *_others, newest = table.minors(desired["releases"])
        row = (
            " A later release needs a row of its own in roles/release/vars/main.yml, with its images and"
            " flags; cluster_release_checksum alone is not enough."
        )
        is_later = versions.minor(desired["version"]) > versions.minor(f"v{newest}")
        yield failure(seen, f"Choose v{oldest} to v{newest}.{row if is_later else ''}")


@check
def release_checksum(desired: Mapping[str, Any], host: Host) -> Problems:
    """The SHA-512 of the release, which has to be known."""
    version, checksum = desired["version"], desired["checksum"]
    sums, known = host.artifact_sums or {}, table.checksums(desired["releases"])
    where = f"CHANGELOG-1.{versions.minor(version)}.md of github.com/kubernetes/kubernetes"
    remedy = f"Set cluster_release_checksum to the SHA-512 of {host.tarball} from {where}."
    if checksum and not re.fullmatch(r"[0-9a-fA-F]{128}", checksum):
        yield failure(f"The checksum given is not 128 hexadecimal digits: {checksum}.", remedy)
    elif re.fullmatch(versions.FORM, version) and not (checksum or version in known or host.tarball in sums):
        yield failure(f"The checksum of {version} is not known (known: {', '.join(known)}).", remedy)


@check
def artifacts(desired: Mapping[str, Any], host: Host) -> Problems:
    """The directory of artifacts, if there is one, and the SHA-512 of the tarball in it."""
    remedy = f"Put {host.tarball} there, or set cluster_artifacts to the directory that has it."
    if desired["artifacts"] and host.artifacts is None:
        yield failure(f"There is no directory {desired['artifacts']}.", remedy)
    elif desired["artifacts"] and host.tarball not in (host.artifacts or ()):
        yield failure(f"{desired['artifacts']} has no {host.tarball}.", remedy)
    wanted = checksum(desired, host)
    if host.tarball_digest and wanted and host.tarball_digest != wanted:
        yield failure(
            f"{desired['artifacts']}/{host.tarball} has the SHA-512 {host.tarball_digest}, but"
            f" {_origin(desired, host)} says {wanted}.",
            f"Copy the tarball of {desired['version']} there again, or set cluster_version to what it is of.",
        )


@check
def mirror(desired: Mapping[str, Any], host: Host) -> Problems:
    """The release server. Not where the release is already unpacked."""
    if host.mirror_error:
        yield failure(
            f"{desired['url']}/{desired['version']}/{host.tarball} can't be fetched: {host.mirror_error}.",
            "Set cluster_release_url to a server that has it, or cluster_artifacts to a directory with it.",
        )


@check
def downgrade(desired: Mapping[str, Any], host: Host) -> Problems:
    """The release on the host, which is never replaced by an older one."""
    if _goes(desired, host) and versions.parse(desired["version"]) < versions.parse(host.installed):
        yield failure(
            f"The host runs {host.installed}, which is newer than {desired['version']}: the older release may"
            " not be able to read etcd's data.",
            f"Set cluster_version to {host.installed} or later, or go back to a backup with restore.yml.",
        )


@check
def skipped_minor(desired: Mapping[str, Any], host: Host) -> Problems:
    """The release on the host, which is followed by the next minor version."""
    if _goes(desired, host) and versions.minor(desired["version"]) > versions.minor(host.installed) + 1:
        yield failure(
            f"The host runs {host.installed}, and {desired['version']} is more than one minor version later.",
            "Run upgrade.yml with one minor version after the other, or with upgrade_skip_minor: true.",
        )


def checksum(desired: Mapping[str, Any], host: Host) -> str:
    """The SHA-512 the release has to have: the known one, or that given, or that listed with the artifacts.

    Empty if there is none.
    """
    listed = (host.artifact_sums or {}).get(host.tarball, "")
    return str(_known(desired, host) or desired["checksum"].lower() or listed)


def _known(desired: Mapping[str, Any], host: Host) -> str:
    """The SHA-512 that the table of releases has; empty if it has none."""
    return table.checksums(desired["releases"]).get(desired["version"], {}).get(host.architecture, "")


def _origin(desired: Mapping[str, Any], host: Host) -> str:
    """Who says which SHA-512 the release has to have."""
    if _known(desired, host):
        return "the collection's own table"
    return "cluster_release_checksum" if desired["checksum"] else f"{desired['artifacts']}/SHA512SUMS"


def _goes(desired: Mapping[str, Any], host: Host) -> bool:
    """Whether one release is to follow another; what is no version is another check's finding."""
    return bool(host.installed and re.fullmatch(versions.FORM, desired["version"]))
