# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Libraries that modules need on the host, as the distribution packages them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common.respawn import has_respawned, probe_interpreters_for_module, respawn_module

if TYPE_CHECKING:
    from pathlib import Path

    from ansible.module_utils.basic import AnsibleModule

SYSTEM_PYTHON = "/usr/bin/python3"


def respawn(library: str) -> None:
    """Start the module again with the system's Python if that has the library and this one does not."""
    if not has_respawned() and probe_interpreters_for_module([SYSTEM_PYTHON], library):
        respawn_module(SYSTEM_PYTHON)


def require_for(module: AnsibleModule, library: str, directory: Path) -> None:
    """Go on with a Python that has the library, which this one does not, or end the module with an error.

    directory: what the library is to read. In check mode it is not needed yet on a host without this.
    """
    respawn(library)
    if not module.check_mode or directory.exists():
        fail(module, library)


def fail(module: AnsibleModule, library: str) -> None:
    """End the module with an error that names the library and its package."""
    module.fail_json(msg=f"{missing_required_lib(library)} On Debian and Ubuntu it is in python3-{library}.")
