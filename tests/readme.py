"""Write the README's tables of variables from the roles' argument specs; --check only compares."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
RUNTIMES = ("docker", "containerd")
ROLES = (
    "cluster",
    "preflight",
    *RUNTIMES,
    "pod_network",
    "release",
    "credentials",
    "control_plane",
    "kubelet",
    "node",
    "reset",
)
BEGIN, END = "<!-- variables: written by tests/readme.py -->\n", "<!-- end of variables -->"


def plain(text: str) -> str:
    """A description without Ansible's markup, fit for a cell of a table."""
    marked = re.sub(r"\b[VCO]\(((?:[^()]|\([^()]*\))*)\)", r"`\1`", " ".join(text.split()))
    return marked.replace("|", "\\|")


def default(option: dict[str, Any]) -> str:
    """The default as a person would write it in YAML."""
    value = option["default"]
    if isinstance(value, str):
        return f"`{value}`".replace("|", "\\|") if value else "empty"
    return f"`{json.dumps(value)}`"


def table(role: str) -> str:
    """One role's variables."""
    spec = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())
    main = spec["argument_specs"]["main"]
    rows = [
        f"| `{name}` | {option['type']} | {default(option)} | {plain(option['description'])} |"
        for name, option in main["options"].items()
    ]
    head = f"### `mink8s.kubernetes.{role}`\n\n{main['short_description']}.\n\n"
    return head + "| Variable | Type | Default | What it is |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"


def main() -> int:
    """Write or check; 1 if the README is not what the specs say."""
    text = README.read_text()
    before, _begin, rest = text.partition(BEGIN)
    _old, _end, after = rest.partition(END)
    wanted = before + BEGIN + "\n" + "\n".join(table(role) for role in ROLES) + "\n" + END + after
    if "--check" in sys.argv[1:]:
        if text != wanted:
            print(
                "README.md differs from roles/*/meta/argument_specs.yml: run tests/readme.py", file=sys.stderr
            )
        return int(text != wanted)
    README.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
