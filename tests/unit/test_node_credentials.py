"""What the role credentials gives a host whose certificates another one signs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from rendering import variables

COMPONENTS = [
    {"name": "kube-scheduler", "runs_on": "control plane", "user": "system:kube-scheduler", "groups": []},
    {"name": "kube-proxy", "runs_on": "every node", "user": "system:kube-proxy", "groups": []},
    {"name": "etcd", "runs_on": "control plane"},
]
USER = {
    "credentials_node_name": "beta",
    "credentials_address": "192.0.2.8",
    "credentials_authentication": "certificates",
    "credentials_components": COMPONENTS,
    "credentials_apiserver_bind_address": "192.0.2.7",
    "credentials_kubeconfig_users": ["ada"],
    # What the control plane host would have returned.
    "__credentials_signing": {"authorities": {"ca": "PEM of ca"}, "signed": {}},
}
HOSTS: dict[str, dict[str, Any]] = {
    "alpha": {"credentials_enabled_components": ["kube-scheduler", "kube-proxy"]},
    "beta": {
        "credentials_control_plane": "alpha",
        "credentials_runs_on": ["every node"],
        "credentials_enabled_components": ["kube-proxy"],
    },
}
NAMES = (
    "host_authorities",
    "host_key_pairs",
    "certificates",
    "obsolete_certificates",
    "obsolete_files",
    "node_users",
    "directories",
    "logins",
)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What the modules are given on each host, by the name of the variable."""
    directory = tmp_path_factory.mktemp("hosts")
    content = f"{{{{ dict({[*NAMES]} | zip([{', '.join(f'__credentials_{name}' for name in NAMES)}])) }}}}"
    write = {"content": content, "dest": "{{ playbook_dir }}/{{ inventory_hostname }}.json", "mode": "0644"}
    play = {"hosts": "all", "gather_facts": False, "tasks": [{"ansible.builtin.copy": write}]}
    (directory / "play.yml").write_text(yaml.safe_dump([play]))
    role = {**variables("credentials", "defaults"), **variables("credentials", "vars"), **USER}
    connection = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    hosts = {name: {**role, **own, **connection} for name, own in HOSTS.items()}
    (directory / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    program = Path(sys.executable).with_name("ansible-playbook")
    command = [program, "-i", directory / "hosts.yml", directory / "play.yml"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return {name: json.loads((directory / f"{name}.json").read_text()) for name in HOSTS}


def test_a_node_has_certificates_of_the_authorities_alone(
    given: dict[str, dict[str, Any]],
) -> None:
    assert given["beta"]["host_authorities"] == [
        # In check mode the control plane host may have none yet.
        {"name": "kubelet-ca", "common_name": "kubelet-ca", "certificate": ""},
        {"name": "ca", "common_name": "kubernetes", "certificate": "PEM of ca"},
    ]
    own = given["alpha"]["host_authorities"]
    assert [authority["name"] for authority in own] == ["kubelet-ca", "ca", "etcd-ca", "front-proxy-ca"]
    assert not any("certificate" in authority for authority in own)


def test_a_node_has_certificates_for_itself_and_its_components(given: dict[str, dict[str, Any]]) -> None:
    certificates = {certificate["name"]: certificate for certificate in given["beta"]["certificates"]}
    assert list(certificates) == ["kubelet", "kubelet-client", "kube-proxy"]
    assert certificates["kubelet"]["dns_names"] == ["beta"]
    # Not the address of kube-apiserver, which is another host's.
    assert {*certificates["kubelet"]["ip_addresses"]} == {"127.0.0.1", "192.0.2.8"}
    own = given["alpha"]["certificates"][0]["ip_addresses"]
    assert {*own} == {"127.0.0.1", "192.0.2.7", "192.0.2.8"}
    assert given["beta"]["node_users"] == ["system:kube-proxy"]


def test_a_node_has_nothing_of_the_administrator(given: dict[str, dict[str, Any]]) -> None:
    node, control_plane = given["beta"], given["alpha"]
    assert (node["host_key_pairs"], control_plane["host_key_pairs"]) == ([], ["sa"])
    assert (node["logins"], control_plane["logins"]) == ([], ["ada"])


def test_what_a_node_does_not_run_any_more_is_removed(given: dict[str, dict[str, Any]]) -> None:
    assert given["beta"]["obsolete_certificates"] == ["kube-scheduler"]
    assert given["beta"]["obsolete_files"] == ["/etc/kubernetes/kube-scheduler.conf"]
    assert given["alpha"]["obsolete_certificates"] == []
