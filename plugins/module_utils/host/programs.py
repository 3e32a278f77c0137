# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Programs on a host: where they are, and how a module runs them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

# A module's run_command. Up to Python 3.8 only text may be subscripted like this.
Run: TypeAlias = "Callable[..., tuple[int, str, str]]"
# Where a command may be: of a package, installed by hand, of a snap.
DIRECTORIES = ["/usr/bin", "/usr/local/bin", "/snap/bin"]
# The names under which packages have their files come first.
PATH = ":".join(["/usr/sbin", "/usr/local/sbin", *DIRECTORIES, "/sbin", "/bin"])


def find(name: str) -> str:
    """Where a program is on the host; empty if it is not."""
    return shutil.which(name, path=PATH) or ""


def complaint(command: Sequence[str], code: int, said: str) -> str:
    """What to say of a command that failed."""
    last = "\n".join(said.splitlines()[-3:])
    return f"`{' '.join(command)}` ended with code {code}: {last}"
