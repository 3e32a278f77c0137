# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What containerd's configuration has to have for a kubelet, and what keeps a kubelet from using it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import ledger_file, nested_settings
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.image_reference import Reference

# The plugin that the kubelet speaks to, and what became of its settings with version 3 of the file.
CRI = "io.containerd.grpc.v1.cri"
IMAGES, RUNTIME = "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"
DISABLING = {"cri", CRI, IMAGES, RUNTIME}
# The shim whose options have the cgroup driver.
SHIM = "io.containerd.runc.v2"
CNI_PROGRAMS, CNI_CONFIGURATION = "/usr/lib/cni", "/etc/cni/net.d"
# The first version with CRI v1, and the first with no other CRI, which also has version 3 of the file.
V1_FROM, SECOND_FROM = [1, 6], [2]
MARKER = f"# Written by {ledger_file.MARK}. Without this line the file is yours and is left alone."
HOST = re.compile(r"_default|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]+)?")
URL = re.compile(r"https?://[^\s\"\\]+")


def wanted_settings(
    settings: dict[str, Any], theirs: dict[str, Any], pause_image: str, registries: str, systemd: bool
) -> dict[str, Any]:
    """The settings that the file has to have from the collection. Raises ValueError.

    settings: those that are asked for. theirs: those that are in it without us. pause_image: empty for
    containerd's own. registries: the directory with the registries' files; empty if none has any.
    systemd: whether systemd has the cgroups.
    """
    chosen = nested_settings.merge(theirs, settings)
    version = max(_integer(chosen.get("version")), 2)
    images, runtime = _plugins(version)
    wanted: list[dict[str, Any]] = [{"version": version}]
    if pause_image:
        key = ("pinned_images", "sandbox") if version > 2 else ("sandbox_image",)
        wanted.append(_nested("plugins", images, *key, Reference.parse(pause_image).tagged))
    if registries:
        path = at(theirs, "plugins", images, "registry", "config_path") or ""
        there = registries in path.split(":")
        path = path if there else ":".join(filter(None, [registries, path]))
        wanted.append(_nested("plugins", images, "registry", "config_path", path))
    cni = at(chosen, "plugins", runtime, "cni") or {}
    # Of these two it takes one alone.
    programs = {"bin_dirs": [CNI_PROGRAMS]} if "bin_dirs" in cni else {"bin_dir": CNI_PROGRAMS}
    wanted.append(_nested("plugins", runtime, "cni", {**programs, "conf_dir": CNI_CONFIGURATION}))
    for name in dict.fromkeys(["runc", *_of_shim(chosen)]):
        options = {"options": {"SystemdCgroup": True}} if systemd else {}
        kind = {"runtime_type": SHIM} if name == "runc" else {}
        wanted.append(_nested("plugins", runtime, "containerd", "runtimes", name, {**kind, **options}))
    # A list of theirs that has to be shorter.
    before = theirs.get("disabled_plugins") or []
    disabled = dict.fromkeys([*before, *(settings.get("disabled_plugins") or [])])
    left = [name for name in disabled if name not in DISABLING]
    others = {key: value for key, value in settings.items() if key != "disabled_plugins"}
    return reduce(
        nested_settings.merge, [*wanted, others, {"disabled_plugins": left} if left != before else {}]
    )


def cgroup_driver(settings: Mapping[str, Any]) -> str:
    """The cgroup driver of the runtime that containers have."""
    _images, runtime = _plugins(_integer(settings.get("version")))
    containerd = at(settings, "plugins", runtime, "containerd") or {}
    name = containerd.get("default_runtime_name") or "runc"
    systemd = at(containerd, "runtimes", name, "options", "SystemdCgroup")
    return "systemd" if systemd is True else "cgroupfs"


def cri_versions(version: str) -> list[str]:
    """The versions of CRI that a version of containerd speaks, the newest first."""
    found = numbers(version)
    return [*(["v1"] if found >= V1_FROM else []), *(["v1alpha2"] if found < SECOND_FROM else [])]


def complaint(settings: Mapping[str, Any], asked: Mapping[str, Any], version: str) -> str:
    """Why containerd would start with the settings, and the kubelet could not use it; empty if it could.

    asked: those of the settings that a person asks for. version: containerd's, empty if it is unknown.
    """
    file_version = _integer(settings.get("version"))
    if file_version > 2 and version and numbers(version) < SECOND_FROM:
        return f"its version is {file_version}, and containerd {version} reads version 2"
    disabled = sorted(DISABLING.intersection(asked.get("disabled_plugins") or []))
    if disabled:
        return f"disabled_plugins has {' and '.join(disabled)}, which the kubelet needs"
    images, _runtime = _plugins(file_version)
    registry = at(settings, "plugins", images, "registry") or {}
    hosts = registry.get("configs") or {}
    old = ["mirrors"] if registry.get("mirrors") else []
    old += [f"configs.{host}.tls" for host in hosts if at(hosts, host, "tls")]
    if old and registry.get("config_path"):
        return (
            f"plugins.{images}.registry has {' and '.join(old)} beside config_path, which excludes them. What"
            f" they say belongs into {registry['config_path'].partition(':')[0]}/HOST/hosts.toml"
        )
    return ""


def overridden(wanted: Mapping[str, Any], effective: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """The settings that are wanted, and that containerd has otherwise after it read what its file imports."""
    for key, value in wanted.items():
        seen = effective.get(key)
        if isinstance(value, Mapping):
            yield from overridden(value, seen if isinstance(seen, Mapping) else {}, f"{prefix}{key}.")
        elif isinstance(value, list):
            yield from [f"{prefix}{key}"] if not set(value) <= set(seen or []) else []
        elif seen != value:
            yield f"{prefix}{key}"


def hosts_files(directory: str, registries: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The file of each registry that is asked at other places, by its path. Raises ValueError.

    directory: that with the registries' files.
    """
    files = {}
    for host, urls in registries.items():
        if not HOST.fullmatch(host):
            raise ValueError(f"cluster_containerd_registries has {host!r}, which is no HOST or HOST:PORT.")
        if isinstance(urls, str) or not urls or not all(URL.fullmatch(str(url)) for url in urls):
            raise ValueError(
                f"cluster_containerd_registries has for {host} no list of URLs, such as"
                " [https://mirror.example.org]."
            )
        lines = [f'[host."{url}"]\n  capabilities = ["pull", "resolve"]\n' for url in urls]
        files[str(Path(directory, host, "hosts.toml"))] = "\n".join(lines)
    return files


def foreign(paths: Sequence[str]) -> list[str]:
    """Those of the registries' files that are there and were written by somebody else."""
    return [path for path in paths if Path(path).exists() and not is_ours(Path(path))]


def is_ours(path: Path) -> bool:
    """Whether the collection has written a registry's file."""
    return path.read_text(errors="replace").startswith(f"{MARKER}\n")


def at(settings: Mapping[str, Any], *path: str) -> Any:
    """What the settings have at a place; None if there is no such place."""
    found: Any = settings
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def numbers(version: str) -> list[int]:
    """The first two numbers of containerd's version."""
    return [int(number) for number in re.findall(r"\d+", version)[:2]]


def _plugins(version: int) -> tuple[str, str]:
    """The plugins with the settings of images and of containers, in a file of that version."""
    return (IMAGES, RUNTIME) if version > 2 else (CRI, CRI)


def _nested(*path_and_value: Any) -> dict[str, Any]:
    """A value in dictionaries, one for each part of its path."""
    *path, value = path_and_value
    for key in reversed(path):
        value = {key: value}
    return dict(value)


def _of_shim(settings: Mapping[str, Any]) -> Iterator[str]:
    """The runtimes whose options have the cgroup driver."""
    _images, runtime = _plugins(_integer(settings.get("version")))
    runtimes = at(settings, "plugins", runtime, "containerd", "runtimes") or {}
    yield from (name for name in runtimes if at(runtimes, name, "runtime_type") == SHIM)


def _integer(value: Any) -> int:
    return value if isinstance(value, int) else 0
