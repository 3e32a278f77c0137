#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings merged into the configuration file of dockerd, none of them lost."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_daemon
version_added: 0.1.0
short_description: Merge settings into the configuration file of dockerd
description:
  - Adds settings to C(daemon.json) and keeps everything else in it, in its order.
  - Dictionaries are merged, lists get the items they lack, anything else is set.
  - Items of C(exec-opts) that set the same option, such as V(native.cgroupdriver=systemd) and
    V(native.cgroupdriver=cgroupfs), replace each other.
  - Does not restart dockerd.
author: The mink8s authors (@mink8s)
extends_documentation_fragment: mink8s.kubernetes.ledger
attributes:
  check_mode:
    description: Reports what would change and changes nothing.
    support: full
  diff_mode:
    description: Shows the file before and after.
    support: full
options:
  path:
    description: The file; made with mode 0644, and its directory with 0755, if missing.
    type: path
    default: /etc/docker/daemon.json
  settings:
    description: What the file has to contain, among other things.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Keep the engine's cgroup driver in step with the kubelet's
  mink8s.kubernetes.docker_daemon:
    settings:
      exec-opts: [native.cgroupdriver=systemd]
      log-opts:
        max-size: 10m
  notify: Restart Docker
"""

RETURN = r"""
reasons:
  description: One sentence for each key that changes.
  type: list
  elements: str
  returned: success
  sample: ["log-opts.max-size: now not set, wanted \"10m\""]
settings:
  description: What the file contains, or would contain in check mode.
  type: dict
  returned: success
  sample:
    exec-opts: [native.cgroupdriver=systemd]
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils import (
    _files,
    _host,
    _ledger,
    _plan,
    _settings,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Observed:
    """The file. text: empty if it is missing; mode: its own, or that of a new one."""

    text: str
    settings: dict[str, Any]
    mode: int


def observe(path: Path) -> Observed:
    """Read the file. Raises ValueError if dockerd could not read it."""
    content = _files.read(path)
    if content is None:
        return Observed("", {}, 0o644)
    settings = _host.parse_daemon_json(str(path), content)
    return Observed(content.decode(), settings, path.stat().st_mode & 0o7777)


def plan(wanted: dict[str, Any], observed: Observed) -> tuple[_plan.Plan, dict[str, Any]]:
    """What has to change, and the settings as they then are."""
    settings = _settings.merge(observed.settings, wanted)
    reasons = tuple(_differences(observed.settings, settings))
    if not reasons:
        return _plan.Plan(before=observed.text, after=observed.text), settings
    after = _settings.render(settings, like=observed.text)
    return _plan.Plan(reasons, observed.text, after), settings


def _differences(old: dict[str, Any], new: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(old.get(key), dict):
            yield from _differences(old[key], value, f"{prefix}{key}.")
        elif key not in old or old[key] != value:
            now = json.dumps(old[key]) if key in old else "not set"
            yield f"{prefix}{key}: now {now}, wanted {json.dumps(value)}"


def apply(path: Path, content: str, mode: int) -> None:
    """Put the file in place, where a symbolic link leads if it is one."""
    target = path.resolve()
    if not target.parent.exists():
        target.parent.mkdir(parents=True)
        target.parent.chmod(0o755)
    _files.write(target, content.encode(), mode)


def note(ledger: str | Path, path: Path, wanted: dict[str, Any]) -> None:
    """Note what the file was before the first of our changes, and the settings of all of them."""
    target = path.resolve()
    content, known = _files.read(target), _ledger.read(ledger)
    earlier = known.settings.get(str(target), {}).get("ours", {}) if known else {}
    state = {
        "before": None if content is None else content.decode(),
        "ours": _settings.merge(earlier, wanted),
    }
    _ledger.note(ledger, directories=[target.parent], settings={str(target): state})


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "default": "/etc/docker/daemon.json"},
            "settings": {"type": "dict", "required": True},
            **_ledger.ARGUMENTS,
        },
        supports_check_mode=True,
    )
    path, wanted, ledger = (module.params[name] for name in ("path", "settings", "ledger"))
    path = Path(path)
    try:
        observed = observe(path)
        decided, settings = plan(wanted, observed)

        def run() -> None:
            note(ledger, path, wanted)
            apply(path, decided.after, observed.mode)

        _plan.carry_out(module, decided, run, settings=settings)
    except _ledger.LedgerError as error:
        module.fail_json(msg=str(error))
    except ValueError as error:
        module.fail_json(msg=f"{error}. {_host.DAEMON_JSON_REMEDY}")
    except OSError as error:
        module.fail_json(msg=f"{path}: {error}. Make it a file that can be written, or let it be missing.")


if __name__ == "__main__":
    main()
