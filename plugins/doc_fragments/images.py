# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation shared by the modules that bring images into the container runtime."""

from __future__ import annotations


class ModuleDocFragment:
    """Where those modules take the images from."""

    DOCUMENTATION = r"""
options:
  archives:
    description:
      - Paths of image archives, and of directories in which all V(*.tar) are looked at.
      - Where such a directory has a file SHA512SUMS, an archive that it does not list is not used.
      - An archive that is about to be loaded must match SHA512SUMS in its directory if that lists it.
    type: list
    elements: path
    default: []
  pull:
    description: Whether images that are in none of the archives are pulled, by their digest only.
    type: bool
    default: false
  architecture:
    description: Architecture of the host, in Kubernetes' words.
    type: str
    choices: [amd64, arm64]
    required: true
"""
