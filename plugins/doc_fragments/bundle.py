# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The option that all modules have that fill a bundle."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of the bundle's directory."""

    DOCUMENTATION = r"""
options:
  directory:
    description:
      - The bundle's directory; made if it is not there. C(bundle.json) in it says what each file was made of.
      - Files in it that are not the module's stay as they are.
    type: path
    required: true
"""
