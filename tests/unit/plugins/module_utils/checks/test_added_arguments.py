"""Arguments that would break what the collection promises are refused, with what to set instead."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks import added_arguments, observation
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import manifest_directory
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.manifest_directory import Duplicate
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker.observed import DockerObserved
from rendering import variables

HOST = observation.Host(runtime=DockerObserved())
DIRECTORY = "/etc/kubernetes/manifests"
POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: etcd\n  namespace: kube-system\nspec: {}\n"


def found(
    arguments: object, host: observation.Host | None = None, **options: Any
) -> list[added_arguments.Problem]:
    desired = {
        "version": "v1.20.15",
        "releases": variables("release", "vars")["release_table"],
        "authentication": "",
        "article_exact": False,
        "components": ["etcd", "kube-apiserver"],
        "arguments": arguments,
        **options,
    }
    return list(added_arguments.arguments(desired, host or HOST))


def one(component: str, flag: str, value: object = "x", host: observation.Host | None = None) -> str:
    """The one finding, which has to be a failure."""
    (problem,) = found({component: {flag: value}}, host, components=list(added_arguments.COMPONENTS))
    assert problem.fatal
    assert flag in problem.message
    assert component in problem.message
    return f"{problem.message} {problem.remedy}"


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"kube-apiserver": {"v": 4, "feature-gates": "A=true", "audit-log-path": "-"}},
        {"kube-apiserver": {"audit-log-path": "/var/log/kubernetes/audit.log", "profiling": False}},
        {"kube-apiserver": {"tls-min-version": "VersionTLS12", "tls-cipher-suites": ["A", "B"]}},
        {"kube-apiserver": {"enable-admission-plugins": "NodeRestriction,PodSecurityPolicy"}},
        {"kube-apiserver": {"enable-admission-plugins": ["NodeRestriction", "PodSecurityPolicy"]}},
        {"kubelet": {"v": 4, "cloud-provider": "external", "max-pods": 50, "log-file": "x"}},
        {"etcd": {"snapshot-count": 5000, "log-level": "debug"}},
        {"KubeletConfiguration": {"maxPods": 50, "evictionHard": {"memory.available": "100Mi"}}},
    ],
)
def test_what_a_person_tries_is_let_through(arguments: dict[str, Any]) -> None:
    assert found(arguments) == []


@pytest.mark.parametrize(
    ("component", "flag", "instead"),
    [
        ("kube-apiserver", "bind-address", "cluster_apiserver_bind_address"),
        ("kube-apiserver", "advertise-address", "cluster_address"),
        ("kube-apiserver", "service-cluster-ip-range", "cluster_service_network"),
        ("kube-controller-manager", "service-cluster-ip-range", "cluster_service_network"),
        ("kube-apiserver", "authorization-mode", "cluster_authentication"),
        ("kube-apiserver", "anonymous-auth", "cluster_authentication"),
        ("etcd", "data-dir", "cluster_etcd_data_dir"),
        ("kubelet", "node-ip", "cluster_address"),
        ("kubelet", "hostname-override", "cluster_node_name"),
        ("kube-proxy", "hostname-override", "cluster_node_name"),
        ("kubelet", "config", "KubeletConfiguration"),
        ("kubelet", "pod-infra-container-image", "cluster_image_tags"),
        ("kubelet", "cgroup-driver", "cluster_docker_settings"),
        ("kubelet", "cluster-dns", "coredns"),
        ("kubelet", "pod-manifest-path", "cluster_config_dir"),
        ("KubeletConfiguration", "staticPodPath", "cluster_config_dir"),
        ("KubeletConfiguration", "clusterDNS", "coredns"),
        ("KubeletConfiguration", "cgroupDriver", "cluster_docker_settings"),
    ],
)
def test_where_there_is_a_variable_it_is_named(component: str, flag: str, instead: str) -> None:
    assert instead in one(component, flag)


@pytest.mark.parametrize(
    ("component", "flags"),
    [
        ("kube-apiserver", "secure-port insecure-port insecure-bind-address client-ca-file tls-cert-file"),
        (
            "kube-apiserver",
            "tls-private-key-file service-account-key-file service-account-issuer etcd-cafile",
        ),
        ("kube-apiserver", "etcd-servers etcd-prefix token-auth-file kubelet-client-key cert-dir"),
        ("kube-apiserver", "requestheader-client-ca-file requestheader-allowed-names proxy-client-key-file"),
        ("kube-apiserver", "service-account-signing-key-file authentication-token-webhook-config-file"),
        (
            "kube-controller-manager",
            "kubeconfig master port bind-address authentication-kubeconfig root-ca-file",
        ),
        ("kube-controller-manager", "service-account-private-key-file use-service-account-credentials"),
        ("kube-scheduler", "config address authorization-kubeconfig"),
        ("kube-proxy", "config healthz-bind-address metrics-bind-address healthz-port kubeconfig"),
        (
            "etcd",
            "listen-client-urls listen-metrics-urls advertise-client-urls initial-cluster trusted-ca-file",
        ),
        ("etcd", "cert-file key-file peer-key-file client-cert-auth wal-dir config-file name"),
        ("kubelet", "address port read-only-port healthz-port anonymous-auth client-ca-file kubeconfig"),
        ("kubelet", "tls-cert-file root-dir cert-dir container-runtime register-node rotate-certificates"),
        ("KubeletConfiguration", "address port readOnlyPort authentication authorization tlsCertFile kind"),
    ],
)
def test_what_the_collection_decides_is_refused(component: str, flags: str) -> None:
    for flag in flags.split():
        assert "which the collection decides" in one(component, flag)


def test_names_that_are_no_flags_are_refused_with_the_right_one() -> None:
    assert "Write v." in one("kubelet", "--v")
    assert "Write audit-log-path." in one("kube-apiserver", "audit_log_path")
    one("kube-apiserver", "v=4")
    one("KubeletConfiguration", "max-pods")


@pytest.mark.parametrize("value", [None, {"a": "b"}, [], [["a"]], [{"a": "b"}]])
def test_values_that_are_no_arguments_are_refused(value: object) -> None:
    one("kubelet", "node-labels", value)


def test_components_that_are_not_known_or_take_no_arguments_are_refused() -> None:
    for arguments in (
        {"apiserver": {"v": 4}},
        {"coredns": {"conf": "x"}},
        {"kubelet": "--v=4"},
        {"kubelet": None},
    ):
        (problem,) = found(arguments)
        assert problem.fatal
    assert "Corefile" in found({"coredns": {}})[0].message


def test_a_component_that_does_not_run_is_a_warning() -> None:
    (problem,) = found({"kube-scheduler": {"v": 4}})
    assert not problem.fatal
    assert "kube-scheduler, which is not among cluster_components" in problem.message


def test_the_article_has_no_more_arguments() -> None:
    (problem,) = found({"kubelet": {"v": 4}}, article_exact=True)
    assert problem.fatal
    assert found({}, article_exact=True) == []


def test_node_restriction_stays_where_clients_have_certificates() -> None:
    for flag, value in (
        ("enable-admission-plugins", "PodSecurityPolicy"),
        ("disable-admission-plugins", ["ServiceAccount", "NodeRestriction"]),
    ):
        assert "NodeRestriction" in one("kube-apiserver", flag, value)
        assert found({"kube-apiserver": {flag: value}}, version="v1.18.20") == []


@pytest.mark.parametrize(
    ("version", "flags", "seen"),
    [
        ("v1.18.20", {"proxy-mode": "userspace"}, ""),
        ("v1.20.15", {"proxy-mode": "ipvs"}, ""),
        ("v1.20.15", {"proxy-mode": ""}, ""),
        ("v1.20.15", {"proxy-mode": "nftables"}, "kube-proxy of v1.20.15 has no mode nftables. Set it to"),
        ("v1.20.15", {"proxy-mode": ["iptables", "nftables"]}, "has no mode nftables"),
        (
            "v1.26.15",
            {"proxy-mode": "userspace"},
            "has no mode userspace. Set it to iptables, ipvs, or leave",
        ),
        ("v1.28.15", {"proxy-mode": "nftables"}, "kube-proxy of v1.28.15 has no mode nftables"),
        ("v1.28.15", {"proxy-mode": "nftables", "feature-gates": "NFTablesProxyMode=true"}, "has no mode"),
        ("v1.29.15", {"proxy-mode": "nftables"}, "Add feature-gates: NFTablesProxyMode=true for kube-proxy"),
        ("v1.30.14", {"proxy-mode": "nftables", "feature-gates": "NFTablesProxyMode=false"}, "feature gate"),
        ("v1.30.14", {"proxy-mode": "nftables", "feature-gates": "A=true,NFTablesProxyMode=true"}, ""),
        ("v1.30.14", {"proxy-mode": "nftables", "feature-gates": ["A=false", "AllAlpha=true"]}, ""),
        ("v1.31.14", {"proxy-mode": "nftables"}, ""),
        ("v1.36.2", {"proxy-mode": "nftables"}, ""),
    ],
)
def test_kube_proxy_gets_a_mode_that_its_release_has(version: str, flags: dict[str, Any], seen: str) -> None:
    problems = found({"kube-proxy": flags}, version=version, components=list(added_arguments.COMPONENTS))
    assert [problem.fatal for problem in problems] == [True] * bool(seen)
    assert all(seen in f"{problem.message} {problem.remedy}" for problem in problems)


def test_a_file_for_a_static_pod_is_on_the_host() -> None:
    host = observation.Host(missing_files=frozenset({"/etc/policy.yaml"}))
    assert "there is no file /etc/policy.yaml" in one(
        "kube-apiserver", "audit-policy-file", "/etc/policy.yaml", host
    )
    assert "no absolute path" in one("kube-apiserver", "audit-policy-file", "policy.yaml", host)
    assert found({"kube-apiserver": {"audit-policy-file": "/etc/there.yaml", "cloud-config": ""}}, host) == []
    for path in ("audit.log", "/audit.log"):
        assert "directory of its own" in one("kube-apiserver", "audit-log-path", path)


def test_missing_files_are_those_of_static_pods_alone(tmp_path: Any) -> None:
    there = tmp_path / "there"
    there.touch()
    arguments = {
        "kube-apiserver": {"audit-policy-file": str(there), "oidc-ca-file": str(tmp_path / "gone"), "v": 4},
        "kubelet": {"resolv-conf": "/x", "image-credential-provider-config": "/y"},
        "etcd": None,
    }
    assert manifest_directory.missing(arguments) == {str(tmp_path / "gone")}


@pytest.mark.parametrize(
    ("text", "pod"),
    [
        (POD, ("kube-system", "etcd")),
        (
            POD.replace("  name: etcd\n", '  labels:\n    name: other\n  name: "etcd"  # ours\n'),
            ("kube-system", "etcd"),
        ),
        ("---\n" + POD.replace("  namespace: kube-system\n", ""), ("default", "etcd")),
        (POD.replace("metadata:\n", "metadata:\n\n  # Named so.\n"), ("kube-system", "etcd")),
        (
            '{"kind": "Pod", "metadata": {"name": "etcd", "namespace": "kube-system"}}',
            ("kube-system", "etcd"),
        ),
        ('{"kind": "Pod"', None),
        ("spec:\n  containers:\n  - name: etcd\n", None),
        ("", None),
        ("\ufffd\x00", None),
    ],
)
def test_the_pod_of_a_manifest_is_read_without_a_library(text: str, pod: object) -> None:
    assert manifest_directory.pod(text) == pod


def test_another_file_with_the_same_pod_is_named() -> None:
    manifests = [f"{DIRECTORY}/etcd.yaml", f"{DIRECTORY}/kube-apiserver.yaml"]
    texts = {
        f"{DIRECTORY}/etcd.yaml": POD,
        f"{DIRECTORY}/etcd.yaml.bak": POD,
        f"{DIRECTORY}/mine.yaml": POD.replace("kube-system", "mine"),
    }
    duplicate = Duplicate(f"{DIRECTORY}/etcd.yaml.bak", f"{DIRECTORY}/etcd.yaml", "kube-system/etcd")
    assert list(manifest_directory.duplicates(manifests, texts)) == [duplicate]
    (problem,) = added_arguments.static_pods({}, observation.Host(duplicates=(duplicate,)))
    assert problem.fatal
    assert problem.message.startswith(
        f"{duplicate.file} defines the static pod kube-system/etcd, as {duplicate.manifest}"
    )


def test_the_kubelet_does_not_read_hidden_files_and_directories(tmp_path: Any) -> None:
    (tmp_path / "below").mkdir()
    for name in ("etcd.yaml", "copy", ".hidden", "below/etcd.yaml"):
        (tmp_path / name).write_text(POD)
    found_texts = manifest_directory.read([str(tmp_path / "etcd.yaml")])
    assert sorted(found_texts) == [str(tmp_path / "copy"), str(tmp_path / "etcd.yaml")]
    assert manifest_directory.read(["/not/there/etcd.yaml"]) == {}
