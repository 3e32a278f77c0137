"""Records what nodes are made of, to be compared with what they are after reset: FILE "NAME..."."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3] / "tests" / "e2e"))

import snapshot
from bare_node import Node


def record(path: Path, names: list[str]) -> None:
    """Write what there is on each node."""
    seen = {}
    for name in names:
        node = Node(name, path)
        # Its mount points for data have the modes that dockerd and containerd give them.
        node.run("sh", "-c", "chmod 710 /var/lib/docker; chmod 700 /var/lib/containerd")
        seen[name] = snapshot.take(node).seen
    path.write_text(json.dumps(seen))


def recorded(path: Path) -> dict[str, snapshot.Snapshot]:
    """What there was on each node."""
    return {name: snapshot.Snapshot(seen) for name, seen in json.loads(path.read_text()).items()}


if __name__ == "__main__":
    record(Path(sys.argv[1]), sys.argv[2].split())
