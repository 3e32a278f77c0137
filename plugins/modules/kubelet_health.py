#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait until the kubelet says that it is healthy."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubelet_health
version_added: 0.1.0
short_description: Wait until the kubelet is healthy
description:
  - Waits until the kubelet answers that it is healthy, with or without an API server.
  - When time is up, the error has what was seen last and the telling line of the kubelet's journal.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: Looks once, reports what it saw in RV(problem) and does not fail.
    support: full
  diff_mode:
    description: Nothing is changed, so there is nothing to show.
    support: none
options:
  url:
    description: Where the kubelet answers for its health.
    type: str
    default: http://127.0.0.1:10248/healthz
  unit:
    description: The systemd unit that runs the kubelet.
    type: str
    default: kubelet.service
  timeout:
    description: Longest wait, in seconds.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Wait for the kubelet to become healthy, at most 30 seconds
  mink8s.kubernetes.kubelet_health:
"""

RETURN = r"""
problem:
  description: Why the kubelet is not healthy. Empty if it is.
  type: str
  returned: always
"""

from http.client import HTTPException

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import systemd
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import no_answer, waiting

SECONDS = 5


def unhealthy(url: str) -> list[str]:
    """One line that says why the kubelet is not healthy; empty if it is."""
    try:
        with open_url(url, use_proxy=False, timeout=SECONDS):
            return []
    except (OSError, HTTPException) as error:
        return [f"the kubelet is not healthy: {url} answers: {no_answer.words(error)}"]


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        {
            "url": {"type": "str", "default": "http://127.0.0.1:10248/healthz"},
            "unit": {"type": "str", "default": "kubelet.service"},
            "timeout": {"type": "int", "default": 30},
        },
        supports_check_mode=True,
    )
    url, unit, timeout = (module.params[name] for name in ("url", "unit", "timeout"))
    seen = waiting.until_none(lambda: unhealthy(url), 0 if module.check_mode else timeout)
    problem = seen[0] if seen else ""
    if problem and not module.check_mode:
        module.fail_json(msg=f"After {timeout} s {problem}. {systemd.why(module, unit, '')}", problem=problem)
    module.exit_json(changed=False, problem=problem)


if __name__ == "__main__":
    main()
