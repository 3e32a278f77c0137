# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of the arguments a user adds, and of other files that define the same static pods."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks import cluster
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.finding import check
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.observation import Host, proxy_mode
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release import table
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release.components import COMPONENTS
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import command_line
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.finding import (
    Problem,
    Problems,
    failure,
    warning,
)

API, MANAGER, SCHEDULER, PROXY = COMPONENTS[1:5]
FIELDS = "KubeletConfiguration"
TAKERS = (*COMPONENTS[:5], "kubelet", FIELDS)
NAME = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")
FIELD = re.compile(r"[a-z][A-Za-z0-9]*")
PRIVATE = "Leave it out: where a component listens is what keeps it from the network."
CREDENTIALS = "Leave it out: the collection makes these credentials and gives each component its own."
RUNTIME = "Leave it out: the container runtime is {0.name}."
DRIVER = "Leave it out: it is {0.name}'s, which {0.variable} decides."
DIRECTORY = "Leave it out: reset would not find what is elsewhere."
ALL_ALPHA = "AllAlpha"
AUTHENTICATION = "Set cluster_authentication, or leave it out."


class Refused(NamedTuple):
    """Flags, as a pattern, that the collection decides for these components, and what to do instead.

    remedy: with the container runtime as {0}.
    """

    components: tuple[str, ...]
    flags: str
    remedy: str


# The first that fits counts.
REFUSED = (
    Refused((API,), "bind-address", "Set cluster_apiserver_bind_address instead."),
    Refused((API,), "advertise-address", "Set cluster_address instead."),
    Refused((API, MANAGER), "service-cluster-ip-range", "Set cluster_service_network instead."),
    Refused((API,), "anonymous-auth|authorization-.+|authentication-.+", AUTHENTICATION),
    Refused(
        (API,), "etcd-(servers.*|prefix|.*file)|storage-backend", "Leave it out: etcd is the collection's."
    ),
    Refused((API,), "kubelet-.+", CREDENTIALS),
    Refused((API,), "token-auth-file|basic-auth-file|.+-audiences", CREDENTIALS),
    Refused((API,), "requestheader-(client-ca-file|allowed-names)|proxy-client-.+", CREDENTIALS),
    Refused((MANAGER,), "root-ca-file|use-service-account-credentials", CREDENTIALS),
    Refused((MANAGER, SCHEDULER), "authentication-.+|authorization-.+", AUTHENTICATION),
    Refused(
        (SCHEDULER, PROXY),
        "config",
        "Leave it out: with a configuration file no other argument counts, those for addresses among them.",
    ),
    Refused((PROXY,), "(healthz|metrics)-port", PRIVATE),
    Refused(("etcd",), "data-dir|wal-dir", "Set cluster_etcd_data_dir instead."),
    Refused(
        ("etcd",), "name|initial-.+|discovery.*|proxy.*|force-new-cluster", "Leave it out: there is one etcd."
    ),
    Refused(("etcd",), "config-file", "Leave it out: with a configuration file no argument counts."),
    Refused(("etcd",), ".*(cert|key|ca)-?file|.*client-cert-auth|.*auto-tls|auth-token", CREDENTIALS),
    Refused(("etcd",), "listen-.+|advertise-.+", PRIVATE),
    Refused(("kubelet",), "node-ip", "Set cluster_address instead."),
    Refused(("kubelet", PROXY), "hostname-override", "Set cluster_node_name instead."),
    Refused(("kubelet",), "config", f"Give its fields as {FIELDS} in cluster_arguments instead."),
    Refused(
        ("kubelet",), "pod-infra-container-image", "Set cluster_image_registry or cluster_image_tags instead."
    ),
    Refused(("kubelet",), "cgroup-driver", DRIVER),
    Refused(("kubelet",), "cluster-dns|cluster-domain", "Add coredns to cluster_components instead."),
    Refused(("kubelet",), "pod-manifest-path|manifest-url.*", "Set cluster_config_dir, or leave it out."),
    Refused(("kubelet",), "bootstrap-kubeconfig|rotate-.*certificates", CREDENTIALS),
    Refused(("kubelet",), "anonymous-auth|authentication-.+|authorization-.+", CREDENTIALS),
    Refused(("kubelet",), "container-runtime.*|docker-endpoint|image-service-endpoint", RUNTIME),
    Refused(("kubelet",), "root-dir", DIRECTORY),
    Refused(("kubelet",), "register-node|runonce", "Leave it out: the run waits for the node in the API."),
    Refused(("kubelet",), "read-only-port|healthz-.+", PRIVATE),
    Refused(TAKERS, "kubeconfig|master", "Leave it out: each component has a kubeconfig of its own."),
    Refused(TAKERS, "client-ca-file|tls-(cert|private-key|sni-cert).*|service-account-.+file", CREDENTIALS),
    Refused(TAKERS, "service-account-(issuer|jwks-uri)", CREDENTIALS),
    Refused(TAKERS, "cert-dir", DIRECTORY),
    Refused(TAKERS, "(bind-|healthz-bind-|metrics-bind-)?address|(secure-)?port|insecure-.+", PRIVATE),
)
# The same of the kubelet's configuration.
REFUSED_FIELDS = (
    Refused((FIELDS,), "apiVersion|kind", "Leave it out."),
    Refused((FIELDS,), "staticPodPath", "Set cluster_config_dir instead."),
    Refused((FIELDS,), "staticPodURL.*", DIRECTORY),
    Refused((FIELDS,), "address|port|readOnlyPort|healthz.+", PRIVATE),
    Refused((FIELDS,), "tls(Cert|PrivateKey)File|rotateCertificates|serverTLSBootstrap", CREDENTIALS),
    Refused((FIELDS,), "authentication|authorization", CREDENTIALS),
    Refused((FIELDS,), "cgroupDriver", DRIVER),
    Refused((FIELDS,), "clusterDNS|clusterDomain", "Add coredns to cluster_components instead."),
)


@check
def arguments(desired: Mapping[str, Any], host: Host) -> Problems:
    """cluster_arguments: components and flags, and whether the collection has to decide them itself."""
    given = desired["arguments"]
    if given and desired["article_exact"]:
        yield failure(
            "cluster_article_exact is true with cluster_arguments, which the article does not have.",
            "Leave one of them out.",
        )
        return
    for component, flags in given.items():
        if component == "coredns":
            yield failure(
                "cluster_arguments has coredns, which has a Corefile instead of arguments.",
                "Leave it out: every run writes the Corefile anew.",
            )
        elif component not in TAKERS:
            yield failure(
                f"cluster_arguments has {component}, which is no component.",
                f"Known are {', '.join(TAKERS)}.",
            )
        elif not isinstance(flags, Mapping):
            yield failure(
                f"cluster_arguments has no dictionary for {component}.",
                "Write {FLAG: VALUE}, such as {v: 4}.",
            )
        else:
            if component in COMPONENTS and component not in desired["components"]:
                yield warning(
                    f"cluster_arguments has {component}, which is not among cluster_components.",
                    f"It changes nothing unless you add {component} to cluster_components.",
                )
            for flag, value in flags.items():
                yield from _argument(component, str(flag), value, desired, host)


def _argument(
    component: str, flag: str, value: Any, desired: Mapping[str, Any], host: Host
) -> Iterator[Problem]:
    where = f"cluster_arguments has {flag} for {component}"
    is_field = component == FIELDS
    if not (FIELD if is_field else NAME).fullmatch(flag):
        right = flag.strip("-").replace("_", "-").lower()
        example = f"Write {right}." if not is_field and NAME.fullmatch(right) else "Correct it."
        yield failure(f"{where}, which is no name of a {'field' if is_field else 'flag'}.", example)
        return
    for refused in REFUSED_FIELDS if is_field else REFUSED:
        if component in refused.components and re.fullmatch(refused.flags, flag):
            yield failure(f"{where}, which the collection decides.", refused.remedy.format(host.runtime))
            return
    if value is None:
        yield failure(f"{where} without a value.", 'Give it one, or "" for an empty one.')
    elif not is_field and not _is_simple(value):
        yield failure(
            f"{where} with a value that is neither a text, a number, nor a list of them.", "Write one."
        )
    elif not is_field:
        yield from _value(component, where, flag, value, desired)
        if (component, flag) == (PROXY, "proxy-mode"):
            yield from _proxy_mode(where, desired)
        yield from _file(component, where, flag, value, host)


def _is_simple(value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return bool(values) and all(isinstance(each, (str, int, float)) for each in values)


def _value(
    component: str, where: str, flag: str, value: Any, desired: Mapping[str, Any]
) -> Iterator[Problem]:
    values = value if isinstance(value, list) else str(value).split(",")
    plugins = {plugin.strip() for each in values for plugin in str(each).split(",")}
    if component == API and cluster.has_certificates(desired):
        if flag == "enable-admission-plugins" and "NodeRestriction" not in plugins:
            yield failure(
                f"{where} without NodeRestriction, which keeps a kubelet from changing other nodes.",
                "Add NodeRestriction to it.",
            )
        elif flag == "disable-admission-plugins" and "NodeRestriction" in plugins:
            yield failure(
                f"{where} with NodeRestriction, which keeps a kubelet from changing other nodes.",
                "Take NodeRestriction out of it.",
            )


def _proxy_mode(where: str, desired: Mapping[str, Any]) -> Iterator[Problem]:
    """A mode with which kube-proxy of the release does not start."""
    mode, version = proxy_mode(desired), desired["version"]
    modes = table.row(desired["releases"], version)["proxy_modes"]
    gate = modes.get(mode, "")
    if mode and mode not in modes:
        yield failure(
            f"{where}, and kube-proxy of {version} has no mode {mode}.",
            f"Set it to {', '.join(modes)}, or leave it out, for the mode iptables.",
        )
    elif gate and not {gate, ALL_ALPHA} & command_line.enabled_gates(desired["arguments"][PROXY]):
        yield failure(
            f"{where}, and kube-proxy of {version} has the mode {mode} behind the feature gate {gate} alone.",
            f"Add feature-gates: {gate}=true for kube-proxy, or leave proxy-mode out, for the mode iptables.",
        )


def _file(component: str, where: str, flag: str, value: Any, host: Host) -> Iterator[Problem]:
    """What is wrong with a file or directory of the host that a static pod is to see."""
    if component == "kubelet" or not value:
        return
    if flag == command_line.AUDIT_LOG:
        if value != "-" and not command_line.log_directory({flag: value}):
            yield failure(
                f"{where}, which is no file in a directory of its own: {value}.",
                "Write /var/log/kubernetes/audit.log, or - for the log of kube-apiserver's container.",
            )
    elif command_line.FILE.fullmatch(flag):
        if not str(value).startswith("/"):
            yield failure(
                f"{where}, which is no absolute path: {value}.", "Write the whole path on the host."
            )
        elif value in host.missing_files:
            yield failure(
                f"{where}, but there is no file {value} on the host.",
                "Put it there, readable by root; it is mounted into the static pod at the same path.",
            )


@check
def static_pods(desired: Mapping[str, Any], host: Host) -> Problems:
    """The directory of manifests, in which no other file may define a static pod of the collection's."""
    for file, manifest, pod in host.duplicates:
        yield failure(
            f"{file} defines the static pod {pod}, as {manifest} does. The kubelet reads every file of that"
            " directory whose name does not begin with a dot, and runs one of the two.",
            f"Move it out of the directory, as with mv {file} /root/.",
        )
