# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What reset takes back besides files, containers and images: units, mounts, settings, packages."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import filter_chains, mounts, pod_network
from ansible_collections.mink8s.kubernetes.plugins.module_utils.reset.removable_paths import (
    enumerate_some,
    is_in,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.reset.steps import Findings, Step
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import settings_file, settings_format
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    ContainerRuntime,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import files, ledger_file

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

UNIT_DIRECTORY = Path("/etc/systemd/system")
READERS = {str(UNIT_DIRECTORY): ("systemctl", "daemon-reload"), "/etc/default/grub.d": ("update-grub",)}
CGROUPS = Path("/sys/fs/cgroup")


def units(module: AnsibleModule, ledger: ledger_file.Ledger) -> Findings:
    """Units of the collection's are stopped; of others' only what it enabled is undone."""
    found = Findings()
    for name in ledger.units:
        found.steps += unit(module, name, str(UNIT_DIRECTORY / name) in ledger.paths)
    return found


def unit(module: AnsibleModule, name: str, ours: bool) -> list[Step]:
    """What is done to a unit. ours: whether its file is the collection's."""
    show = ["systemctl", "show", name, "--property", "ActiveState,UnitFileState"]
    _code, shown, _error = module.run_command(show)
    state = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    return plan_unit(name, state, links(UNIT_DIRECTORY, name), ours, (UNIT_DIRECTORY / name).exists())


def links(directory: Path, name: str) -> list[str]:
    """The links by which a unit is enabled, those that lead nowhere by now among them."""
    found = (wants / name for wants in sorted(directory.glob("*.wants")))
    return [str(link) for link in found if link.is_symlink()]


def plan_unit(name: str, state: Mapping[str, str], links: list[str], ours: bool, there: bool) -> list[Step]:
    """What is done to a unit.

    state: what systemd shows. links: those by which it is enabled. ours: whether the unit file is; there:
    whether it still exists, without which systemd does not know how to disable the unit.
    """
    steps = []
    active = state.get("ActiveState", "inactive")
    if ours and active != "inactive":
        if active != "failed":
            steps.append(Step(f"{name} runs", ("systemctl", "stop", name), vital=True))
        steps.append(Step("" if steps else f"{name} has failed", ("systemctl", "reset-failed", name)))
    if state.get("UnitFileState") == "enabled" and (there or not ours):
        steps.append(Step(f"{name} is enabled", ("systemctl", "disable", name)))
    elif ours:
        steps += [Step(f"{link} is the collection's", path=link, action="remove") for link in links]
    return steps


def unmount(trees: Iterable[str], mountinfo: str) -> Findings:
    """Volumes of pods that are mounted inside the trees."""
    found = Findings()
    for tree in trees:
        mounted = mounts.inside([tree], mountinfo)
        if mounted:
            reason = f"mounted in {tree}: {enumerate_some(mounted)}"
            found.steps.append(Step(reason, path=tree, action="unmount"))
    return found


def firewall(module: AnsibleModule, ledger: ledger_file.Ledger, ran: bool) -> list[Step]:
    """The chains of the pod network, and if the kubelet ran, of the kubelet and of kube-proxy."""
    has_pod_network = pod_network.UNIT in ledger.units
    if not ran:
        return chains(module, filter_chains.POD_NETWORK) if has_pod_network else []
    return chains(module, filter_chains.WITH_POD_NETWORK if has_pod_network else filter_chains.KUBERNETES)


def chains(module: AnsibleModule, which: re.Pattern[str]) -> list[Step]:
    """Such chains in iptables and ip6tables."""
    removals = filter_chains.observe(module, which)
    return [Step(each.reason, action="chains", data=which.pattern) for each in removals]


def configuration(ledger: ledger_file.Ledger, planned: Collection[str]) -> list[Step]:
    """The CNI configuration, where its directory stays. planned: paths that are removed anyway."""
    path = str(pod_network.CONFIGURATION)
    ours = pod_network.UNIT in ledger.units and pod_network.CONFIGURATION.exists()
    return (
        [Step(f"{path} is the pod network's", path=path, action="remove")]
        if ours and path not in planned
        else []
    )


def bridge() -> list[Step]:
    """The bridge of the pod network."""
    name = pod_network.BRIDGE
    there = Path("/sys/class/net", name).exists()
    return [Step(f"the bridge {name} is the pod network's", ("ip", "link", "delete", name))] if there else []


def routes(module: AnsibleModule) -> list[Step]:
    """The routes to pods on other nodes."""
    found = pod_network.routes(module.run_command)
    flush = ("ip", "-4", "route", "flush", "proto", str(pod_network.PROTOCOL))
    return [Step(f"routes lead to pods on other nodes: {enumerate_some(found)}", flush)] if found else []


def settings(
    module: AnsibleModule, ledger: ledger_file.Ledger, runtime: ContainerRuntime, stays: bool
) -> Findings:
    """Ours are taken out of its files, and a container runtime that stays is told, but not restarted."""
    found = Findings()
    for path, state in ledger.settings.items():
        content = files.read(path)
        if content is not None:
            found.add(plan_settings(path, content.decode(errors="replace"), state["before"], state["ours"]))
    if found.steps and stays:
        show = ["systemctl", "show", runtime.unit, "--property", "ActiveState,CanReload"]
        _code, shown, _error = module.run_command(show)
        if "ActiveState=active" in shown:
            reload = Step("", ("systemctl", "reload", runtime.unit))
            found.steps += [reload] if "CanReload=yes" in shown else []
            found.kept.append(runtime.unused_settings())
    return found


def plan_settings(path: str, now: str, before: str | None, ours: dict[str, object]) -> Findings:
    """What the file is to be; the very text it was if nobody else has changed it since."""
    kind = settings_format.of(path)
    try:
        seen, known = (kind.parse(path, (text or "").encode()) for text in (now, before))
        change = settings_file.plan(
            {}, settings_file.Observed(kind, now, seen), settings_file.Noted(before, dict(ours), known)
        )
    except ValueError as error:
        return Findings(kept=[f"{path} is left, because it is not {kind.name} any more: {error}."])
    if change.text == now:
        return Findings()
    if change.text is None:
        return Findings([Step(f"{path} is the collection's", path=path, action="remove")])
    reason = f"{path} has settings of the collection's"
    return Findings([Step(reason, path=path, action="text", data=change.text)])


def reload(removal: Findings) -> Findings:
    """Make systemd forget unit files that were removed, and GRUB the kernel parameters in such a file."""
    found = Findings()
    for directory, command in READERS.items():
        if any(is_in(step.path, directory) for step in removal.steps):
            found.steps.append(Step("", command))
    return found


def cgroups(module: AnsibleModule) -> Findings:
    """The cgroups in which the kubelet put pods, made by itself or, as slices, by systemd."""
    found = Findings()
    code, _out, _error = module.run_command(["systemctl", "is-active", "kubepods.slice"])
    if code == 0:
        found.steps.append(Step("kubepods.slice is there", ("systemctl", "stop", "kubepods.slice")))
    for path in [*CGROUPS.glob("kubepods"), *CGROUPS.glob("*/kubepods")]:
        reason = "" if found.steps else "the cgroup kubepods is there"
        found.steps.append(Step(reason, path=str(path), action="cgroup"))
    return found
