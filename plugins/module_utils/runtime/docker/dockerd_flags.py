# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings that dockerd is given as arguments, which must not be in daemon.json as well."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import systemd

# What the distributions' packages start.
USUAL_COMMAND = ("dockerd", "-H", "fd://")

_SHORT = {
    **{"b": "bridge", "D": "debug", "g": "data-root", "G": "group"},
    **{"H": "host", "l": "log-level", "p": "pidfile", "s": "storage-driver"},
}
# The setting that a flag of another name stands for.
_KEYS = {
    **{name: f"{name}s" for name in ("host", "label", "log-opt", "exec-opt", "storage-opt")},
    **{name: f"{name}s" for name in ("authorization-plugin", "default-ulimit", "registry-mirror")},
    "default-address-pool": "default-address-pools",
    "insecure-registry": "insecure-registries",
    "graph": "data-root",
}


def command(unit: systemd.Unit) -> tuple[str, ...]:
    """What dockerd was started with, or would be."""
    try:
        running = Path(f"/proc/{unit.pid}/cmdline").read_text() if unit.pid else ""
    except OSError:
        running = ""
    return tuple(running.rstrip("\0").split("\0")) if running else unit.command


def flagged(arguments: Sequence[str]) -> dict[str, str]:
    """The settings that dockerd's arguments make, by their names in daemon.json."""
    found: dict[str, str] = {}
    for argument, following in zip(arguments[1:], [*arguments[2:], ""]):
        if not argument.startswith("-"):
            continue
        name, equals, value = argument.lstrip("-").partition("=")
        if not equals:
            value = "true" if following.startswith("-") or not following else following
        name = _SHORT.get(name, name)
        found[_KEYS.get(name, name)] = value
    return found
