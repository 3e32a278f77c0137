#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A kubeconfig for a cluster on another host, alone in a file or among others."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubeconfig
short_description: Write a kubeconfig for a cluster on another host
version_added: 0.1.0
description:
  - Writes the kubeconfig of an administrator to a file that only its owner can read, with another address of
    the API and under another name. Connects to the API first, and fails if it is not reached, or shows a
    certificate for others.
  - A file that is there and that this collection did not write is left as it is, and the module fails.
  - With O(merge) the entries go into a kubeconfig that has others, too. These stay as they are, to the letter
    where its YAML is in block style, and so does the current context unless there is none.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: Connects to the API, and reports what would be written.
    support: full
  diff_mode:
    description: Shows the names of the contexts before and after, and nothing of what is in them.
    support: full
options:
  content:
    description: The administrator's kubeconfig, with its certificates and key in it.
    type: str
    required: true
  server:
    description: URL of the API.
    type: str
    required: true
  name:
    description: Name of the cluster, its user and its context.
    type: str
    required: true
  path:
    description: The file.
    type: path
    required: true
  merge:
    description: Whether the file may have other entries, which stay.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Have a kubeconfig on the controller
  mink8s.kubernetes.kubeconfig:
    content: "{{ admin_conf.content | b64decode }}"
    server: https://192.0.2.7:6443
    name: host-1
    path: host-1.kubeconfig
  delegate_to: localhost
"""

RETURN = r"""
reasons:
  description: Why something changed.
  type: list
  elements: str
  returned: success
  sample: [host-1.kubeconfig is missing]
context:
  description: The name of the context.
  type: str
  returned: success
"""

import stat
from pathlib import Path
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import access, kubeconfig
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api.kubeconfig import KubeconfigError
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import files, library, no_answer
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan, carry_out


def plan(path: Path, mode: int, before: str | None, wanted: str, merge: bool) -> Plan:
    """Compare. mode: of the file. before: its text, None if there is none."""
    if before is None:
        reason = f"{path} is missing"
    elif before != wanted:
        reason = f"{path} has other entries" if merge else f"{path} has other content"
    elif mode & 0o077:
        reason = f"{path} has mode {mode:04o}, others can read it"
    else:
        return Plan()
    return Plan((reason,), _contexts(before or "", path), _contexts(wanted, path))


def _contexts(text: str, path: Path) -> str:
    found = kubeconfig.parse(text, str(path)).get("contexts") or []
    return "".join(f"{path}: context {item['name']}\n" for item in found)


def wanted_text(ours: kubeconfig.Document, path: Path, before: str | None, merge: bool) -> str:
    """What the file is to have. Raises KubeconfigError where it has somebody else's."""
    if merge:
        return kubeconfig.merged(before or "", ours, str(path))
    if before is not None and not before.startswith(kubeconfig.MARKER):
        raise KubeconfigError(
            f"{path} is not the collection's: its first line does not say so. Move it away, or set"
            " kubeconfig_file to another path."
        )
    return kubeconfig.alone(ours)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        {
            "content": {"type": "str", "required": True, "no_log": True},
            "server": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            "path": {"type": "path", "required": True},
            "merge": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    if not kubeconfig.HAS_YAML:
        library.respawn("yaml")
        library.fail(module, "yaml")
    # A link of its owner's is followed, and stays one.
    path, server, name = Path(module.params["path"]).resolve(), module.params["server"], module.params["name"]
    try:
        admin = kubeconfig.parse(module.params["content"], "The administrator's kubeconfig")
        address = urlsplit(server)
        access.connect(address.hostname or "", address.port or 443, kubeconfig.authority(admin)).close()
    except OSError as error:
        module.fail_json(
            msg=f"The API of {name} is not reached at {server} from here: {no_answer.words(error)}. Look for"
            " a firewall in between, or set kubeconfig_server to another name or address of the host."
        )
    try:
        content = files.read(path)
        before = None if content is None else content.decode()
        mode = stat.S_IMODE(path.stat().st_mode) if content is not None else 0o600
        wanted = wanted_text(
            kubeconfig.entries(admin, name, server), path, before, merge=module.params["merge"]
        )

        def write() -> None:
            files.make_directory(path.parent, 0o700)
            files.write(path, wanted.encode(), mode & 0o700)

        decided = plan(path, mode, before, wanted, module.params["merge"])
        carry_out(module, decided, write, context=name)
    except (KubeconfigError, UnicodeDecodeError) as error:
        said = str(error) if isinstance(error, KubeconfigError) else f"{path} is no kubeconfig."
        module.fail_json(msg=f"{said} Nothing was written.")
    except OSError as error:
        module.fail_json(msg=f"{path} can't be written: {error.strerror}.")


if __name__ == "__main__":
    main()
