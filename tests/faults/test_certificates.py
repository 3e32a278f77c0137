"""Certificates that end soon, and that have ended."""

from __future__ import annotations

import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import bare_node
from ansible_collections.mink8s.kubernetes.plugins.module_utils.pki import signing, x509
from cluster import Cluster, until

PKI = "/etc/kubernetes/pki"
RENEWS = "mink8s.kubernetes.credentials : Make certificates and kubeconfigs"
SERVED = "import ssl; print(ssl.get_server_certificate(('127.0.0.1', {port})))"
# Whoever reads these once has to start again to read them anew.
RESTARTED = {"kube-apiserver", "kubelet"}


class Authority:
    """The host's own authorities and what they have signed, in a copy of its directory."""

    def __init__(self, cluster: Cluster, directory: Path) -> None:
        """directory: of the copy."""
        self._node = cluster.node.name
        self._directory = directory
        subprocess.run(["docker", "cp", "--quiet", f"{self._node}:{PKI}/.", str(directory)], check=True)
        self.found = {path.stem: x509.load(directory, path.stem) for path in directory.glob("*.crt")}
        issuers = {name: each.certificate.issuer for name, each in self.found.items() if each.certificate}
        subjects = {each.certificate.subject: name for name, each in self.found.items() if each.certificate}
        self.signers = {name: subjects[issuer] for name, issuer in issuers.items()}
        self.signed = [name for name, signer in self.signers.items() if name != signer]

    def sign(self, name: str, end: datetime) -> None:
        """Have the host's authority sign a certificate once more, over the same key, up to this end."""
        found, signer = self.found[name], self.found[self.signers[name]]
        assert found.certificate and signer.certificate and signer.key
        itself = name == self.signers[name]
        request = x509.Request(name, x509.contents(found.certificate), 1)
        authority = None if itself else x509.Identity(signer.certificate, signer.key)
        made = signing.sign(request, found, authority, end - timedelta(days=300), end)
        path = self._directory / f"{name}.crt"
        path.write_bytes(x509.certificate_pem(made.certificate))
        subprocess.run(["docker", "cp", "--quiet", str(path), f"{self._node}:{PKI}/{name}.crt"], check=True)


def processes(cluster: Cluster) -> dict[str, str]:
    """What runs, by its process."""
    return {name: cluster.process(name) for name in ("etcd", bare_node.runtime().name, *RESTARTED)}


def restarted(authority: Authority) -> set[str]:
    """Whoever has certificates, and reads them once."""
    return RESTARTED | ({"etcd"} & {*authority.signed})


def in_days(days: int) -> datetime:
    """A moment, days from now."""
    return datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=days)


def is_served(cluster: Cluster, port: int, name: str) -> None:
    """The process has the certificate that is on disk."""
    served = cluster.node.run("python3", "-c", SERVED.format(port=port)).strip()
    assert served == cluster.node.run("cat", f"{PKI}/{name}.crt").strip()


def test_about_to_expire(cluster: Cluster, tmp_path: Path) -> None:
    authority = Authority(cluster, tmp_path)
    with cluster.fault("renewal"):
        before = processes(cluster)
        for name in set(authority.signed) & {"admin"}:
            authority.sign(name, in_days(10))
            run = cluster.node.playbook("site.yml")
            assert bare_node.changed(run) == [RENEWS]
            assert processes(cluster) == before
        for name in authority.signed:
            authority.sign(name, in_days(10))
        run = cluster.node.playbook("site.yml")
        assert run.returncode == 0, run.stdout + run.stderr
    after = processes(cluster)
    assert {name for name in after if after[name] != before[name]} == restarted(authority)
    is_served(cluster, 10250, "kubelet")
    if "apiserver" in authority.signed:
        is_served(cluster, 6443, "apiserver")
    assert bare_node.changed(cluster.node.playbook("site.yml")) == []


def test_expired(cluster: Cluster, tmp_path: Path) -> None:
    authority = Authority(cluster, tmp_path)
    with cluster.fault("expired"):
        for name in authority.found:
            authority.sign(name, in_days(-1))
        cluster.node.run("systemctl", "restart", "kubelet")
        apiserver = cluster.container("kube-apiserver")
        bare_node.runtime().kill(cluster.node, apiserver)

        def not_again() -> str:
            return "" if cluster.container("kube-apiserver") not in ("", apiserver) else "it does not run"

        until(cluster.node, "kube-apiserver with the expired certificates", not_again)
        before = processes(cluster)
        if "admin" in authority.signed:
            assert cluster.api("nodes") is None
        run = cluster.node.playbook("site.yml")
        assert run.returncode == 0, run.stdout + run.stderr
    after = processes(cluster)
    assert {name for name in after if after[name] != before[name]} == restarted(authority)
    assert bare_node.changed(cluster.node.playbook("site.yml")) == []
