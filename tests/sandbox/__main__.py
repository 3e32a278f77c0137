# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command line of the sandbox: `python3 tests/sandbox COMMAND`."""

from __future__ import annotations

import argparse
import sys

import host
import image
import node
from common import SandboxError, say


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 tests/sandbox", description="Things to try the collection on.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("host", help="install and start what the sandbox needs on this machine")
    command.set_defaults(run=lambda _: host.prepare())

    command = commands.add_parser("image", help="make the image of a node")
    command.add_argument("suite", choices=image.SUITES)
    command.set_defaults(run=lambda args: image.build(args.suite))

    command = commands.add_parser("node", help="create a node and print its address")
    command.add_argument("name")
    command.add_argument("suite", choices=image.SUITES, nargs="?", default=image.SUITES[0])
    command.set_defaults(run=lambda args: _create(args.name, args.suite))

    command = commands.add_parser("node-rm", help="remove a node and its volumes")
    command.add_argument("name")
    command.set_defaults(run=lambda args: node.remove(args.name))
    return parser


def _create(name: str, suite: str) -> None:
    node.create(name, suite)
    print(node.address(name))


def main() -> int:
    """Run one command; 1 if it could not do its work."""
    args = _parser().parse_args()
    try:
        args.run(args)
    except SandboxError as problem:
        say(str(problem))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
