# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of a Docker engine that is already on the host."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils import _daemon_json, _host, _host_engine
from ansible_collections.mink8s.kubernetes.plugins.module_utils._finding import (
    Problems,
    check,
    failure,
    warning,
)

# What a kubelet with dockershim speaks.
OLDEST_API, NEWEST_API = "1.26", "1.40"


@check
def daemon_json(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    """/etc/docker/daemon.json, which dockerd has to be able to read."""
    if host.daemon_json_error:
        yield failure(f"{host.daemon_json_error}.", _daemon_json.REMEDY)


@check
def docker_api(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    """The API versions of the engine, one of which the kubelet has to speak (1.26 to 1.40)."""
    engine = host.engine
    if not engine.api:
        return
    speaks = f"Docker {engine.version} speaks API {engine.min_api} to {engine.api}"
    seen = f"{speaks}, and the kubelet {OLDEST_API} to {NEWEST_API}"
    if _numbers(engine.api) < _numbers(OLDEST_API):
        yield failure(f"{seen}.", "Upgrade Docker, or remove it to have the distribution's installed.")
    elif _numbers(engine.min_api) <= _numbers(NEWEST_API):
        return
    elif _numbers(engine.version)[:1] < (_host_engine.LOWERED_FROM,):
        yield failure(
            f"{seen}.",
            'Take min-api-version out of /etc/docker/daemon.json, or set it to "1.24", and restart docker.',
        )
    elif others := [name for name in engine.containers if not (host.has_ledger and name.startswith("k8s_"))]:
        yield warning(
            f"{seen}, so dockerd is given min-api-version and restarted, and with it: {', '.join(others)}.",
            "Run this when these containers may restart.",
        )


@check
def cgroup_driver(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    """The engine's cgroup driver, which the article's kubelet does not adapt to."""
    if desired["article_exact"] and host.engine.cgroup_driver == "systemd":
        yield failure(
            "cluster_article_exact has the kubelet use the cgroup driver cgroupfs, and Docker uses systemd.",
            'Set "exec-opts": ["native.cgroupdriver=cgroupfs"] in /etc/docker/daemon.json and restart docker,'
            " or set cluster_article_exact to false.",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))
