# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command line of the sandbox: `python3 tests/sandbox COMMAND`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path

import environment
import equipment
import host
import image
import mirror
import node
import release
import upstream_tests
import variables
import virtual_machine
from common import SandboxError, say


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 tests/sandbox")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("host", help="install and start what the sandbox needs on this machine")
    command.set_defaults(run=lambda _: host.prepare())

    command = commands.add_parser("test-tools", help="install what nothing but the tests needs")
    command.set_defaults(run=lambda _: host.prepare_tests())

    command = commands.add_parser("venv", help="make a virtual environment with requirements in it")
    command.add_argument("directory", type=Path)
    command.add_argument("requirements", type=Path)
    command.add_argument(
        "--connect", type=Path, metavar="PINS", help="for nodes, with what `ansible` there has"
    )
    command.set_defaults(run=lambda args: _environment(args.directory, args.requirements, args.connect))

    command = commands.add_parser("image", help="make the image of a node")
    command.add_argument("suite", choices=image.SUITES)
    command.set_defaults(run=lambda args: image.build(args.suite))

    command = commands.add_parser("node", help="create a node and print its address")
    command.add_argument("name")
    command.add_argument("suite", choices=image.SUITES, nargs="?", default=image.SUITES[0])
    command.add_argument("--network", default="bridge", metavar="NAME")
    command.set_defaults(run=lambda args: _create(args.name, args.suite, args.network))

    command = commands.add_parser("node-rm", help="remove a node and its volumes")
    command.add_argument("name")
    command.set_defaults(run=lambda args: node.remove(args.name))

    command = commands.add_parser(
        "machine", help="create a machine with a kernel of its own; print its variables"
    )
    command.add_argument("name")
    command.add_argument(
        "suite", choices=virtual_machine.SUITES, nargs="?", default=virtual_machine.SUITES[0]
    )
    command.set_defaults(run=lambda args: _create_machine(args.name, args.suite))

    command = commands.add_parser("machine-rm", help="remove a machine and its disk")
    command.add_argument("name")
    command.set_defaults(run=lambda args: virtual_machine.remove(args.name))

    command = commands.add_parser("images", help="make images to try a cluster with and print their archives")
    command.set_defaults(run=lambda _: print(*equipment.archives().values(), sep="\n"))

    command = commands.add_parser("release", help="make a Kubernetes release from Debian's source")
    command.add_argument("version", nargs="?", default=release.VERSION)
    command.add_argument("--programs", choices=release.SETS, default="components")
    command.set_defaults(run=lambda args: print(release.build(args.version, args.programs)))

    command = commands.add_parser(
        "upstream-tests", help="make Kubernetes' own tests and print their directory"
    )
    command.set_defaults(run=lambda _: print(upstream_tests.serve()))

    command = commands.add_parser("reachable", help=f"succeed if {release.SERVER} answers")
    command.set_defaults(run=lambda _: _reachable())

    command = commands.add_parser("vars", help="make a release available and print the variables that use it")
    command.add_argument("--artifacts", type=Path, default=os.environ.get("ARTIFACTS") or None, metavar="DIR")
    command.add_argument("--version", default=os.environ.get("VERSION") or None)
    command.add_argument("--programs", choices=release.SETS, default="components")
    command.add_argument("--machines", action="store_true", help="for machines, instead of nodes")
    command.set_defaults(run=_variables)

    command = commands.add_parser("mirror-rm", help="remove the mirror that serves the release made here")
    command.set_defaults(run=lambda _: mirror.remove())
    return parser


def _create(name: str, suite: str, network: str) -> None:
    node.create(name, suite, network)
    print(node.address(name))


def _create_machine(name: str, suite: str) -> None:
    virtual_machine.create(name, suite)
    print(json.dumps(virtual_machine.access(name), indent=2))


def _variables(args: argparse.Namespace) -> None:
    """Print the variables as JSON, which is YAML."""
    chosen = variables.choose(args.artifacts, args.version, args.programs, args.machines)
    print(json.dumps(chosen, indent=2))


def _environment(directory: Path, requirements: Path, pins: Path | None) -> None:
    environment.make(directory, requirements)
    if pins:
        environment.connect(directory, pins)


def _reachable() -> None:
    if not release.reachable():
        raise SandboxError(f"{release.SERVER} does not answer: the release has to be made here")
    say(f"{release.SERVER} answers: no release needs to be made here")


def main() -> int:
    """Run one command; 1 if it could not do its work."""
    args = _parser().parse_args()
    # So that what is half made is cleaned up when `make` or a CI system ends the command, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        args.run(args)
    except SandboxError as problem:
        say(str(problem))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
