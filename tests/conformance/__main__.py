# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kubernetes' own conformance tests, run against a cluster of two nodes: `python tests/conformance`.

Writes what came of them to docs/conformance.md, if all were run; ends with 1 if one failed.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "e2e"))

import bare_node
import findings
import ginkgo
import selection
import two_nodes
from findings import Findings
from ginkgo import say

PROCESSES = 4
CGROUPS = ("stat", "--file-system", "--format=%T", "/sys/fs/cgroup")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python tests/conformance", description=__doc__)
    parser.add_argument("--focus", default="", metavar="REGEX", help="only tests with this in their names")
    parser.add_argument("--quick", action="store_true", help="only some of each kind")
    parser.add_argument("--processes", type=int, default=PROCESSES, metavar="N", help="at once (%(default)s)")
    parser.add_argument("--keep", action="store_true", help="use the nodes there are, and leave them")
    parser.add_argument("--reports", type=Path, metavar="DIR", help="where logs and JUnit files go")
    return parser


def main() -> int:
    """Run what was asked for; 1 if a test failed."""
    arguments = _parser().parse_args()
    # So that what was made is removed when `make` or a CI system ends the command, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    reports = arguments.reports or Path(tempfile.mkdtemp(prefix="mink8s-conformance-"))
    reports.mkdir(parents=True, exist_ok=True)
    try:
        found = _run(arguments, reports)
    finally:
        if not arguments.keep:
            two_nodes.remove()
    print(found.summary())
    say(f"logs and JUnit files are in {reports}")
    if not arguments.focus and not arguments.quick:
        findings.write(found)
    return int(bool(found.failed))


def _run(arguments: argparse.Namespace, reports: Path) -> Findings:
    """Make the cluster and run the tests that were asked for."""
    began = time.monotonic()
    given = bare_node.given()
    directory = Path(bare_node.sandbox("upstream-tests"))
    _require_same_minor(ginkgo.version(directory), given["cluster_version"])
    everything = ginkgo.known(directory)
    names = selection.chosen(everything, arguments.focus, arguments.quick)
    not_possible = selection.impossible(names, bare_node.has_coredns(given))
    beside, alone = selection.parts(name for name in names if name not in not_possible)
    say(f"{len(beside)} tests beside each other, {len(alone)} alone, {len(not_possible)} not possible here")
    if not arguments.keep:
        two_nodes.remove()
    say(f"making a cluster of {' and '.join(two_nodes.NAMES)} (two minutes)")
    node = two_nodes.make(two_nodes.variables(given, ginkgo.registry(directory)), reports)
    setting = findings.setting(bare_node.runtime().name, two_nodes.status(node), node.run(*CGROUPS).strip())
    tests = ginkgo.Tests(directory, reports / "kubeconfig", reports / "kubectl", reports)
    outcomes = tests.run("beside", beside, arguments.processes) if beside else {}
    outcomes |= tests.run("alone", alone, 1) if alone else {}
    minutes = (time.monotonic() - began) / 60
    return Findings(outcomes, not_possible, setting, minutes)


def _require_same_minor(tests: str, release: str) -> None:
    """Refuse tests of another minor version than that of the cluster."""
    minor = tests.rpartition(".")[0]
    if not release.startswith(f"{minor}."):
        raise SystemExit(
            f"the tests made here are of {tests}, and the cluster would be {release}: give VERSION={tests},"
            f" or another {minor}, with ARTIFACTS or from the release server"
        )


if __name__ == "__main__":
    sys.exit(main())
