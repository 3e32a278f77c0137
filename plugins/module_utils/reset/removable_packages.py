# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which packages can go again without taking any other with them, the container runtime's among them."""

from __future__ import annotations

import grp
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import dpkg, programs
from ansible_collections.mink8s.kubernetes.plugins.module_utils.reset.removable_paths import enumerate_some
from ansible_collections.mink8s.kubernetes.plugins.module_utils.reset.steps import Findings, Step
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    ContainerRuntime,
)

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

FORM = "${Package}\t${db:Status-Status}\t${Pre-Depends}, ${Depends}\t${Provides}\n"


@dataclass(frozen=True)
class Package:
    """A package that dpkg knows. needs: of each dependency, the names that satisfy it."""

    installed: bool
    needs: tuple[frozenset[str], ...] = ()
    provides: frozenset[str] = frozenset()


def known(module: AnsibleModule) -> dict[str, Package]:
    """All packages dpkg knows."""
    _code, out, _error = module.run_command(["dpkg-query", "--show", f"--showformat={FORM}"])
    return parse(out)


def parse(text: str) -> dict[str, Package]:
    """Read what dpkg-query shows."""
    packages = {}
    for line in text.splitlines():
        name, status, needs, provides = line.split("\t")
        if status == "not-installed":
            continue
        clauses = tuple(frozenset(_names(clause, "|")) for clause in needs.split(",") if clause.strip())
        packages[name] = Package(status != "config-files", clauses, frozenset(_names(provides, ",")))
    return packages


def _names(text: str, separator: str) -> list[str]:
    """Names without versions and architectures."""
    return [re.split(r"[ :(]", item.strip())[0] for item in text.split(separator) if item.strip()]


def removable(candidates: Iterable[str], packages: Mapping[str, Package]) -> set[str]:
    """The most of the candidates that can go so that no other package misses what it needs."""
    going = {name for name in candidates if name in packages}
    providers: dict[str, set[str]] = {}
    for name, package in packages.items():
        for provided in {name, *package.provides} if package.installed else ():
            providers.setdefault(provided, set()).add(name)
    while True:
        needed: set[str] = set()
        for name, package in packages.items():
            if name in going or not package.installed:
                continue
            for need in package.needs:
                none: set[str] = set()
                there = none.union(*(providers.get(each, none) for each in need))
                if there <= going:
                    needed |= there
        if not needed:
            return going
        going -= needed


def owners(module: AnsibleModule, names: Sequence[str]) -> set[str] | None:
    """The packages that the container runtime's programs of these names come from; None if it has none.

    None of them is told if one of its programs comes from no package: it is somebody else's then.
    """
    installed = [path for path in map(programs.find, names) if path]
    if not installed:
        return None
    found: set[str] = set()
    for program in installed:
        packages = _packages_of(module, Path(program)) if module.get_bin_path("dpkg-query") else set()
        if not packages:
            return set()
        found |= packages
    return found


def _packages_of(module: AnsibleModule, program: Path) -> set[str]:
    found: set[str] = set()
    # /sbin is a link on most hosts, and packages name where it leads.
    for place in dict.fromkeys((program, program.parent.resolve() / program.name)):
        _code, out, _error = module.run_command(["dpkg-query", "--search", str(place)])
        found |= set(_names(out.partition(": /")[0], ","))
    return found


@dataclass
class Decision:
    """What becomes of the packages.

    runtime: whether the host's container runtime is ours, foreign or absent. runtime_goes: whether its
    packages go, and all that they leave. going: packages that go. remaining: those that stay because it does.
    """

    runtime: str
    runtime_goes: bool = False
    going: set[str] = field(default_factory=set)
    remaining: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


def observe(
    module: AnsibleModule,
    noted: Collection[str],
    runtime: ContainerRuntime,
    asked: bool,
    protected: Collection[str] = (),
    silent: bool = False,
) -> Decision:
    """Look and decide.

    noted: the packages in the ledger. asked: whether the container runtime shall go. protected: packages of
    another one, which stay. silent: whether the next reset has to ask the container runtime once more.
    """
    packages = known(module) if noted else {}
    return plan(noted, packages, owners(module, runtime.programs), runtime, asked, protected, silent)


def plan(
    noted: Iterable[str],
    packages: Mapping[str, Package],
    installed: Collection[str] | None,
    runtime: ContainerRuntime,
    asked: bool,
    protected: Collection[str] = (),
    silent: bool = False,
) -> Decision:
    """Decide.

    noted: those in the ledger. installed: the packages the container runtime's programs come from, none if
    that is not known; None if there is no runtime. asked: whether it shall go. protected: packages that stay.
    silent: whether it has to be asked once more.
    """
    listed = {name for name in (each.partition(":")[0] for each in noted) if name in packages}
    candidates = listed - {*protected}
    owners = set(installed or ())
    can_go = removable(candidates, packages)
    decision = Decision(
        "absent" if installed is None else "ours" if owners and owners <= candidates else "foreign"
    )
    decision.runtime_goes = asked and decision.runtime != "foreign" and owners <= can_go
    # One whose packages are not known may need any of these.
    stays = owners or (runtime.packages if decision.runtime == "foreign" else set())
    stays = stays | runtime.libraries if silent or decision.runtime == "ours" else stays
    decision.going = can_go if decision.runtime_goes else removable(candidates - stays, packages)
    with_others = removable(listed, packages)
    decision.remaining = sorted(with_others - decision.going)
    others = sorted(listed - candidates)
    if others:
        decision.kept.append(
            f"The packages of another container runtime stay: {enumerate_some(others)}. A further reset sees"
            " to them."
        )
    needed = sorted(candidates - with_others)
    if needed:
        decision.kept.append(f"Packages that others need by now stay: {enumerate_some(needed)}.")
    if decision.runtime == "foreign" and (asked or decision.remaining):
        why = "the collection did not install it" if owners else "its programs come from no package"
        needs = f", with {enumerate_some(decision.remaining)}" if decision.remaining else ""
        decision.kept.append(f"{runtime.name} stays{needs}: {why}.")
    elif asked and not decision.runtime_goes:
        decision.kept.append(f"{runtime.name} stays: other packages need it by now.")
    elif decision.remaining:
        names = enumerate_some(decision.remaining)
        decision.kept.append(
            f"{runtime.name} stays, with what it needs ({names}), unless reset_container_runtime is true."
        )
    return decision


def remove(module: AnsibleModule, decision: Decision) -> Findings:
    """The steps, after a simulation that has to say the same."""
    found = Findings(kept=decision.kept)
    if decision.going:
        _code, said, _error = module.run_command([*purge(decision.going, simulate=True)])
        more = surplus(said, decision.going)
        if more:
            decision.runtime_goes = False
            found.problems.append(
                f"No package is removed, because apt-get would also do this: {enumerate_some(more)}. See"
                f" `{' '.join(purge(decision.going, simulate=True))}`."
            )
            return found
        if dpkg.interrupted():
            # What a dpkg that was killed has left in the way of apt-get.
            found.steps.append(Step("", ("dpkg", "--triggers-only", "--pending")))
        names = ", ".join(sorted(decision.going))
        found.steps.append(Step(f"packages the collection installed: {names}", purge(decision.going)))
    return found


def remove_group(runtime: ContainerRuntime) -> Findings:
    """The container runtime's group, if nobody is in it."""
    try:
        members = grp.getgrnam(runtime.group).gr_mem
    except KeyError:
        return Findings()
    if members:
        return Findings(kept=[f"The group {runtime.group} stays: {enumerate_some(members)} is in it."])
    reason = f"the group {runtime.group} came with {runtime.name}"
    return Findings([Step(reason, ("groupdel", runtime.group))])


def purge(names: Collection[str], simulate: bool = False) -> tuple[str, ...]:
    """The command that removes the packages with their configuration."""
    return ("apt-get", *(["--simulate"] if simulate else ["--yes", "--quiet"]), "purge", *sorted(names))


def surplus(simulated: str, names: Collection[str]) -> list[str]:
    """What apt-get would do besides removing these packages, from what it says in a simulation."""
    actions = re.findall(r"^(Inst|Conf|Remv|Purg) ([^\s:]+)", simulated, re.MULTILINE)
    return [f"{action} {name}" for action, name in actions if action in ("Inst", "Conf") or name not in names]
