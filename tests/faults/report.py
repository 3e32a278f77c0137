"""Write a table in docs/faults.md from the results that `pytest tests/faults --results FILE` has kept."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from datetime import datetime, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "faults.md"
BEGIN, END = "<!-- results with {}: written by tests/faults/report.py -->\n", "<!-- end of results -->"
NOTHING = "nothing"

# By its name in the tests: the fault, what happens, and what you do. Those below are with one runtime alone.
ROWS = {
    "kill kubelet": ("`kill -9` of the kubelet", "systemd starts it again; pods and the API go on", NOTHING),
    "kill etcd": (
        "`kill -9` of etcd",
        "the kubelet starts it again; the API refuses requests until then",
        NOTHING,
    ),
    "kill kube-apiserver": ("`kill -9` of kube-apiserver", "the kubelet starts it again", NOTHING),
    "kill dockerd": (
        "`kill -9` of dockerd",
        "systemd starts it again; it stops all containers, which the kubelet starts again",
        NOTHING,
    ),
    "kill containerd": ("`kill -9` of containerd", "systemd starts it again; containers go on", NOTHING),
    "restart docker": (
        "`systemctl restart docker`",
        "all containers stop; the kubelet starts them again",
        NOTHING,
    ),
    "restart containerd": ("`systemctl restart containerd`", "containers go on", NOTHING),
    "stop docker": (
        "Docker is stopped for two and a half minutes",
        "all containers stop; the kubelet starts them again",
        "start it",
    ),
    "stop containerd": (
        "containerd is stopped for two and a half minutes",
        "containers go on, and the API with them; the node is not Ready meanwhile",
        "start it",
    ),
    "image removed": (
        "kube-apiserver's image is removed, and its container ends",
        "the kubelet can't start it again, as no registry has it",
        "run `site.yml`",
    ),
    "broken manifest": (
        "A manifest with a syntax error in `/etc/kubernetes/manifests`",
        "the kubelet names it in its journal, also after a restart; all other pods go on",
        "correct or remove it",
    ),
    "restart node": ("The host restarts", "everything starts by itself", NOTHING),
    "registry gone": (
        "Registry and release server are gone, and the host restarts",
        "everything starts from what is on the host; `site.yml` run again changes nothing",
        NOTHING,
    ),
    "renewal": (
        "Certificates about to expire",
        "`site.yml` renews them and restarts what reads them once: kubelet, kube-apiserver, and etcd"
        " where it has certificates",
        "run `site.yml` once a year, a month ahead",
    ),
    "expired": (
        "All certificates have expired, the authorities' too",
        "the kubelet and all clients are refused; pods go on",
        "run `site.yml`, which renews them over the same keys",
    ),
    "killed run": (
        "`site.yml` is killed, ansible-playbook and then a module on the host, at ten random points",
        "the host is left half made",
        "run `site.yml` again: it goes on, and the run after it changes nothing",
    ),
    "download cut off": (
        "The download breaks off, again and again",
        "the run goes on where it stopped, twice, and then says so; nothing of it is installed",
        "run `site.yml` again",
    ),
    "disk full, images": (
        "The disk is full while images are loaded",
        "the run ends with the container runtime's words",
        "free space, and run `site.yml` again",
    ),
    "disk full, etcd": (
        "The disk is full while etcd writes",
        "etcd ends, so writes are refused; what was acknowledged is kept",
        "free space; the kubelet starts etcd again within five minutes",
    ),
    "control plane down": (
        "Several nodes: the control plane's host is down for five minutes",
        "pods on the other nodes go on, and are the same afterwards",
        "start it",
    ),
    "node down": (
        "Several nodes: the host of one is down",
        "its pods are created anew on the others, and Services send to those, where controllers run",
        "start it",
    ),
    "nodes cut off": (
        "Several nodes: the network between one and the control plane is cut off until it is not Ready",
        "pods go on on both sides",
        NOTHING,
    ),
    "two runs": (
        "Two runs of `site.yml` at once add a node each",
        "both succeed, and no two nodes have the same part of the pod network",
        "run `site.yml` for all, which tells every node of the others' pods",
    ),
    "killed while joining": (
        "`site.yml` is killed while a node joins, at two random points",
        "the node is left half made",
        "run `site.yml` again",
    ),
}

ONLY_WITH = {
    "docker": {"kill dockerd", "restart docker", "stop docker"},
    "containerd": {"restart containerd", "stop containerd"},
}


def rows(runtime: str) -> dict[str, tuple[str, str, str]]:
    """The rows of a container runtime."""
    others = set().union(*(names for name, names in ONLY_WITH.items() if name != runtime))
    return {name: row for name, row in ROWS.items() if name not in others}


def table(lines: list[str], runtime: str) -> str:
    """The table of all rows, each with the longest time in which the cluster was Ready again."""
    seconds, failed = defaultdict(list), set()
    for line in lines:
        result = json.loads(line)
        seconds[result["row"]].append(result["seconds"])
        if not result["ok"]:
            failed.add(result["row"])
    made = ["| Fault | What happens | What you do | Ready again after |", "|---|---|---|---|"]
    for row, (fault, happens, you) in rows(runtime).items():
        took = "not tried" if row not in seconds else f"{max(seconds[row]):.0f} s"
        made.append(f"| {fault} | {happens} | {you} | {'**failed**' if row in failed else took} |")
    return "\n".join(made) + "\n"


def main(results: Path) -> None:
    """Put the table of a run between the marks of its container runtime in the page."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()
    today = datetime.now(timezone.utc).strftime("%Y-%m-%d")
    lines = results.read_text().splitlines()
    (runtime,) = {json.loads(line)["runtime"] for line in lines}
    begin = BEGIN.format(runtime)
    head, _begin, rest = PAGE.read_text().partition(begin)
    _old, end, tail = rest.partition(END)
    if not end:
        sys.exit(f"{PAGE} does not have the lines {begin.strip()} and {END}")
    written = table(lines, runtime)
    PAGE.write_text(f"{head}{begin}\nRun on {today} at commit {commit}.\n\n{written}\n{END}{tail}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
