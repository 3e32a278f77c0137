# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command line of the benchmark: rounds of runs, and the page and the plot made of their results."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from typing import Any

import machine
import methods
import nodes
import page
import results
import runs
import start
from common import SandboxError, locked

SO_FAR = start.INVENTORY / "bench.json"


def main() -> int:
    """Run what was asked for; 1 if a run failed."""
    arguments = _parser().parse_args()
    # So that what was made is removed when `make` or a CI system ends the command, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        # Two at once would remove each other's nodes, and measure each other.
        with locked(nodes.NAME):
            return _measure(arguments)
    except SandboxError as problem:
        say(str(problem))
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _measure(arguments: argparse.Namespace) -> int:
    """Make all runs, and the page and the plot of their results; 1 if a run failed."""
    try:
        plan = methods.plan(arguments.only, arguments.hosts, arguments.nodes)
        setting = start.prepare({step.method.runtime for step in plan})
        made_on = {**machine.describe(), **machine.versions(setting.version)}
        done = _rounds(setting, arguments)
    finally:
        nodes.remove_all()
    merged = results.merge(results.read(page.RAW), done, made_on)
    results.write(page.RAW, merged)
    page.write(merged)
    # Only now: a process begins with the size of the one that starts it, and this would be a large one.
    import plot

    plot.draw(merged, page.PLOTS)
    print(page.tables(merged))
    return int(any("failed" in run for method in done.values() for run in method))


def say(message: str) -> None:
    """Tell the person what is going on; standard output is kept for the tables."""
    print(f"bench: {message}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python tests/bench")
    names = (*methods.METHODS, *methods.FOLLOWING, methods.HOSTS, methods.NODES)
    parser.add_argument("--only", type=_chosen, default=names, metavar="NAMES", help=", ".join(names))
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="of each (default: 5)")
    parser.add_argument("--hosts", type=_numbers, default=(1, 2, 4, 8), metavar="N,...", help="at once")
    parser.add_argument("--nodes", type=_joining, default=(1, 3), metavar="N,...", help="in one cluster")
    return parser


def _chosen(text: str) -> tuple[str, ...]:
    known = (*methods.METHODS, *methods.FOLLOWING, methods.HOSTS, methods.NODES)
    names = tuple(text.split(","))
    unknown = [name for name in names if name not in known]
    if unknown:
        raise argparse.ArgumentTypeError(f"no {', '.join(unknown)}: there are {', '.join(known)}")
    return names


def _numbers(text: str) -> tuple[int, ...]:
    return _from_one(text, nodes.MOST, "hosts at once")


def _joining(text: str) -> tuple[int, ...]:
    return _from_one(text, nodes.MOST - 1, "nodes that join a control plane host")


def _from_one(text: str, most: int, what: str) -> tuple[int, ...]:
    numbers = tuple(int(each) for each in text.split(","))
    if not all(1 <= number <= most for number in numbers):
        raise argparse.ArgumentTypeError(f"from 1 to {most} {what}")
    return numbers


def _rounds(setting: start.Setting, arguments: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """All runs by method, one of each in every round. What there is so far is kept in a file of its own."""
    done: dict[str, list[dict[str, Any]]] = {}
    plan = methods.plan(arguments.only, arguments.hosts, arguments.nodes)
    for number in range(1, arguments.runs + 1):
        for step in plan:
            for key, result in runs.measure(setting, step):
                say(f"round {number} of {arguments.runs}: {methods.title(key)}: {_outcome(result)}")
                if key in step.wanted or "failed" in result:
                    done.setdefault(key if key in step.wanted else step.wanted[0], []).append(result)
                SO_FAR.write_text(json.dumps(done))
    return done


def _outcome(result: dict[str, Any]) -> str:
    """What came of a run, in a few words."""
    if "failed" in result:
        return f"failed\n{result.pop('log')}"
    seconds = result["seconds"]
    if "ready" in seconds:
        return f"Ready after {seconds['ready']:.1f} s"
    return f"took {seconds['end']:.1f} s"
