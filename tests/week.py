"""What CI does by day, and no more a day than it has time for.

`python tests/week.py` does what is for today and says what that is; --print [DATE] only says it.

With the container runtime that the tests' clusters have, each day has every second file of tests/e2e, all of
them within any two days, and one of TURNS, all within any four. With the other one that the release has,
it has some scenarios and files of tests/e2e: all of them within any seven days. And it has faults, with one
container runtime on one day and with the other on the next: all within any eighteen days.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests" / "e2e"))

import bare_node

KILLED = "test_runs.py::test_killed"
PROCESSES = "test_processes.py::test"
NODE, NODES = "test_nodes.py::test_node", "test_nodes.py::test_nodes"
RUNTIME = f"{PROCESSES}_container_runtime"
# Faults, as pytest names them, and about how many seconds they take on an idle machine.
FAULTS = (
    ((f"{PROCESSES}_killed", f"{PROCESSES}_broken_manifest", f"{PROCESSES}_image_removed"), 330),
    (("test_restarts.py", "test_download.py"), 320),
    ((f"{KILLED}[0]", f"{KILLED}[1]", f"{KILLED}[2]"), 420),
    (("test_certificates.py",), 400),
    ((f"{KILLED}[3]", f"{KILLED}[4]", f"{KILLED}[5]"), 420),
    (("test_disk.py", f"{RUNTIME}_restarted", f"{RUNTIME}_stopped"), 480),
    ((*(f"{KILLED}[{point}]" for point in range(6, 10)),), 480),
    ((f"{NODE}_down", f"{NODE}_cut_off", f"{NODE}_added_by_a_killed_run", f"{NODES}_added_by_two_runs"), 480),
    (("test_nodes.py::test_control_plane_down",), 480),
)
SCENARIO = ("molecule", "test", "--scenario-name")
# A day has one of these.
TURNS = (
    (*SCENARIO, "ladder"),
    ("python", "tests/conformance", "--quick"),
    ("pytest", "-q", "tests/e2e/test_nodes_life.py"),
    (*SCENARIO, "certificates"),
)
TURN_FILES = {Path(word).name for turn in TURNS for word in turn if word.startswith("tests/e2e/")}
# Of Monday, and so on: scenarios of molecule, and files of tests/e2e, two of which run at once.
OTHER = (
    (("default", "test_iptables.py"), 330),
    (("test_reset.py", "test_status.py"), 330),
    (("ladder",), 330),
    (("test_preflight.py", "test_backup.py"), 330),
    (("test_settings.py", "test_refusals.py", "test_diagnose.py"), 330),
    (("test_bundle.py", "test_access.py"), 330),
    (("certificates", "test_truth.py", "test_upgrade.py"), 330),
)


@dataclass(frozen=True)
class Part:
    """What is done with a container runtime, as commands."""

    runtime: str
    commands: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        return f"with {self.runtime}: {'; '.join(map(shlex.join, self.commands))}"


def of_names(names: Sequence[str]) -> list[tuple[str, ...]]:
    """What does scenarios, and files of tests/e2e."""
    files = [f"tests/e2e/{name}" for name in names if name.endswith(".py")]
    scenarios: list[tuple[str, ...]] = [(*SCENARIO, name) for name in names if not name.endswith(".py")]
    run = ("pytest", "-q", "--numprocesses", "2", "--dist", "loadfile", *files)
    return [*scenarios, run] if files else scenarios


def of_day(day: date, runtime: str, others: tuple[str, ...]) -> list[Part]:
    """What is done on a day.

    runtime: the one that everything else has. others: those that the release has besides.
    """
    number = day.toordinal()
    runtimes = (runtime, *others)
    turn, faulty = divmod(number, len(runtimes))
    files = sorted({path.name for path in (ROOT / "tests/e2e").glob("test_*.py")} - TURN_FILES)
    work = {runtime: [*of_names(files[number % 2 :: 2]), TURNS[number % len(TURNS)]]}
    work |= {other: of_names(OTHER[day.weekday()][0]) for other in others}
    faults = [f"tests/faults/{name}" for name in FAULTS[turn % len(FAULTS)][0]]
    work[runtimes[faulty]].append(("pytest", "-q", *faults))
    return [Part(each, tuple(commands)) for each, commands in work.items()]


def main(arguments: list[str]) -> int:
    """Do what is for today; 1 if something failed."""
    days = [argument for argument in arguments if argument != "--print"]
    day = date.fromisoformat(days[0]) if days else datetime.now(timezone.utc).date()
    runtime = bare_node.runtime().name
    others = [name for name in bare_node.runtimes() if name != runtime]
    failed = 0
    for each in of_day(day, runtime, tuple(others)):
        print(f"{day:%A}, {each}", file=sys.stderr, flush=True)
        environment = {**os.environ, "CONTAINER_RUNTIME": each.runtime}
        for command in () if "--print" in arguments else each.commands:
            done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
            failed |= int(done.returncode != 0)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
