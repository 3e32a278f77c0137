# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Watching a cluster come up, and creating in its API what is missing as soon as that answers."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import (
    cluster_role,
    kubernetes_client,
    nodes,
    service_account,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import previous_configuration, systemd
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import component_log
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import waiting
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan, together
from ansible_collections.mink8s.kubernetes.plugins.module_utils.startup import fatal_errors

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


try:
    import yaml
except ImportError:
    HAS_YAML = False
else:
    HAS_YAML = True

# Each look asks for little.
INTERVAL = 0.1


def read(path: Path) -> nodes.StaticPod:
    """What a manifest on the host says."""
    # The loader in C takes a tenth of the other's time.
    return nodes.static_pod(yaml.load(path.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def wait(
    module: AnsibleModule, api: Any, manifests: Iterable[str], kept: previous_configuration.Previous
) -> Seen:
    """Wait for the node and its static pods, not in check mode, and not once there is no use in it.

    kept: the configuration that worked, if the one on the host has not worked yet.
    """
    # The client needs PyYAML, so only a host without a cluster, in check mode, can lack it here.
    paths = [Path(path) for path in manifests if api and Path(path).exists()]
    wanted = [read(path) for path in paths]
    tried = [path.stem for path in paths if kept.had_cluster and str(path) in kept.files]
    watch, start = Watch(module, api, wanted, tried), time.monotonic()
    timeout = 0 if module.check_mode else module.params["timeout"]
    fatal = fatal_errors.FatalErrors(module, wanted)
    missing = list(waiting.until_none(watch.look, timeout, INTERVAL, fatal.are_there))
    if missing and not module.check_mode:
        missing = watch.look_afresh()
    said = [f"After {time.monotonic() - start:.0f} s:", *(f"- {line}" for line in missing)]
    if missing and not module.check_mode:
        said += component_log.explain(module, module.params["unit"], [pod.name for pod in wanted])
    results = {
        "missing": missing,
        "node": nodes.summary(watch.seen.node),
        "apiserver_version": watch.seen.apiserver_version,
    }
    return Seen(watch, missing, "\n".join(said), results)


@dataclass(frozen=True)
class Seen:
    """How a wait ended. message: what is missing, and why, as a person reads it. results: of the module."""

    watch: Watch
    missing: list[str]
    message: str
    results: dict[str, Any]


class Watch:
    """Looks until nothing is missing, and asks only for what was missing before."""

    def __init__(
        self, module: AnsibleModule, api: Any, wanted: list[nodes.StaticPod], tried: Iterable[str] = ()
    ) -> None:
        """api: None on a host without a cluster. wanted: the manifests on the host.

        tried: names of those whose manifest has not worked yet.
        """
        self._tried = frozenset(tried)
        self._module, self._api, self._wanted = module, api, wanted
        self._namespaces: list[str] = module.params["service_account_namespaces"]
        self._objects_made = False
        self._taints_seen_to = False
        self.objects: Plan | None = None
        self.seen = nodes.Observed(tried=self._tried)

    def look(self) -> list[str]:
        """What is still missing. Nothing is only if one look has seen it all."""
        first = self.seen == nodes.Observed(tried=self._tried)
        missing = self._look()
        return missing if missing or first else self.look_afresh()

    def look_afresh(self) -> list[str]:
        """What is missing now, whatever was seen before."""
        self.seen = nodes.Observed(tried=self._tried)
        return self._look()

    def _look(self) -> list[str]:
        params, seen = self._module.params, self.seen
        if not seen.kubelet_started_at:
            seen.kubelet_started_at = systemd.observe(self._module, params["unit"]).started_at
        try:
            seen.api_problem = self._ask()
        except kubernetes_client.api_exceptions() as error:
            host = self._api.configuration.host
            seen.api_problem = f"kube-apiserver at {host} answered {kubernetes_client.explain(error)}"
        if seen.api_problem:
            seen.apiserver_version = ""
        return nodes.missing(params["name"], params["version"], self._wanted, seen)

    def _ask(self) -> str:
        """Ask the API. Returns why it could not be asked; empty if it could."""
        params, seen, api = self._module.params, self.seen, self._api
        name, version = params["name"], params["version"]
        if api is None:
            return f"{params['kubeconfig']} does not exist: there is no cluster yet"
        if not seen.apiserver_version or nodes.missing_of_apiserver(version, seen):
            problem = kubernetes_client.unhealthy(api)
            if problem:
                return problem[0]
            seen.apiserver_version = kubernetes_client.version(api)
        core = kubernetes_client.core(api)
        if not self._objects_made:
            self._make_objects(core)
        if nodes.missing_of_node(name, version, seen):
            seen.node = kubernetes_client.get(core.read_node, name)
        if (
            seen.kubelet_started_at
            and not self._taints_seen_to
            and not nodes.missing_of_node(name, version, seen)
        ):
            self._see_to_taints(core)
        if seen.node is not None and nodes.missing_of_pods(name, self._wanted, seen):
            seen.mirror_pods = dict(self._mirror_pods(core))
        return ""

    def _mirror_pods(self, core: Any) -> Iterator[tuple[str, nodes.StaticPod]]:
        # A kubelet may ask for the pods of its own node alone.
        asked = {
            "field_selector": f"spec.nodeName={self._module.params['name']}",
            "_request_timeout": kubernetes_client.REQUEST_TIMEOUT,
        }
        for namespace in {pod.namespace for pod in self._wanted}:
            listed = core.list_namespaced_pod(namespace, **asked)
            for pod in listed.items:
                conditions = pod.status.conditions or []
                ready = any(c.type == "Ready" and c.status == "True" for c in conditions)
                mirror = nodes.static_pod(self._api.sanitize_for_serialization(pod), ready, _age(pod))
                yield f"{namespace}/{mirror.name}", mirror

    def _see_to_taints(self, core: Any) -> None:
        """Take away, where no controller does, the taints that keep pods from a node that is Ready."""
        node = self.seen.node
        taints = Plan() if self._module.params["service_accounts"] == "unmanaged" else nodes.plan_taints(node)
        if taints.reasons and not self._module.check_mode:
            # If somebody was quicker, the next look asks for the node as it is then.
            self.seen.node = None
            core.patch_node(node.metadata.name, nodes.without_outlived(node))
            self.seen.node = node
        self.objects = together(self.objects or Plan(), taints)
        self._taints_seen_to = True

    def _make_objects(self, core: Any) -> None:
        params = self._module.params
        accounts = service_account.observe(core, self._namespaces)
        roles = cluster_role.observe(self._api, params["cluster_roles"])
        # What a look that broke off has made was missing, too.
        self.objects = self.objects or plan_objects(params, accounts, roles)
        if not self._module.check_mode:
            service_account.apply(core, accounts, unmanaged=params["service_accounts"] == "unmanaged")
            cluster_role.apply(self._api, params["cluster_roles"], roles)
        self._objects_made = True


def _age(pod: Any) -> float:
    """For how many seconds all of the pod's containers have run."""
    states = [status.state.running for status in pod.status.container_statuses or [] if status.state]
    return min((time.time() - state.started_at.timestamp() for state in states if state), default=0.0)


def plan_objects(
    params: dict[str, Any],
    accounts: dict[str, service_account.Observed],
    roles: dict[str, cluster_role.Observed],
) -> Plan:
    """What of the API's objects has to change."""
    unmanaged = params["service_accounts"] == "unmanaged"
    return together(
        service_account.plan(accounts, unmanaged=unmanaged), cluster_role.plan(params["cluster_roles"], roles)
    )


def unmade(params: dict[str, Any]) -> Plan:
    """What would be made on a host without an API."""
    accounts = dict.fromkeys(params["service_account_namespaces"], service_account.Observed())
    roles = {role["name"]: cluster_role.Observed() for role in params["cluster_roles"]}
    return plan_objects(params, accounts, roles)
