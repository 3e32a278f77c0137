# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What came of all tests, as a person reads it, and as docs/conformance.md has it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from ginkgo import Outcome

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "conformance.md"
BEGIN, END = "<!-- results with {}: written by tests/conformance -->\n", "<!-- end of results -->"
# Some name no group: what they are about is sig-node's.
SIG = re.compile(r"\[(sig-[a-z-]+)\]")
LINE = 160


@dataclass(frozen=True)
class Setting:
    """Where the tests were run. runtime: the container runtime's name, with which version."""

    release: str
    runtime: str
    runtime_version: str
    kernel: str
    cgroups: str


@dataclass(frozen=True)
class Findings:
    """What came of the tests by name, and which were not possible, and why."""

    outcomes: dict[str, Outcome]
    not_possible: dict[str, str]
    setting: Setting
    minutes: float

    @property
    def failed(self) -> dict[str, str]:
        """What the failed ones said."""
        return {name: each.failure for name, each in self.outcomes.items() if each.failure}

    @property
    def totals(self) -> tuple[int, int, int, int]:
        """How many were run, passed, failed, and were not possible."""
        run, failed = len(self.outcomes), len(self.failed)
        return run, run - failed, failed, len(self.not_possible)

    def summary(self) -> str:
        """All in a few lines."""
        run, passed, failed, missing = self.totals
        lines = [
            f"{run} run: {passed} passed, {failed} failed; {missing} not possible here;"
            f" {self.minutes:.0f} minutes"
        ]
        lines += [f"  FAILED {name}\n    {_first_line(why)}" for name, why in self.failed.items()]
        return "\n".join(lines)

    def section(self, commit: str, day: str) -> str:
        """What the page says of them."""
        where = self.setting
        made = [
            f"Run on {day} at commit {commit}: Kubernetes {where.release}, {where.runtime_version}, two nodes"
            f" (kernel {where.kernel}, cgroup {where.cgroups}), in {self.minutes:.0f} minutes.",
            "",
            *("| | Run | Passed | Failed | Not possible here |", "|---|---|---|---|---|"),
        ]
        run, failed, missing = (
            Counter(map(sig, names)) for names in (self.outcomes, self.failed, self.not_possible)
        )
        for group in sorted(run | missing):
            passed = run[group] - failed[group]
            made.append(f"| {group} | {run[group]} | {passed} | {failed[group]} | {missing[group]} |")
        made.append(f"| **all** | {' | '.join(f'**{number}**' for number in self.totals)} |")
        for title, reasons in (("Failed", self.failed), ("Not possible here", self.not_possible)):
            if reasons:
                made += ["", f"| {title} | Why |", "|---|---|"]
                made += [
                    f"| {_cell(name)} | {_cell(_first_line(why))} |" for name, why in sorted(reasons.items())
                ]
        return "\n".join(made) + "\n"


def sig(name: str) -> str:
    """The special interest group that a test is of."""
    found = SIG.search(name)
    return found[1] if found else "sig-node"


def setting(runtime: str, info: dict[str, str], cgroups: str) -> Setting:
    """Where tests are run. info: of a node, as the API has it; cgroups: the type of their file system."""
    return Setting(
        info["kubeletVersion"],
        runtime,
        info["containerRuntimeVersion"].replace("://", " "),
        info["kernelVersion"],
        "v2" if cgroups == "cgroup2fs" else "v1",
    )


def write(found: Findings) -> None:
    """Put what came of all tests between the marks of its container runtime in the page."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()
    today = datetime.now(timezone.utc).strftime("%Y-%m-%d")
    begin = BEGIN.format(found.setting.runtime)
    head, _begin, rest = PAGE.read_text().partition(begin)
    _old, end, tail = rest.partition(END)
    if not end:
        sys.exit(f"{PAGE} does not have the lines {begin.strip()} and {END}")
    PAGE.write_text(f"{head}{begin}\n{found.section(commit, today)}\n{END}{tail}")


def _first_line(text: str) -> str:
    """What a failure says first, without where in the source that is."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = [line for line in lines if not re.match(r"/\S+\.go:\d+", line)]
    return (said or lines)[0][:LINE]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
