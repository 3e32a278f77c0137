"""A user's arguments stand where the collection's own did, and reach the process as they were written."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
import yaml
from ansible_collections.mink8s.kubernetes.plugins.filter.kubelet_fields import kubelet_fields
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import command_line

MANIFEST = """\
spec:
  containers:
  - name: kube-apiserver
    command:
    - kube-apiserver
    - --etcd-servers=http://127.0.0.1:2379
    # Everybody is asked.
    - --anonymous-auth=true
    - --insecure-port=0
    image: kube-apiserver:v1.20.15
    volumeMounts:
    - mountPath: /etc/kubernetes/pki
      name: pki
      readOnly: true
  hostNetwork: true
  volumes:
  - hostPath:
      path: /etc/kubernetes/pki
    name: pki
"""
AWKWARD = """50% of $HOME, $$ and $(PATH): "quoted" 'twice' #no comment \\ ü"""


def container(arguments: dict[str, Any]) -> dict[str, Any]:
    spec = yaml.safe_load(command_line.manifest(MANIFEST, arguments))["spec"]
    found: dict[str, Any] = {**spec["containers"][0], "volumes": spec["volumes"]}
    return found


def test_without_arguments_nothing_changes() -> None:
    assert command_line.manifest(MANIFEST, {}) == MANIFEST
    assert command_line.merge(["kubelet", "--config=x"], {}) == ["kubelet", "--config=x"]


def test_an_argument_replaces_its_flag_in_place_and_the_others_follow_in_their_order() -> None:
    arguments = {"v": 4, "anonymous-auth": False, "feature-gates": ["A=true", "B=false"]}
    assert container(arguments)["command"] == [
        "kube-apiserver",
        "--etcd-servers=http://127.0.0.1:2379",
        "--anonymous-auth=false",
        "--insecure-port=0",
        "--v=4",
        "--feature-gates=A=true",
        "--feature-gates=B=false",
    ]
    assert "    # Everybody is asked.\n    - --anonymous-auth=false\n" in command_line.manifest(
        MANIFEST, arguments
    )


def test_a_flag_is_replaced_as_a_whole() -> None:
    command = ["kubelet", "--v=1", "--vmodule=a=1", "--v=2"]
    assert command_line.merge(command, {"v": [3, 4]}) == ["kubelet", "--v=3", "--v=4", "--vmodule=a=1"]


@pytest.mark.parametrize("value", ["a: b", "a #b", "", "*", "ends with:", "@x", "true", "{}", AWKWARD])
def test_a_value_is_the_same_in_yaml(value: str) -> None:
    (added,) = container({"added": value})["command"][4:]
    # What the kubelet makes of it, which knows no variable here.
    assert added.replace("$$", "$") == f"--added={value}"


def test_a_value_is_the_same_in_a_unit() -> None:
    line = command_line.unit_command(["/usr/bin/kubelet", f"--added={AWKWARD}", "--v=4"])
    words = shlex.split(line.replace("\\\n", " "))
    assert words[1].replace("$$", "$").replace("%%", "%") == f"--added={AWKWARD}"
    assert line.startswith("/usr/bin/kubelet \\\n  ")
    assert line.endswith("  --v=4")
    assert command_line.unit_command(["a\nb"]) == '"a\\nb"'


def test_files_are_mounted_where_they_are() -> None:
    arguments = {"audit-policy-file": "/etc/audit policy.yaml", "cloud-config": "", "oidc-ca-file": "/etc/ca"}
    found = container(arguments)
    assert [mount["mountPath"] for mount in found["volumeMounts"] if mount["readOnly"]] == [
        "/etc/ca",
        "/etc/audit policy.yaml",
        "/etc/kubernetes/pki",
    ]
    by_name = {volume["name"]: volume["hostPath"] for volume in found["volumes"]}
    for mount in found["volumeMounts"]:
        assert by_name[mount["name"]]["path"] == mount["mountPath"]
    assert by_name["argument-1"] == {"path": "/etc/audit policy.yaml", "type": "File"}


def test_the_directory_of_an_audit_log_is_mounted_for_writing() -> None:
    found = container({"audit-log-path": "/var/log/kubernetes/audit.log"})
    assert found["volumeMounts"][0] == {"mountPath": "/var/log/kubernetes", "name": "argument-1"}
    assert found["volumes"][0]["hostPath"] == {"path": "/var/log/kubernetes", "type": "Directory"}
    assert len(container({"audit-log-path": "-"})["volumes"]) == 1


def test_fields_are_merged_into_the_kubelets_configuration() -> None:
    text = (
        "# First.\nsyncFrequency: 2s\nclusterDNS:\n- 172.17.0.1\n"
        "# Last.\nreadOnlyPort: 0\nevictionHard:\n  a: b\n"
    )
    fields = {
        "maxPods": 50,
        "syncFrequency": "1m",
        "clusterDNS": ["192.0.2.1"],
        "evictionHard": {"memory.available": "100Mi"},
        "featureGates": {"CSIMigration": False},
    }
    merged = kubelet_fields(text, fields)
    assert merged.startswith(
        "# First.\nsyncFrequency: 1m\nclusterDNS:\n- 192.0.2.1\n# Last.\nreadOnlyPort: 0\n"
    )
    assert yaml.safe_load(merged) == {
        "syncFrequency": "1m",
        "clusterDNS": ["192.0.2.1"],
        "readOnlyPort": 0,
        "evictionHard": {"a": "b", "memory.available": "100Mi"},
        "maxPods": 50,
        "featureGates": {"CSIMigration": False},
    }
    assert list(yaml.safe_load(merged))[-2:] == ["maxPods", "featureGates"]
    assert kubelet_fields(text, {}) == text
    assert json.dumps(yaml.safe_load(kubelet_fields("a: 1\n", {"a": AWKWARD}))["a"]) == json.dumps(AWKWARD)
