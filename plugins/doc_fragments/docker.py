# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of what Docker is going to be told, which the module preflight checks."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of docker_engine, as preflight names them."""

    DOCUMENTATION = r"""
options:
  docker_settings:
    description:
      - The settings that M(mink8s.kubernetes.docker_engine) is going to be given. What it then does to a
        Docker that runs is told before.
      - Without it, and the options that belong to it, nothing is.
    type: dict
  docker_defaults:
    description: Its option O(mink8s.kubernetes.docker_engine#module:defaults).
    type: bool
    default: true
  docker_proxy:
    description: Its option O(mink8s.kubernetes.docker_engine#module:proxy).
    type: str
    default: ""
  docker_proxy_file:
    description: Its option O(mink8s.kubernetes.docker_engine#module:proxy_file).
    type: path
    default: /etc/systemd/system/docker.service.d/mink8s-proxy.conf
  docker_packages:
    description: The packages of Docker that are installed where there is none.
    type: list
    elements: str
    default: []
"""
