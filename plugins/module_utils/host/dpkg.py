# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands of dpkg's, run while another program may have its lock, and what a dpkg that was killed leaves."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import waiting

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

# What dpkg has begun and not ended.
UPDATES = Path("/var/lib/dpkg/updates")
LOCK_SECONDS = 300
ENVIRONMENT = {
    "DEBIAN_FRONTEND": "noninteractive",
    "LC_ALL": "C",
    # No service is restarted unasked.
    "NEEDRESTART_SUSPEND": "1",
    # After `su`, PATH lacks the directories of dpkg's own helpers.
    "PATH": f"{os.environ.get('PATH', '/usr/bin:/bin')}:/usr/local/sbin:/usr/sbin:/sbin",
}
ABSENT = ("not-installed", "config-files")

_LOCKED = re.compile("could not get lock|locked by another process", re.IGNORECASE)


def patiently(module: AnsibleModule, command: Sequence[str], **options: Any) -> tuple[int, str, str]:
    """Run a command, again and again while another program has the package manager's lock.

    options: further ones of run_command. Returns the last answer, which says so if the lock stays.
    """
    done = (0, "", "")

    def locked() -> list[str]:
        nonlocal done
        done = module.run_command(list(command), environ_update=ENVIRONMENT, **options)
        return [done[2]] if is_locked(done) else []

    waiting.until_none(locked, LOCK_SECONDS, 2)
    return done


def is_locked(done: tuple[int, str, str]) -> bool:
    """Whether a command failed because another program has the package manager's lock."""
    return bool(done[0] and _LOCKED.search(done[2]))


def interrupted() -> bool:
    """Whether a dpkg that was killed has left something to do."""
    return UPDATES.is_dir() and any(UPDATES.iterdir())
