"""What is rendered is the article's: to the letter where asked, otherwise with nothing of it left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from rendering import MANIFESTS, Rendered, render, stamp

ARTICLE = Path(__file__).parent / "article"
LOG = "--audit-log-path=/var/log/kubernetes/audit.log"
COMPONENTS = ["coredns", "etcd", "kube-proxy", "kube-scheduler", "kube-apiserver", "kube-controller-manager"]
CNI = {"cluster_container_runtime": "docker", "cluster_pod_network": "10.200.0.0/16"}
# The user's variables of each cluster that is rendered.
CLUSTERS: dict[str, dict[str, Any]] = {
    "exact": {"cluster_version": "v1.18.5", "cluster_article_exact": True},
    "v1.18": {"cluster_version": "v1.18.5"},
    "v1.20": {"cluster_version": "v1.20.15"},
    "more": {
        "cluster_version": "v1.20.15",
        "cluster_components": COMPONENTS,
        "cluster_arguments": {
            **{name: {"v": 4} for name in COMPONENTS if name != "coredns"},
            "kube-apiserver": {"v": 4, "audit-log-path": "/var/log/kubernetes/audit.log", "profiling": False},
            "kubelet": {"v": 4, "provider-id": "50% of $HOME"},
            "KubeletConfiguration": {
                "maxPods": 50,
                "syncFrequency": "1m",
                "featureGates": {"CSIMigration": False},
            },
        },
    },
    "full v1.18": {"cluster_version": "v1.18.5", "cluster_components": COMPONENTS},
    "full v1.20": {"cluster_version": "v1.20.15", "cluster_components": COMPONENTS},
    "cni v1.18": {"cluster_version": "v1.18.5", "cluster_components": COMPONENTS, **CNI},
    "cni v1.20": {"cluster_version": "v1.20.15", "cluster_components": COMPONENTS, **CNI},
    "own address": {
        "cluster_version": "v1.20.15",
        "cluster_components": COMPONENTS,
        "cluster_apiserver_bind_address": "192.0.2.7",
        "cluster_service_network": "172.30.255.248/29",
    },
    "every address": {"cluster_version": "v1.20.15", "cluster_apiserver_bind_address": "0.0.0.0"},
}
PKI = "/etc/kubernetes/pki"


@pytest.fixture(scope="module")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rendered]:
    """Every cluster, rendered by Ansible itself."""
    return render(CLUSTERS, tmp_path_factory.mktemp("render"))


@pytest.fixture
def exact(clusters: dict[str, Rendered]) -> Rendered:
    return clusters["exact"]


@pytest.fixture(params=["v1.18", "v1.20"])
def ours(request: pytest.FixtureRequest, clusters: dict[str, Rendered]) -> Rendered:
    """A cluster as it is without cluster_article_exact."""
    return clusters[request.param]


def article(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ARTICLE / f"{name}.yaml").read_text())
    return document


def etcd_command(cluster: Rendered) -> list[str]:
    """The command line of etcd."""
    command: list[str] = cluster.document(f"{MANIFESTS}/etcd.yaml")["spec"]["containers"][0]["command"]
    return command


def left_out(expected: object, actual: object, where: str = "") -> list[str]:
    """The places in expected that actual lacks or has otherwise; it may have more keys and items."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        return [
            place
            for key, value in expected.items()
            for place in left_out(value, actual.get(key), f"{where}/{key}")
        ]
    if isinstance(expected, list) and isinstance(actual, list):
        return [
            f"{where}/{index}"
            for index, value in enumerate(expected)
            if all(left_out(value, candidate) for candidate in actual)
        ]
    return [] if expected == actual else [where]


@pytest.mark.parametrize("name", ["etcd", "kube-apiserver"])
def test_exact_manifests_are_the_articles(exact: Rendered, name: str) -> None:
    assert exact.document(f"{MANIFESTS}/{name}.yaml") == article(name)


@pytest.mark.parametrize("path", ["/etc/kubernetes/kubelet.conf", "/etc/kubernetes/admin.conf"])
def test_exact_kubeconfigs_are_the_articles(exact: Rendered, path: str) -> None:
    assert exact.document(path) == article("kubeconfig")


def test_the_exact_kubelet_has_the_articles_two_flags(exact: Rendered) -> None:
    assert exact.kubelet() == [
        "/usr/local/bin/kubelet",
        f"--pod-manifest-path={MANIFESTS}",
        "--kubeconfig=/etc/kubernetes/kubelet.conf",
    ]


@pytest.mark.parametrize("name", ["etcd", "kube-apiserver"])
def test_manifests_leave_nothing_of_the_articles_out_but_the_release(ours: Rendered, name: str) -> None:
    manifest = ours.document(f"{MANIFESTS}/{name}.yaml")
    assert left_out(article(name), manifest) == ["/spec/containers/0"]
    (container,) = manifest["spec"]["containers"]
    (expected,) = article(name)["spec"]["containers"]
    # With certificates kube-apiserver reaches etcd by TLS.
    over_tls = [
        f"/command/{number}"
        for number, word in enumerate(expected["command"])
        if word.startswith("--etcd-servers") and "--client-cert-auth=true" in etcd_command(ours)
    ]
    assert left_out(expected, container) == [*over_tls, "/image"]
    assert container["image"].startswith(f"registry.k8s.io/{name}:")


def test_the_kubeconfig_without_credentials_is_the_articles(clusters: dict[str, Rendered]) -> None:
    assert clusters["v1.18"].document("/etc/kubernetes/admin.conf") == article("kubeconfig")


def test_a_kubeconfig_with_credentials_has_another_address_and_a_user(clusters: dict[str, Rendered]) -> None:
    kubeconfig = clusters["v1.20"].document("/etc/kubernetes/admin.conf")
    assert left_out(article("kubeconfig"), kubeconfig) == ["/clusters/0"]
    assert kubeconfig["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:6443"
    assert kubeconfig["contexts"][0]["context"] == {"cluster": "mink8s", "user": "kubernetes-admin"}


def test_etcd_listens_where_it_does_in_the_article(clusters: dict[str, Rendered]) -> None:
    assert etcd_command(clusters["v1.18"]) == ["etcd", "--data-dir=/var/lib/etcd"]


def test_with_certificates_etcd_asks_for_one_at_both_of_its_ports(clusters: dict[str, Rendered]) -> None:
    assert set(etcd_command(clusters["v1.20"])) == {
        "etcd",
        "--data-dir=/var/lib/etcd",
        *(f"--{whose}-client-urls=https://127.0.0.1:2379" for whose in ("listen", "advertise")),
        "--listen-peer-urls=https://127.0.0.1:2380",
        *(f"--{peer}client-cert-auth=true" for peer in ("", "peer-")),
        *(f"--{peer}trusted-ca-file={PKI}/etcd-ca.crt" for peer in ("", "peer-")),
        *(f"--{peer}cert-file={PKI}/etcd.crt" for peer in ("", "peer-")),
        *(f"--{peer}key-file={PKI}/etcd.key" for peer in ("", "peer-")),
    }
    manifest = clusters["v1.20"].document(f"{MANIFESTS}/etcd.yaml")
    paths = {volume["hostPath"]["path"] for volume in manifest["spec"]["volumes"]}
    assert paths == {"/var/lib/etcd", f"{PKI}/etcd-ca.crt", f"{PKI}/etcd.crt", f"{PKI}/etcd.key"}
    assert {
        "--etcd-servers=https://127.0.0.1:2379",
        f"--etcd-cafile={PKI}/etcd-ca.crt",
        f"--etcd-certfile={PKI}/apiserver-etcd-client.crt",
        f"--etcd-keyfile={PKI}/apiserver-etcd-client.key",
    } <= set(clusters["v1.20"].apiserver())


def test_who_reads_a_certificate_once_starts_anew_when_it_is_renewed(clusters: dict[str, Rendered]) -> None:
    for name, certificates in (
        ("etcd", ["etcd-ca", "etcd"]),
        (
            "kube-apiserver",
            ["apiserver-kubelet-client", "apiserver", "apiserver-etcd-client", "front-proxy-client"],
        ),
        ("kube-scheduler", ["ca", "kube-scheduler"]),
    ):
        manifest = clusters["full v1.20"].document(f"{MANIFESTS}/{name}.yaml")
        assert manifest["metadata"]["annotations"]["mink8s/certificates"] == stamp(*certificates)


@pytest.mark.parametrize(
    ("cluster", "server"),
    [
        ("v1.18", "http://127.0.0.1:8080"),
        ("full v1.20", "https://127.0.0.1:6443"),
        ("every address", "https://127.0.0.1:6443"),
        ("own address", "https://192.0.2.7:6443"),
    ],
)
def test_kubeconfigs_have_the_address_on_which_kube_apiserver_listens(
    clusters: dict[str, Rendered], cluster: str, server: str
) -> None:
    found = clusters[cluster]
    paths = [path for path in found if path.endswith((".conf", "/.kube/config"))]
    assert len(paths) >= 3
    for path in paths:
        assert found.document(path)["clusters"][0]["cluster"]["server"] == server, path


@pytest.mark.parametrize("name", ["kube-controller-manager", "kube-scheduler", "kube-proxy", "coredns"])
def test_who_reads_a_kubeconfig_once_starts_anew_when_its_address_changes(
    clusters: dict[str, Rendered], name: str
) -> None:
    for cluster, server in (("full v1.20", "127.0.0.1"), ("own address", "192.0.2.7")):
        manifest = clusters[cluster].document(f"{MANIFESTS}/{name}.yaml")
        assert manifest["metadata"]["annotations"]["mink8s/server"] == f"https://{server}:6443"


def test_services_get_addresses_from_their_network(clusters: dict[str, Rendered]) -> None:
    for cluster, network in (("full v1.20", "10.0.0.0/24"), ("own address", "172.30.255.248/29")):
        for name in ("kube-apiserver", "kube-controller-manager"):
            command = clusters[cluster].document(f"{MANIFESTS}/{name}.yaml")["spec"]["containers"][0][
                "command"
            ]
            assert f"--service-cluster-ip-range={network}" in command


@pytest.mark.parametrize("path", ["/etc/kubernetes/admin.conf", "/root/.kube/config"])
def test_an_administrators_kubeconfig_stands_alone(clusters: dict[str, Rendered], path: str) -> None:
    kubeconfig = clusters["v1.20"].document(path)
    assert kubeconfig["clusters"][0]["cluster"]["certificate-authority-data"] == "CERTIFICATE(ca)"
    assert kubeconfig["users"][0]["user"] == {
        "client-certificate-data": "CERTIFICATE(admin)",
        "client-key-data": "KEY(admin)",
    }


def test_without_credentials_nothing_is_opened(clusters: dict[str, Rendered]) -> None:
    pki = "/etc/kubernetes/pki"
    assert clusters["v1.18"].apiserver() == [
        "kube-apiserver",
        "--etcd-servers=http://127.0.0.1:2379",
        "--advertise-address=192.0.2.7",
        "--bind-address=127.0.0.1",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--anonymous-auth=false",
        f"--kubelet-certificate-authority={pki}/kubelet-ca.crt",
        f"--kubelet-client-certificate={pki}/apiserver-kubelet-client.crt",
        f"--kubelet-client-key={pki}/apiserver-kubelet-client.key",
        "--kubelet-preferred-address-types=InternalIP",
    ]


def test_with_credentials_everybody_is_asked_for_them(clusters: dict[str, Rendered]) -> None:
    command = clusters["v1.20"].apiserver()
    assert {
        "--bind-address=127.0.0.1",
        "--authorization-mode=Node,RBAC",
        "--client-ca-file=/etc/kubernetes/pki/ca.crt",
    } <= set(command)
    assert [flag for flag in command if "insecure" in flag] == ["--insecure-port=0"]


def test_servers_of_add_ons_are_told_of_users_with_credentials_alone(clusters: dict[str, Rendered]) -> None:
    assert {
        f"--proxy-client-cert-file={PKI}/front-proxy-client.crt",
        f"--requestheader-client-ca-file={PKI}/front-proxy-ca.crt",
        "--requestheader-allowed-names=front-proxy-client",
    } <= set(clusters["v1.20"].apiserver())
    assert not [flag for flag in clusters["v1.18"].apiserver() if "proxy" in flag or "requestheader" in flag]


def test_the_kubelet_lets_only_the_apiserver_in(ours: Rendered) -> None:
    configuration = ours.document("/etc/kubernetes/kubelet.yaml")
    assert configuration["authentication"] == {
        "anonymous": {"enabled": False},
        "webhook": {"enabled": False},
        "x509": {"clientCAFile": "/etc/kubernetes/pki/kubelet-ca.crt"},
    }
    assert configuration["readOnlyPort"] == 0
    assert configuration["staticPodPath"] == MANIFESTS
    assert [flag.partition("=")[0] for flag in ours.kubelet()] == [
        "/usr/local/bin/kubelet",
        "--config",
        "--pod-infra-container-image",
        "--hostname-override",
        "--node-ip",
        "--kubeconfig",
    ]


@pytest.fixture(params=["full v1.18", "full v1.20"])
def full(request: pytest.FixtureRequest, clusters: dict[str, Rendered]) -> Rendered:
    """A cluster with every component."""
    return clusters[request.param]


@pytest.mark.parametrize("name", COMPONENTS)
def test_each_component_is_a_static_pod_on_the_hosts_network(full: Rendered, name: str) -> None:
    manifest = full.document(f"{MANIFESTS}/{name}.yaml")
    assert manifest["metadata"]["name"] == name
    assert manifest["spec"]["hostNetwork"] is True
    assert manifest["spec"]["priorityClassName"] == "system-node-critical"
    (container,) = manifest["spec"]["containers"]
    assert f"/{name}:" in container["image"]
    volumes = {volume["name"] for volume in manifest["spec"].get("volumes", [])}
    assert {mount["name"] for mount in container.get("volumeMounts", [])} == volumes


@pytest.mark.parametrize("name", ["kube-controller-manager", "kube-scheduler", "kube-proxy", "coredns"])
def test_each_component_sees_no_others_credentials(full: Rendered, name: str) -> None:
    paths = [
        volume["hostPath"]["path"] for volume in full.document(f"{MANIFESTS}/{name}.yaml")["spec"]["volumes"]
    ]
    others = [other for other in COMPONENTS if other != name]
    assert not [path for path in paths if any(f"/{other}." in path for other in others)]
    assert "/etc/kubernetes/pki" not in paths
    assert "/etc/kubernetes/pki/ca.key" not in paths


def test_with_certificates_each_component_is_a_user_of_its_own(clusters: dict[str, Rendered]) -> None:
    for name in ("kube-controller-manager", "kube-scheduler", "kube-proxy", "coredns"):
        kubeconfig = clusters["full v1.20"].document(f"/etc/kubernetes/{name}.conf")
        (user,) = kubeconfig["users"]
        assert user["name"] == f"system:{name}"
        assert user["user"]["client-certificate"] == f"/etc/kubernetes/pki/{name}.crt"
        assert "users" not in clusters["full v1.18"].document(f"/etc/kubernetes/{name}.conf")


def test_components_listen_on_loopback_or_the_bridge_only(full: Rendered) -> None:
    for name in ("kube-controller-manager", "kube-scheduler"):
        command = full.document(f"{MANIFESTS}/{name}.yaml")["spec"]["containers"][0]["command"]
        assert {"--bind-address=127.0.0.1", "--port=0"} <= {*command}
    assert "bind 172.17.0.1" in full["/etc/kubernetes/Corefile"]


@pytest.mark.parametrize("version", ["v1.18", "v1.20"])
def test_a_pod_network_with_docker_changes_where_pods_are_and_nothing_else(
    clusters: dict[str, Rendered], version: str
) -> None:
    cni, full = clusters[f"cni {version}"], clusters[f"full {version}"]
    added = ["--cni-bin-dir=/usr/lib/cni", "--network-plugin=cni"]
    assert [word for word in cni.kubelet() if word not in added] == full.kubelet()
    assert {*added} < {*cni.kubelet()}
    conflist, unit = "/etc/cni/net.d/10-mink8s.conflist", "/etc/systemd/system/pod-network.service"
    assert cni.keys() - full.keys() == {conflist, unit}
    assert '"subnet": "10.200.0.0/24", "gateway": "10.200.0.1"' in cni[conflist]
    assert "ip address replace 10.200.0.1/24 dev cni0" in cni[unit]
    differ = {path for path in full if cni[path].replace("10.200.0.1", "172.17.0.1") != full[path]}
    corefile = "/etc/kubernetes/Corefile"
    # The manifest has the sum of the Corefile, which names the bridge.
    assert differ == {"/etc/systemd/system/kubelet.service", f"{MANIFESTS}/coredns.yaml", corefile}
    assert "bind 10.200.0.1" in cni[corefile]
    assert cni.document("/etc/kubernetes/kubelet.yaml")["clusterDNS"] == ["10.200.0.1"]


def test_what_a_component_changes_elsewhere(clusters: dict[str, Rendered], full: Rendered) -> None:
    assert "--allow-privileged=true" in full.apiserver()
    assert full.document("/etc/kubernetes/kubelet.yaml")["clusterDNS"] == ["172.17.0.1"]
    for name in ("v1.18", "v1.20"):
        assert "--allow-privileged=true" not in clusters[name].apiserver()
        assert "clusterDNS" not in clusters[name].document("/etc/kubernetes/kubelet.yaml")


def test_arguments_are_added_to_every_component_and_nothing_else_changes(
    clusters: dict[str, Rendered],
) -> None:
    more, full = clusters["more"], clusters["full v1.20"]
    for name in COMPONENTS:
        new, old = (each.document(f"{MANIFESTS}/{name}.yaml") for each in (more, full))
        added = [*new["spec"]["containers"][0].pop("command")]
        for word in old["spec"]["containers"][0].pop("command"):
            added.remove(word)
        expected = {"coredns": [], "kube-apiserver": [LOG, "--profiling=false", "--v=4"]}
        assert added == expected.get(name, ["--v=4"])
        assert name == "kube-apiserver" or new == old
    assert more.kubelet()[-2:] == ["--provider-id=50%% of $$HOME", "--v=4"]
    configuration, ours = (
        more.document("/etc/kubernetes/kubelet.yaml"),
        full.document("/etc/kubernetes/kubelet.yaml"),
    )
    assert configuration == {
        **ours,
        "maxPods": 50,
        "syncFrequency": "1m",
        "featureGates": {"CSIMigration": False},
    }
