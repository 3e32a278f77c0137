#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Takes back what the collection made on the host, and nothing else."""

from __future__ import annotations

DOCUMENTATION = r"""
module: reset
short_description: Take back what was made on the host
version_added: 0.1.0
description:
  - Removes what is noted in O(ledger), and what the kubelet made while it ran - containers, mounts, iptables
    chains, cgroups and its directories.
  - What was there before, or came from somebody else, is left; RV(kept) says what and why.
  - A host in whatever half-finished state is fine. A reset that was interrupted is completed by the next.
  - Does not stop or restart a container runtime that stays, so others' containers run on.
author: The mink8s authors (@mink8s)
extends_documentation_fragment: mink8s.kubernetes.ledger
attributes:
  check_mode:
    description: Reports what would be removed and left, and changes nothing.
    support: full
  diff_mode:
    description: Shows what is there before and is not after.
    support: full
options:
  keep_etcd_data:
    description: Whether etcd's data stays, for a cluster to be made again on the host with the same objects.
    type: bool
    default: false
  container_runtime:
    description:
      - Whether the container runtime is removed too, if the collection installed it.
      - Refused if there are containers, images, volumes or networks in it that are not the cluster's.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Remove the cluster and leave its data
  mink8s.kubernetes.reset:
    keep_etcd_data: true
"""

RETURN = r"""
reasons:
  description: What was removed or put back, or would be; one sentence each.
  type: list
  elements: str
  returned: always
  sample: ["kubelet.service is the collection's", "/etc/kubernetes/admin.conf is the collection's"]
kept:
  description: What was left, and why.
  type: list
  elements: str
  returned: always
  sample: ["/etc/kubernetes/manifests is not empty: hello.yaml."]
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import pod_network
from ansible_collections.mink8s.kubernetes.plugins.module_utils.reset import (
    containers,
    host,
    removable_packages,
    removable_paths,
    steps,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.reset.removable_paths import is_in
from ansible_collections.mink8s.kubernetes.plugins.module_utils.reset.steps import REMOVALS, Findings, Step
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import selection
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    ContainerRuntime,
    ContainerRuntimeError,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import ledger_file, plan

KUBELET = "kubelet.service"


class RefusedError(Exception):
    """Reset does not begin."""


@dataclass(frozen=True)
class Decision:
    """What reset does: the work, then the ledger if all of it was done, then directories that are empty.

    images: what has to be in the ledger before, because it cannot be seen any more after a part of the work.
    """

    work: Findings
    ledger: list[Step]
    directories: Findings
    images: dict[str, str]

    @property
    def steps(self) -> list[Step]:
        """All steps."""
        return [*self.work.steps, *self.ledger, *self.directories.steps]


def ask(runtime: ContainerRuntime, needed: bool) -> tuple[containers.Observed, list[str]]:
    """What is in the container runtime if that is needed, or why it cannot be known."""
    if not (needed and runtime.is_installed()):
        return containers.Observed(), []
    try:
        return containers.observe(runtime), []
    except ContainerRuntimeError as error:
        return containers.Observed(), [
            f"The containers and images in {runtime.name} are left. {error}. Start it with"
            f" `systemctl start {runtime.unit}` and run reset again, which then does the rest."
        ]


def refuse(
    runtime: ContainerRuntime, ledger: ledger_file.Ledger, stored: containers.Observed, silent: bool
) -> None:
    """Raises RefusedError if the container runtime, which is to go, has or may have what others made."""
    if silent and any(Path(runtime.data_root).glob("*")):
        raise RefusedError(
            f"{runtime.name} does not answer, so nobody knows whether something in it is not the cluster's."
            f" Nothing was changed. Start it with `systemctl start {runtime.unit}`, or run reset without"
            " reset_container_runtime."
        )
    others = containers.foreign(stored, ledger.images)
    if others:
        raise RefusedError(
            f"{runtime.name} has what is not the cluster's: {removable_paths.enumerate_some(others)}. Nothing"
            f" was changed. Remove it from {runtime.name}, or run reset without reset_container_runtime."
        )


def decide(module: AnsibleModule, runtime: ContainerRuntime, ledger: ledger_file.Ledger) -> Decision:
    """What is to be done. Raises RefusedError."""
    path, asked, ran = module.params["ledger"], module.params["container_runtime"], KUBELET in ledger.units
    needed = ran or bool(ledger.images)
    stored, problems = ask(runtime, needed or asked)
    others = selection.others(runtime)
    # Nobody has looked whether something in them is somebody else's.
    protected = frozenset().union(*(other.packages for other in others)) - runtime.packages
    silent = needed and bool(problems)
    packages = removable_packages.observe(module, ledger.packages, runtime, asked, protected, silent)
    going = removable_packages.remove(module, packages)
    if packages.runtime_goes:
        refuse(runtime, ledger, stored, bool(problems))
    if packages.runtime_goes or not needed:
        problems = []

    def is_runtimes(path: str) -> bool:
        """Whether a path is the container runtime's."""
        return is_in(path, *runtime.directories)

    mountinfo = Path("/proc/self/mountinfo").read_text()
    paths = {**ledger.paths, **({runtime.kubelet_socket: "file"} if ran and runtime.kubelet_socket else {})}
    files = [*ledger.settings, path]
    seen = removable_paths.observe(paths, files, mountinfo)
    staying = {path for other in others for path in other.directories} - {*runtime.directories}
    staying |= set() if packages.runtime_goes else {*runtime.directories}
    keep = removable_paths.chosen(paths, seen, module.params["keep_etcd_data"], staying)
    trees = [tree for tree in removable_paths.trees(paths, keep) if not is_runtimes(tree)]
    removal, leftovers = removable_paths.plan(paths, seen, keep, files).divided(is_runtimes)

    work = Findings(problems=problems)
    work.add(host.units(module, ledger))
    if ran:
        work.add(containers.remove_containers(stored))
    work.add(host.unmount(trees, mountinfo))
    # The pod network is there before the kubelet is.
    planned = {step.path for step in [*removal.steps, *leftovers.steps]}
    work.steps += host.configuration(ledger, planned)
    work.steps += [*host.routes(module), *host.bridge()] if pod_network.UNIT in ledger.units else []
    work.steps += host.firewall(module, ledger, ran)
    work.add(containers.remove_images(stored, ledger.images))
    work.add(host.settings(module, ledger, runtime, not packages.runtime_goes))
    work.add(removal)
    work.add(host.reload(removal))
    work.add(going)
    work.add(leftovers)
    if packages.runtime_goes and any(map(is_runtimes, ledger.paths)):
        work.add(removable_packages.remove_group(runtime))
    if ran:
        work.add(host.cgroups(module))

    foreign = packages.runtime == "foreign"
    ours = [tree for tree in keep if seen[tree].kind and not (foreign and is_runtimes(tree))]
    remaining = rest(ledger, ours, packages.remaining)
    kept = (why(tree, seen[tree], packages.runtime, runtime.name) for tree in sorted(keep))
    work.kept += filter(None, kept)
    gone = {step.path for step in work.steps if step.action in REMOVALS}
    parent, last = str(Path(path).parent), []
    if remaining == ledger_file.Ledger():
        if Path(path).exists():
            last = [Step(f"{path} lists nothing any more", path=path, action="remove")]
        paths[parent] = "directory"
        gone.add(path)
    else:
        if remaining != ledger:
            text = ledger_file.render(remaining)
            last = [Step(f"{path} lists what is gone", path=path, action="text", data=text)]
        paths.pop(parent, None)
    return Decision(
        work,
        last,
        removable_paths.directories(paths, seen, keep, gone),
        containers.brought(stored) if packages.runtime_goes else {},
    )


def why(tree: str, seen: removable_paths.Seen, runtime: str, name: str) -> str:
    """What is said of a tree that is kept; nothing of one that is not there, or is our container runtime's.

    runtime: whether the host's is ours, foreign or absent. name: how it is called.
    """
    if seen.data:
        return f"{tree} stays, as you asked: etcd's data is in it."
    if not seen.kind or runtime == "ours":
        return ""
    removal = ", and goes if reset_container_runtime is true" if runtime == "absent" else ""
    return f"{tree} is left of the {name} that the collection installed{removal}."


def rest(ledger: ledger_file.Ledger, trees: Collection[str], packages: list[str]) -> ledger_file.Ledger:
    """What the ledger lists afterwards: what is ours still, because the person chose to keep it."""
    paths = {key: kind for key, kind in ledger.paths.items() if any(is_in(tree, key) for tree in trees)}
    return ledger_file.Ledger(paths, packages)


def apply(module: AnsibleModule, runtime: ContainerRuntime, decision: Decision) -> list[str]:
    """Do it. Returns what could not be done; the ledger then stays as it is, for the next reset."""
    if decision.images:
        ledger_file.note(module.params["ledger"], images=decision.images)
    failures = decision.work.problems + steps.carry_out(module, runtime, decision.work.steps)
    failures = failures or steps.carry_out(module, runtime, decision.ledger)
    return failures + steps.carry_out(module, runtime, decision.directories.steps)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "keep_etcd_data": {"type": "bool", "default": False},
            "container_runtime": {"type": "bool", "default": False},
            **ledger_file.ARGUMENTS,
        },
        supports_check_mode=True,
    )
    runtime = selection.of_host()
    try:
        decision = decide(module, runtime, ledger_file.read(module.params["ledger"]) or ledger_file.Ledger())
        reasons = [step.reason for step in decision.steps if step.reason]
        kept = decision.work.kept + decision.directories.kept

        def run() -> None:
            failures = apply(module, runtime, decision)
            if failures:
                fail(failures)

        def fail(failures: list[str]) -> None:
            said = "\n".join(f"- {failure}" for failure in failures)
            module.fail_json(
                msg=f"Not all could be removed. Run reset again once this is fixed:\n{said}",
                changed=bool(reasons),
                reasons=reasons,
                kept=kept,
            )

        if decision.work.problems:
            fail(decision.work.problems if module.check_mode else apply(module, runtime, decision))
        plan.carry_out(module, plan.Plan(tuple(reasons), "".join(f"{r}\n" for r in reasons)), run, kept=kept)
    except (RefusedError, ContainerRuntimeError, ledger_file.LedgerError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
