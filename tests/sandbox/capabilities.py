# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Linux capabilities this machine can give to a container, and those it lacks."""

from __future__ import annotations

import re
from pathlib import Path

# In the kernel's order (linux/capability.h). The three newer ones are left out: Docker 20.10 refuses them.
KERNEL_ORDER = """
    CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
    NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT
    SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE
    AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ
"""
NAMES = KERNEL_ORDER.split()


def available(status: str) -> list[str]:
    """The names in the bounding set of a process, given the text of its /proc/PID/status."""
    found = re.search(r"^CapBnd:\s*([0-9a-f]+)$", status, re.MULTILINE)
    bits = int(found[1], 16) if found else 0
    return [name for number, name in enumerate(NAMES) if bits >> number & 1]


def here() -> list[str]:
    """The capabilities this machine has."""
    return available(Path("/proc/self/status").read_text())


def lacking() -> list[str]:
    """The capabilities this machine lacks, and no container can have therefore."""
    return [name for name in NAMES if name not in here()]
