# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options that all modules have that fill a bundle."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of where the bundle is, and for which hosts."""

    DOCUMENTATION = r"""
options:
  directory:
    description:
      - The bundle's directory; made if it is not there. C(bundle.json) in it says what each file was made of.
      - Files in it that are not the module's stay as they are.
    type: path
    required: true
  architecture:
    description: Architecture of the hosts, in Kubernetes' words, which are Debian's as well.
    type: str
    choices: [amd64, arm64]
    required: true
"""
