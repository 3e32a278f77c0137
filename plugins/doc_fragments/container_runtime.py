# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of what the container runtime is going to be told, which the module preflight checks."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of the container runtime's own module, as preflight names them."""

    DOCUMENTATION = r"""
options:
  container_runtime:
    description: The container runtime that the cluster is to have.
    type: str
    choices: [docker, containerd]
    default: docker
  runtime_settings:
    description:
      - The settings that the container runtime is going to be given. What that does to one that runs is told
        before.
      - Without it, and the options that belong to it, nothing is.
    type: dict
  runtime_pause_image:
    description: The image that holds the network of a pod, if the container runtime has to be told it.
    type: str
    default: ""
  runtime_registries:
    description: Where the images of registries are asked for instead, a list of URLs for each.
    type: dict
    default: {}
  runtime_defaults:
    description: Whether a container runtime that the collection installs has settings of its own, too.
    type: bool
    default: true
  runtime_proxy:
    description: Variables for its environment that say which proxy to use, each NAME=VALUE on a line.
    type: str
    default: ""
  runtime_packages:
    description: The packages of the container runtime that are installed where there is none.
    type: list
    elements: str
    default: []
"""
