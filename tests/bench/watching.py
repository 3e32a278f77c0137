# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The watcher inside a node, and what it tells."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from typing import Any

import artifacts
from common import SandboxError

ANSWER_SECONDS = 60
MILESTONES = ("api", "registered", "ready", "static pods")
POD = "pod"


class Watcher:
    """tests/bench/inside/watch.py on a node, running when it is made.

    image: of the first pod, or none. names: of nodes, each of which has the milestone `ready NAME`.
    """

    def __init__(self, node: str, image: str, names: Sequence[str] = ()) -> None:
        self._milestones: dict[str, float] = {}
        self._missing = {*MILESTONES, *([POD] if image else []), *(f"ready {name}" for name in names)}
        self._process = subprocess.Popen(
            [
                "docker",
                "exec",
                "--interactive",
                node,
                "python3",
                f"{artifacts.SCRIPTS}/watch.py",
                image,
                *names,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._lines: SimpleQueue[str] = SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()
        self._until("watching", time.monotonic() + ANSWER_SECONDS)

    def measure(self) -> dict[str, Any]:
        """Bytes the node has received since the watcher's start, and its memory now."""
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._until("fetched", time.monotonic() + ANSWER_SECONDS)

    def milestones(self, deadline: float) -> dict[str, float]:
        """When each milestone was reached. Raises SandboxError if one is not by then."""
        while self._missing:
            try:
                self._next(deadline)
            except Empty:
                missing = ", ".join(sorted(self._missing))
                raise SandboxError(f"not reached: {missing}; reached: {self._milestones}") from None
        return dict(self._milestones)

    def end(self) -> None:
        """Let the watcher go."""
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(ANSWER_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _until(self, fact: str, deadline: float) -> dict[str, Any]:
        """The facts in the next line that has this one."""
        while True:
            try:
                facts = self._next(deadline)
            except Empty:
                raise SandboxError(f"the watcher did not tell {fact!r} within {ANSWER_SECONDS} s") from None
            if fact in facts:
                return facts

    def _next(self, deadline: float) -> dict[str, Any]:
        """The facts in the next line, milestones noted. Raises Empty."""
        facts: dict[str, Any] = json.loads(self._lines.get(timeout=max(0.0, deadline - time.monotonic())))
        reached = self._missing & facts.keys()
        self._milestones.update({name: facts[name] for name in reached})
        self._missing -= reached
        return facts

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._lines.put(line)
