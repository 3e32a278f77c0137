# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Packages beside which the distribution's Docker cannot be installed, such as what is left of Docker CE."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.dpkg import ABSENT

RELATIONS = "${Package}\t${db:Status-Status}\t${Conflicts}, ${Breaks}\n"
# The distribution's Docker, and packages that it refuses by its own account.
DOCKER = {"docker.io", "containerd", "runc"}
RIVALS = {"docker-ce", "docker-ce-cli", "docker-ce-rootless-extras", "containerd.io"}


def find(run: Callable[..., tuple[int, str, str]], names: Sequence[str]) -> list[str]:
    """Installed packages beside which the distribution's Docker cannot be installed.

    run: the module's run_command. names: the packages to install; another Docker has other rivals.
    """
    if "docker.io" not in names:
        return []
    try:
        _code, out, _error = run(["dpkg-query", "--show", f"--showformat={RELATIONS}"])
    except OSError:
        return []
    return parse(out)


def parse(text: str) -> list[str]:
    """The rivals among the packages that dpkg-query shows with what they conflict with."""
    found = []
    for line in text.splitlines():
        name, status, relations = line.split("\t")
        # A conflict with certain versions is apt's to solve.
        clauses = {clause.strip() for clause in relations.split(",") if "(" not in clause}
        if status not in ABSENT and name not in DOCKER and (name in RIVALS or clauses & DOCKER):
            found.append(name)
    return found
