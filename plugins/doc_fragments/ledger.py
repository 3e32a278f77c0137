# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation shared by the modules that make things on the host."""

from __future__ import annotations


class ModuleDocFragment:
    """Where those modules note what they make."""

    DOCUMENTATION = r"""
options:
  ledger:
    description:
      - File on the host in which what is made is noted before it is made, so that reset can take it back.
      - Never written in check mode.
    type: path
    default: /var/lib/mink8s/ledger.json
"""
