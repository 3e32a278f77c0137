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
  - Does not stop or restart an engine that stays, so others' containers run on.
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
  docker:
    description:
      - Whether Docker is removed too, if the collection installed it.
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

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.reset import (
    containers,
    host,
    removable_packages,
    removable_paths,
    steps,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.reset.steps import REMOVALS, Findings, Step
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker_cli import Engine, EngineError
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import ledger_file, plan

KUBELET = "kubelet.service"
# The kubelet's socket, which outlives it until the next reboot.
SOCKET = "/run/dockershim.sock"
DATA = "/var/lib/docker"


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


def ask(engine: Engine, needed: bool) -> tuple[containers.Observed, list[str]]:
    """What is in the engine if that is needed, or why it cannot be known."""
    if not (engine.docker and needed):
        return containers.Observed(), []
    try:
        return containers.observe(engine), []
    except EngineError as error:
        return containers.Observed(), [
            f"Docker does not answer, so its containers and images are left ({error}). Start it with"
            " `systemctl start docker` and run reset again, which then does the rest."
        ]


def refuse(ledger: ledger_file.Ledger, stored: containers.Observed, silent: bool) -> None:
    """Raises RefusedError if the engine, which is to go, has or may have what is not the cluster's."""
    if silent and any(Path(DATA).glob("*")):
        raise RefusedError(
            "Docker does not answer, so nobody knows whether something in it is not the cluster's. Nothing"
            " was changed. Start it with `systemctl start docker`, or run reset without reset_docker."
        )
    others = containers.foreign(stored, ledger.images)
    if others:
        raise RefusedError(
            f"Docker has what is not the cluster's: {removable_paths.enumerate_some(others)}. Nothing was"
            " changed. Remove it from Docker, or run reset without reset_docker."
        )


def decide(module: AnsibleModule, ledger: ledger_file.Ledger) -> Decision:
    """What is to be done. Raises RefusedError."""
    engine, path, ran = Engine(module), module.params["ledger"], KUBELET in ledger.units
    needed = ran or bool(ledger.images)
    stored, problems = ask(engine, needed or module.params["docker"])
    packages = removable_packages.observe(module, ledger.packages, module.params["docker"])
    going = removable_packages.remove(module, packages)
    if packages.engine_goes:
        refuse(ledger, stored, bool(problems))
    if packages.engine_goes or not needed:
        problems = []
    mountinfo = Path("/proc/self/mountinfo").read_text()
    paths = {**ledger.paths, **({SOCKET: "file"} if ran else {})}
    files = [*ledger.settings, path]
    seen = removable_paths.observe(paths, files, mountinfo)
    keep = removable_paths.chosen(paths, seen, module.params["keep_etcd_data"], not packages.engine_goes)
    trees = [tree for tree in removable_paths.trees(paths, keep) if not removable_paths.is_engine(tree)]
    removal, leftovers = removable_paths.plan(paths, seen, keep, files).divided(removable_paths.is_engine)

    work = Findings(problems=problems)
    work.add(host.units(module, ledger))
    if ran and engine.docker:
        work.add(containers.remove_containers(engine.docker, stored))
    work.add(host.unmount(trees, mountinfo))
    if ran:
        work.add(host.firewall(module))
    if engine.docker:
        work.add(containers.remove_images(engine.docker, stored, ledger.images))
    work.add(host.settings(module, ledger, not packages.engine_goes))
    work.add(removal)
    work.add(host.reload(removal))
    work.add(going)
    work.add(leftovers)
    if packages.engine_goes and any(map(removable_paths.is_engine, ledger.paths)):
        work.add(removable_packages.remove_group())
    if ran:
        work.add(host.cgroups(module))

    remaining = rest(ledger, seen, keep, packages)
    work.kept += [said for tree in sorted(keep) if (said := why(tree, seen[tree], packages.engine))]
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
        containers.brought(stored) if packages.engine_goes else {},
    )


def why(tree: str, seen: removable_paths.Seen, engine: str) -> str:
    """What is said of a tree that is kept; nothing of one that is not there, or is our engine's."""
    if seen.data:
        return f"{tree} stays, as you asked: etcd's data is in it."
    if not seen.kind or engine == "ours":
        return ""
    removal = ", and goes if reset_docker is true" if engine == "absent" else ""
    return f"{tree} is left of the Docker that the collection installed{removal}."


def rest(
    ledger: ledger_file.Ledger,
    seen: Mapping[str, removable_paths.Seen],
    keep: Collection[str],
    packages: removable_packages.Decision,
) -> ledger_file.Ledger:
    """What the ledger lists afterwards: what is ours still, because the person chose to keep it."""
    ours = [
        tree
        for tree in keep
        if seen[tree].kind and (packages.engine != "foreign" or not removable_paths.is_engine(tree))
    ]
    paths = {
        key: kind
        for key, kind in ledger.paths.items()
        if any(removable_paths.is_in(tree, key) for tree in ours)
    }
    return ledger_file.Ledger(paths, packages.remaining)


def apply(module: AnsibleModule, decision: Decision) -> list[str]:
    """Do it. Returns what could not be done; the ledger then stays as it is, for the next reset."""
    if decision.images:
        ledger_file.note(module.params["ledger"], images=decision.images)
    failures = decision.work.problems + steps.carry_out(module, decision.work.steps)
    failures = failures or steps.carry_out(module, decision.ledger)
    return failures + steps.carry_out(module, decision.directories.steps)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "keep_etcd_data": {"type": "bool", "default": False},
            "docker": {"type": "bool", "default": False},
            **ledger_file.ARGUMENTS,
        },
        supports_check_mode=True,
    )
    try:
        decision = decide(module, ledger_file.read(module.params["ledger"]) or ledger_file.Ledger())
        reasons = [step.reason for step in decision.steps if step.reason]
        kept = decision.work.kept + decision.directories.kept

        def run() -> None:
            failures = apply(module, decision)
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
            fail(decision.work.problems if module.check_mode else apply(module, decision))
        plan.carry_out(module, plan.Plan(tuple(reasons), "".join(f"{r}\n" for r in reasons)), run, kept=kept)
    except (RefusedError, EngineError, ledger_file.LedgerError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
