"""runc, asked for no more than the machine has.

The capabilities the machine lacks are the words before `--`. Without CAP_SYS_RESOURCE nobody can
lower an oom_score_adj either, and the kubelet wants that of every pause container.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

split = sys.argv.index("--")
lacking, args = sys.argv[1:split], sys.argv[split + 1 :]


def limit(path: Path, key: str | None = None) -> None:
    """Edit an OCI process, the whole JSON file or the object at key."""
    document = json.loads(path.read_text())
    process = document[key] if key else document
    for kind, names in process.get("capabilities", {}).items():
        process["capabilities"][kind] = [name for name in names if name not in lacking]
    process["oomScoreAdj"] = max(0, process.get("oomScoreAdj", 0))
    path.write_text(json.dumps(document))


if "--bundle" in args:
    limit(Path(args[args.index("--bundle") + 1], "config.json"), "process")
elif "--process" in args:
    limit(Path(args[args.index("--process") + 1]))
os.execv("/usr/sbin/runc", ["runc", *args])
