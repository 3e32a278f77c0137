# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Packages of Debian and Ubuntu, through dpkg and apt-get, so that a bare host needs no library."""

from __future__ import annotations

import os
import re
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import dpkg
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.redact import redact

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

OS_RELEASE = Path("/etc/os-release")
LISTS = Path("/var/lib/apt/lists")
CONFIGURATION = Path("/etc/apt")
# What decides where lists come from, and whether they may be read.
DECIDING = ("sources.list", "apt.conf", "auth.conf", "trusted.gpg", "keyrings")
YOUNG_SECONDS = 3600
RETRIES = "--option=Acquire::Retries=1"
# Nothing is taken from the user: no package removed, no configuration file replaced.
INSTALL = (
    "install",
    "--yes",
    "--no-install-recommends",
    "--no-remove",
    RETRIES,
    "--option=Dpkg::Options::=--force-confdef",
    "--option=Dpkg::Options::=--force-confold",
    "--option=APT::Keep-Downloaded-Packages=false",
)
ELSEWHERE = (
    "Set cluster_proxy if the host needs a proxy, or bring the packages in a bundle: playbooks/bundle.yml"
    " makes it, cluster_artifacts names it."
)

_UNKNOWN = re.compile(
    "Unable to locate package|no installation candidate|find any package|^E: Version ", re.M
)
# What a repository says whose packages are newer than the lists.
_GONE = re.compile(r"\b404 +Not Found|Hash Sum mismatch")
_UNREACHABLE = re.compile("Failed to fetch|Unable to fetch|Could not (?:resolve|connect)|Err:")


class AptError(Exception):
    """dpkg or apt-get could not do what was asked of it."""


class UnavailableError(AptError):
    """A package is not in the lists, or is not there any more where they say it is."""


@dataclass(frozen=True)
class Source:
    """Where packages come from: options for apt-get, and what to say of it and what to do in messages."""

    name: str
    advice: str
    options: tuple[str, ...] = ()


REPOSITORIES = Source("this host's package repositories", "Correct /etc/apt, or the names of the packages.")


class Apt:
    """dpkg and apt-get of this host."""

    def __init__(self, module: AnsibleModule) -> None:
        """module: what runs the commands. Raises AptError on another kind of host."""
        self._module = module
        self._complaint = ""
        for program in ("dpkg", "dpkg-query", "apt-get"):
            if not module.get_bin_path(program):
                raise AptError(
                    f"There is no {program} on this host. Packages are installed on Debian and Ubuntu alone."
                )

    def statuses(self, names: Sequence[str]) -> dict[str, str]:
        """What dpkg calls the state of each package it knows, such as `half-configured`. Raises AptError."""
        if not names:
            return {}
        form = "--showformat=${Package} ${db:Status-Status}\n"
        code, out, error = self._run("dpkg-query", "--show", form, *names)
        if code not in (0, 1):
            raise AptError(f"`dpkg-query --show` ended with code {code}: {_end(error)}")
        return parse_statuses(out)

    def repair(self) -> bool:
        """Finish what an interrupted dpkg left; whether there was anything. Raises AptError for a lock."""
        if not (self._run("dpkg", "--audit")[1] or dpkg.interrupted()):
            return False
        # What it cannot configure yet, for want of other packages, apt-get --fix-broken does.
        self._run("dpkg", "--configure", "--pending", "--force-confdef", "--force-confold")
        return True

    def refresh(self, source: Source, young: bool = True) -> bool:
        """Read the source's lists, unless they are the host's own and young. Raises AptError for a lock.

        young: whether such lists will do. Returns whether they were read.
        Lists that cannot be fetched are no error yet: those that are there may do.
        """
        shared = source is REPOSITORIES
        if shared and young and are_young(LISTS, CONFIGURATION, time.time()):
            return False
        code, out, error = self._run("apt-get", "update", RETRIES, *source.options)
        self._complaint = _end(out + error, "Err:|E:|W:") if code or _UNREACHABLE.search(out + error) else ""
        if shared and not self._complaint:
            os.utime(LISTS)
        return True

    def would_install(self, source: Source, names: Sequence[str], broken: bool) -> list[str]:
        """The packages that installing these would add to the host. Raises AptError."""
        return parse_new(self._install(source, names, "--simulate", *_fix(broken)))

    def install(self, source: Source, names: Sequence[str], broken: bool) -> None:
        """Install the packages with what they need. Raises AptError.

        broken: whether to put right what an interrupted dpkg left, too.
        """
        self._install(source, names, *_fix(broken))

    def download(self, source: Source, names: Sequence[str]) -> None:
        """Fetch the packages with what they need into the source's cache. Raises AptError."""
        self._install(source, names, "--download-only", "--option=APT::Keep-Downloaded-Packages=true")

    def control(self, package: Path) -> str:
        """What a package file says of itself. Raises AptError."""
        code, out, error = self._run("dpkg-deb", "--field", str(package))
        if code:
            raise AptError(f"{package.name} cannot be read: {_end(error)}")
        return out

    def _install(self, source: Source, names: Sequence[str], *options: str) -> str:
        code, out, error = self._run("apt-get", *INSTALL, *source.options, *options, *names)
        if not code:
            return out
        said = out + error
        conflicting = self._in_the_way(source, names) if "remove is disabled" in said else []
        if conflicting:
            raise AptError(
                f"{', '.join(names)} cannot be installed from {source.name} beside {', '.join(conflicting)}."
                f" Remove that with `apt-get remove {' '.join(conflicting)}` if nothing uses it, and run"
                " again."
            )
        gone = _UNKNOWN.search(said) or _GONE.search(said)
        kind = UnavailableError if gone else AptError
        raise kind(redact(failure(source, names, said, self._complaint)))

    def _in_the_way(self, source: Source, names: Sequence[str]) -> list[str]:
        """The packages that apt would remove to install these."""
        options = [option for option in INSTALL if option != "--no-remove"]
        _code, out, _error = self._run("apt-get", *options, *source.options, "--simulate", *names)
        return re.findall(r"^(?:Remv|Purg) (\S+)", out, re.MULTILINE)

    def _run(self, *command: str) -> tuple[int, str, str]:
        """Run a command. Raises AptError if another program does not give up the lock it needs."""
        done = dpkg.patiently(self._module, command, umask=0o022)
        if dpkg.is_locked(done):
            raise AptError(
                f"dpkg or apt-get has been locked by another program for {dpkg.LOCK_SECONDS} s:"
                f" {_end(done[2])}. Wait until it has ended, and run again."
            )
        return done


def are_young(lists: Path, configuration: Path, now: float) -> bool:
    """Whether lists are there that were read lately, and after the last change of what decides about them."""
    if not any(lists.glob("*_Packages*")):
        return False
    read = lists.stat().st_mtime
    deciding = [configuration / name for name in DECIDING]
    parts = [configuration / f"{name}.d" for name in DECIDING]
    paths = [path for path in (*deciding, *parts) if path.exists()]
    paths += [child for path in paths if path.is_dir() for child in path.iterdir()]
    # Unlike mtime, ctime cannot be set back.
    changed = max((path.lstat().st_ctime for path in paths), default=0.0)
    return now - read < YOUNG_SECONDS and read >= changed


def parse_statuses(text: str) -> dict[str, str]:
    """The status by name; of a package there for several architectures, that it is installed counts."""
    statuses: dict[str, str] = {}
    for line in text.splitlines():
        name, _space, status = line.partition(" ")
        if statuses.get(name) != "installed":
            statuses[name] = status
    return statuses


def parse_new(text: str) -> list[str]:
    """The packages that `apt-get --simulate` would add; one it would upgrade shows its old version."""
    return re.findall(r"^Inst (\S+) \(", text, re.MULTILINE)


def distribution() -> str:
    """This host's distribution. Raises AptError if it does not say."""
    try:
        return parse_distribution(OS_RELEASE.read_text())
    except (OSError, ValueError) as error:
        raise AptError(f"{OS_RELEASE} cannot be read: {error}") from error


def parse_distribution(os_release: str) -> str:
    """The distribution in the words of its /etc/os-release, such as `debian bookworm`."""
    assignments = (word.partition("=") for word in shlex.split(os_release, comments=True))
    values = {name: value for name, _equals, value in assignments}
    release = values.get("VERSION_CODENAME") or values.get("VERSION_ID") or ""
    return f"{values.get('ID', 'linux')} {release}".strip()


def failure(source: Source, names: Sequence[str], said: str, complaint: str) -> str:
    """What to say of packages that could not be installed.

    said: apt-get's own words; complaint: those about its lists.
    """
    wanted = ", ".join(names)
    if (_UNKNOWN.search(said) and complaint) or _UNREACHABLE.search(said):
        why = complaint or _end(said, "Err:|E:")
        return f"{wanted} cannot be fetched from {source.name}: {why}. {ELSEWHERE}"
    if _UNKNOWN.search(said):
        return f"{wanted}: {source.name} cannot give them: {_end(said, 'E:')}. {source.advice}"
    return f"{wanted} cannot be installed from {source.name}: {_end(said)}. {source.advice}"


def bare(name: str) -> str:
    """The package's name without the version that may be asked for."""
    return name.partition("=")[0]


def plan_reasons(names: Sequence[str], statuses: Mapping[str, str]) -> dict[str, str]:
    """Why each package has to be installed; none for one that is."""
    reasons = {}
    for name in names:
        status = statuses.get(bare(name), dpkg.ABSENT[0])
        if status in dpkg.ABSENT:
            reasons[name] = f"{bare(name)} is not installed"
        elif status != "installed":
            reasons[name] = f"{bare(name)} is {status}, not installed to the end"
    return reasons


def needed(
    names: Sequence[str],
    unless: Mapping[str, Sequence[str]],
    statuses: Mapping[str, str],
    program: Callable[[str], str],
) -> list[str]:
    """The names without the packages that a program on the host makes unnecessary.

    unless: packages by such a program. They stay if one of them is there, be it half installed.
    program: where a program is; empty if it is not on the host.
    """
    spared: set[str] = set()
    for name, packages in unless.items():
        begun = any(statuses.get(bare(package), dpkg.ABSENT[0]) not in dpkg.ABSENT for package in packages)
        if program(name) and not begun:
            spared.update(packages)
    return [name for name in names if name not in spared]


def installed(module: AnsibleModule, names: Sequence[str]) -> list[str]:
    """Those of the packages that are installed; none on another kind of host."""
    try:
        statuses = Apt(module).statuses(names)
    except AptError:
        return []
    return [name for name in names if statuses.get(name) == "installed"]


def _fix(broken: bool) -> tuple[str, ...]:
    return ("--fix-broken",) if broken else ()


def _end(text: str, beginning: str = "") -> str:
    """The last lines, of those with this beginning if there are any."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and "(Reading database" not in line]
    chosen = [line for line in lines if re.match(beginning, line)] or lines
    return "\n".join(chosen[-8:]).rstrip(".")
