#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Directories and text files on the host, in one round trip."""

from __future__ import annotations

DOCUMENTATION = r"""
module: files
short_description: Write a set of directories and text files
version_added: 0.1.0
description:
  - Makes directories and text files as a whole set, in one round trip, and removes files that are not
    wanted any more.
  - Each file is put in place in one step, so that a program that watches the directory, as the kubelet
    does, never reads half a file.
author: The mink8s authors (@mink8s)
extends_documentation_fragment: mink8s.kubernetes.ledger
attributes:
  check_mode:
    description: Reports what would change without changing it, on a bare host too.
    support: full
  diff_mode:
    description: Shows the files' contents before and after.
    support: full
options:
  directories:
    description: >-
      Directories to make. Directories above them are made with mode V(0755). A directory that is there
      stays as it is.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path of the directory.
        type: path
        required: true
      mode:
        description: Permission bits it is made with, in octal.
        type: str
        default: "0755"
      tree:
        description: Whether all that comes into it is the cluster's, so that reset removes it as a whole.
        type: bool
        default: false
  files:
    description: Files to write. Missing directories above them are made with mode V(0755).
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path of the file.
        type: path
        required: true
      content:
        description: The whole content of the file.
        type: str
        required: true
      mode:
        description: Permission bits, in octal.
        type: str
        default: "0644"
      marker:
        description:
          - A line that shows that the file was written by this collection; it becomes the file's first line.
          - A file that is already there and begins otherwise is the user's and stays as it is.
        type: str
  absent:
    description: Files to remove. A file that is not there is fine.
    type: list
    elements: path
    default: []
"""

EXAMPLES = r"""
- name: Write a static pod's manifest
  mink8s.kubernetes.files:
    directories:
      - path: /etc/kubernetes/manifests
    files:
      - path: /etc/kubernetes/manifests/hello.yaml
        content: "{{ lookup('ansible.builtin.template', 'hello.yaml.j2') }}"
        mode: "0600"
"""

RETURN = r"""
reasons:
  description: Why something changed, one sentence for each change.
  type: list
  elements: str
  returned: always
  sample: ["/etc/kubernetes/manifests/hello.yaml is missing"]
changed_files:
  description: The files that were written or removed, or would be.
  type: list
  elements: str
  returned: always
"""

import errno
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils import _files, _ledger
from ansible_collections.mink8s.kubernetes.plugins.module_utils._plan import Plan, carry_out


@dataclass(frozen=True)
class Observed:
    """What is at a path: the content (None of a directory) and the mode; both None if nothing is there."""

    content: bytes | None
    mode: int | None


@dataclass
class Changes:
    """What the plan decided, ready to be applied."""

    directories: list[tuple[Path, int]] = field(default_factory=list)
    files: list[tuple[Path, bytes, int]] = field(default_factory=list)
    absent: list[Path] = field(default_factory=list)


def observe(path: str, directory: bool) -> Observed:
    """The file or directory as it is on the host. Raises OSError where it is the other or cannot be read."""
    target = Path(path)
    try:
        mode = target.stat().st_mode & 0o7777
    except FileNotFoundError:
        return Observed(None, None)
    if not directory:
        return Observed(target.read_bytes(), mode)
    if not target.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
    return Observed(None, mode)


def plan(desired: dict[str, Any], observed: dict[str, Observed]) -> tuple[Plan, Changes]:
    """Compare the wanted set with what is on the host."""
    reasons: list[str] = []
    before: list[str] = []
    after: list[str] = []
    changes = Changes()

    def show(path: str, old: bytes | None, new: bytes | None) -> None:
        for lines, content in ((before, old), (after, new)):
            if content is not None:
                lines.append(f"# {path}\n{content.decode(errors='replace')}")

    for item in desired["directories"]:
        path, mode = item["path"], int(item["mode"], 8)
        if observed[path].mode is None:
            reasons.append(f"{path} is missing")
            changes.directories.append((Path(path), mode))
    for item in desired["files"]:
        path, mode, marker = item["path"], int(item["mode"], 8), item["marker"]
        content = (f"{marker}\n" if marker else "").encode() + item["content"].encode()
        seen = observed[path]
        if marker and seen.content is not None and not seen.content.startswith(f"{marker}\n".encode()):
            continue
        if seen.mode is None:
            reasons.append(f"{path} is missing")
        elif seen.content != content:
            reasons.append(f"{path} has other content")
        elif seen.mode != mode:
            reasons.append(f"{path} has mode {seen.mode:04o}, wanted {mode:04o}")
        else:
            continue
        changes.files.append((Path(path), content, mode))
        if seen.content != content:
            show(path, seen.content, content)
    for path in desired["absent"]:
        if observed[path].mode is not None:
            reasons.append(f"{path} is not wanted any more")
            changes.absent.append(Path(path))
            show(path, observed[path].content, None)
    return Plan(tuple(reasons), "".join(before), "".join(after)), changes


def make_directory(path: Path, mode: int) -> None:
    """Make a directory, and those above it with mode 0755, whatever the umask; one that is there stays."""
    for missing in reversed([path, *path.parents]):
        if not missing.exists():
            missing.mkdir()
            missing.chmod(mode if missing == path else 0o755)


def note(desired: dict[str, Any]) -> None:
    """Note what is about to be made, and trees that are there and empty before the cluster fills them."""
    directories, files = desired["directories"], desired["files"]
    _ledger.note(
        desired["ledger"],
        directories=[item["path"] for item in directories if not item["tree"]],
        trees=[item["path"] for item in directories if item["tree"]],
        files=[item["path"] for item in files if not item["marker"]],
        marked=[item["path"] for item in files if item["marker"]],
    )


def apply(changes: Changes) -> None:
    """Directories first, outer before inner, then files, then what has to go."""
    for path, mode in sorted(changes.directories):
        make_directory(path, mode)
    for path, content, mode in changes.files:
        make_directory(path.parent, 0o755)
        _files.write(path, content, mode)
    for path in changes.absent:
        path.unlink()


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "directories": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "path": {"type": "path", "required": True},
                    "mode": {"type": "str", "default": "0755"},
                    "tree": {"type": "bool", "default": False},
                },
            },
            "files": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "path": {"type": "path", "required": True},
                    "content": {"type": "str", "required": True},
                    "mode": {"type": "str", "default": "0644"},
                    "marker": {"type": "str"},
                },
            },
            "absent": {"type": "list", "elements": "path", "default": []},
            **_ledger.ARGUMENTS,
        },
        supports_check_mode=True,
    )
    desired = module.params
    files = [item["path"] for item in desired["files"]] + desired["absent"]
    try:
        observed = {item["path"]: observe(item["path"], directory=True) for item in desired["directories"]}
        observed.update({path: observe(path, directory=False) for path in files})
        decided, changes = plan(desired, observed)
        if not module.check_mode:
            note(desired)
        carry_out(
            module,
            decided,
            lambda: apply(changes),
            changed_files=[str(path) for path, *_rest in changes.files] + [str(p) for p in changes.absent],
        )
    except _ledger.LedgerError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}. Nothing was written to this path.")


if __name__ == "__main__":
    main()
