# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs Kubernetes' tests, says how far they are, and reads what came of each."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import selection

# Nobody waits longer than this without a word.
TELL_SECONDS = 30
PROGRESS = re.compile(r'\{"msg":"(?:PASSED|FAILED) .*\}')
REGISTRIES = "registries.yml"
UNFINISHED = "it was not over when the run ended"


@dataclass(frozen=True)
class Outcome:
    """What came of a test. failure: what it said if it failed; empty if it passed."""

    seconds: float
    failure: str = ""


@dataclass(frozen=True)
class Tests:
    """The tests, for one cluster.

    directory: with the programs. kubeconfig, kubectl: of the cluster. reports: where logs and JUnit files go.
    """

    directory: Path
    kubeconfig: Path
    kubectl: Path
    reports: Path

    def run(self, part: str, names: list[str], processes: int) -> dict[str, Outcome]:
        """Run these tests, as many at once as there are processes, and return what came of each.

        part: what they are, in a word.
        """
        report = self.reports / part
        command = [
            str(self.directory / "ginkgo"),
            *(f"-nodes={processes}", "-stream", "-noColor", f"-focus={selection.focus(names)}"),
            str(self.directory / "e2e.test"),
            "--",
            *("-provider=skeleton", f"-kubeconfig={self.kubeconfig}", f"-kubectl-path={self.kubectl}"),
            f"-report-dir={report}",
        ]
        report.mkdir(parents=True)
        environment = {**os.environ, "KUBE_TEST_REPO_LIST": str(self.directory / REGISTRIES)}
        progress = Progress(part, len(names))
        with (report / "log").open("w") as log, _telling(progress), _started(command, environment) as process:
            assert process.stdout
            for line in process.stdout:
                log.write(line)
                progress.read(line)
        found = outcomes(report)
        # Neither of these is a test: what is done before and after all.
        broken = {name: each for name, each in found.items() if name.endswith("Suite") and each.failure}
        return {name: found.get(name, Outcome(0, UNFINISHED)) for name in names} | broken


@dataclass
class Progress:
    """How far a part is, from what the tests print."""

    part: str
    total: int
    done: int = 0
    failed: list[str] = field(default_factory=list)
    last: str = "none is over yet"
    began: float = field(default_factory=time.monotonic)

    def read(self, line: str) -> None:
        """Take a line into account."""
        if found := PROGRESS.search(line):
            verdict, _blank, name = json.loads(found[0])["msg"].partition(" ")
            self.done += 1
            self.last = name
            if verdict == "FAILED":
                self.failed.append(name)
                say(f"FAILED {name}")

    def __str__(self) -> str:
        failed = f", {len(self.failed)} failed" if self.failed else ""
        minutes = (time.monotonic() - self.began) / 60
        return f"{self.part}, {minutes:.1f} min: {self.done} of {self.total} over{failed}; last {self.last}"


def known(directory: Path) -> list[str]:
    """The names of the tests there are."""
    with tempfile.TemporaryDirectory() as report:
        subprocess.run(
            [
                str(directory / "e2e.test"),
                *("-provider=skeleton", "-ginkgo.dryRun", f"-ginkgo.focus={selection.FOCUS}"),
                f"-report-dir={report}",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return sorted(outcomes(Path(report)))


def version(directory: Path) -> str:
    """The version of Kubernetes that the tests are of."""
    command = [str(directory / "e2e.test"), "--version"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return said.split()[-1]


def registry(directory: Path) -> str:
    """Host and port of the registry that the tests take their images from."""
    names = json.loads((directory / REGISTRIES).read_text())
    return str(names["e2eRegistry"].partition("/")[0])


def outcomes(report: Path) -> dict[str, Outcome]:
    """What came of the tests of a run that were not left out, from its JUnit files, one for each process."""
    found = {}
    for path in sorted(report.glob("junit_*.xml")):
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            if case.find("skipped") is None:
                failure = case.find("failure")
                text = "" if failure is None else (failure.text or "").strip() or "it says nothing"
                found[case.attrib["name"]] = Outcome(float(case.attrib["time"]), text)
    return found


def say(message: str) -> None:
    """Tell the person what is going on."""
    print(f"{time.strftime('%H:%M:%S')} {message}", flush=True)


@contextmanager
def _started(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A command that is ended with all it has started."""
    with subprocess.Popen(
        command,
        env=environment,
        text=True,
        errors="replace",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            yield process
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise


@contextmanager
def _telling(progress: Progress) -> Iterator[None]:
    """Say every now and then how far it is."""
    over = threading.Event()

    def tell() -> None:
        while not over.wait(TELL_SECONDS):
            say(str(progress))

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()
        say(str(progress))
