"""What of a host is collected, and what is left where it is."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

from ansible_collections.mink8s.kubernetes.plugins.module_utils.diagnosis import contents, report
from ansible_collections.mink8s.kubernetes.plugins.module_utils.pki import signing, x509
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker.engine import Docker
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import ledger_file

STATIC = "kube-system_etcd-node_0123456789abcdef0123456789abcdef"
FROM_API = "kube-system_etcd-node_01234567-89ab-cdef-0123-456789abcdef"
MANIFEST = Path("/etc/kubernetes/manifests/etcd.yaml")


def write(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = (json.dumps({"log": f"{line}\n", "stream": "stderr", "time": "T"}) for line in lines)
    path.write_text("".join(f"{entry}\n" for entry in entries))


def questions() -> dict[str, list[report.Question]]:
    """What a host with Docker is asked, by the file of the archive."""
    return {path: asked for path, _about, asked in contents.questions(Docker(), "/etc/kubernetes", 9)}


def test_no_definition_of_an_object_is_asked_for() -> None:
    asked = [question for each in questions().values() for question in each]
    formats = [word for question in asked if question[0] == "kubectl" for word in question]
    assert not {"yaml", "json", "secrets", "--output=yaml", "--output=json"} & set(formats)
    assert ("docker", "inspect") not in [question[:2] for question in asked]


def test_the_number_of_lines_is_that_of_each_journal() -> None:
    for unit in ("kubelet", "docker", "containerd"):
        assert "--lines=9" in questions()[f"journal/{unit}.txt"][0]


def test_a_node_without_control_plane_asks_as_its_kubelet(tmp_path: Path) -> None:
    def kubectl() -> dict[str, str]:
        asked = contents.questions(Docker(), str(tmp_path), 9)
        return {path: each[0][1] for path, _about, each in asked if each[0][0] == "kubectl"}

    assert not contents.is_other_node(str(tmp_path))
    assert set(kubectl().values()) == {f"--kubeconfig={tmp_path}/admin.conf"}
    (tmp_path / "kubelet.conf").touch()
    assert contents.is_other_node(str(tmp_path))
    assert set(kubectl().values()) == {f"--kubeconfig={tmp_path}/kubelet.conf"}
    assert "api/events.txt" not in kubectl()
    (tmp_path / "admin.conf").touch()
    assert not contents.is_other_node(str(tmp_path))
    assert "api/events.txt" in kubectl()


def test_only_the_logs_of_our_static_pods_are_read(tmp_path: Path) -> None:
    write(tmp_path / STATIC / "etcd" / "0.log", "first", "second", "third")
    write(tmp_path / STATIC / "etcd" / "1.log", "fourth")
    write(tmp_path / FROM_API / "etcd" / "0.log", "a secret")
    write(tmp_path / "default_talker_0123456789abcdef0123456789abcdef" / "talker" / "0.log", "a secret")
    (part,) = contents.logs([MANIFEST, Path("/etc/kubernetes/kubelet.yaml")], "node", 2, "", tmp_path)
    assert part.path == "logs/etcd.txt"
    assert [line for line in part.text.splitlines() if line.startswith("T ")] == [
        "T second",
        "T third",
        "T fourth",
    ]
    assert part.faults == ()


def test_a_static_pod_without_a_log_and_a_log_whose_container_is_gone(tmp_path: Path) -> None:
    (none,) = contents.logs([MANIFEST], "node", 2, "", tmp_path)
    assert "No container of the static pod etcd has left a log." in none.text
    (tmp_path / STATIC / "etcd").mkdir(parents=True)
    (tmp_path / STATIC / "etcd" / "0.log").symlink_to("/nowhere")
    (gone,) = contents.logs([MANIFEST], "node", 2, "", tmp_path)
    assert "No such file" in gone.faults[0]


def test_a_line_that_is_not_the_container_runtime_s_is_kept() -> None:
    assert [contents._said(line) for line in ("plain\n", "[1]\n", "{}\n")] == ["plain\n", "[1]\n", "{}\n"]


def test_what_the_collection_made_is_known_from_the_ledger(tmp_path: Path) -> None:
    path = str(tmp_path / "ledger.json")
    assert "nothing on this host was made" in contents.made(path)[1]
    kept = str(tmp_path / "previous.json")
    paths = {"/etc/b": "file", "/etc/a.yaml": "file", "/etc": "directory", kept: "file"}
    ledger_file.write(path, ledger_file.Ledger(paths=paths))
    assert contents.made(path) == ((Path("/etc/a.yaml"), Path("/etc/b")), "")
    Path(path).write_text("{")
    assert path in contents.made(path)[1]


def test_configuration_is_copied_and_keys_and_programs_are_not(tmp_path: Path) -> None:
    ours = [tmp_path / name for name in ("kubelet.yaml", "ca.key", "ca.crt", "kubelet", "gone.conf")]
    for path in ours[:-1]:
        path.write_text(f"{path.name}\n")
    other = tmp_path / "daemon.json"
    other.write_text("{}")
    parts = contents.configuration(ours, "", [str(other)])
    assert [part.path for part in parts] == [f"files{other}", f"files{ours[0]}", "files/missing.txt"]
    assert parts[1].text == "kubelet.yaml\n"
    assert parts[2].faults == (f"{ours[-1]}: No such file or directory",)


def test_certificates_are_told_by_name_and_end(tmp_path: Path) -> None:
    now = datetime(2026, 11, 23, tzinfo=timezone.utc)
    request = x509.Request("etcd/ca", x509.Contents("etcd-ca"), 1)
    made = signing.sign(request, x509.Found(), None, now, now + timedelta(days=1))
    (tmp_path / "etcd").mkdir()
    (tmp_path / "etcd" / "ca.crt").write_bytes(x509.certificate_pem(made.certificate))
    (tmp_path / "etcd" / "ca.key").write_bytes(x509.private_pem(made.key))
    (tmp_path / "broken.crt").write_text("no certificate")
    part = contents.certificates(tmp_path)
    assert part.text == f"2026-11-24T00:00:00Z  {tmp_path}/etcd/ca.crt  CN=etcd-ca\n"
    assert part.faults == (f"{tmp_path}/broken.crt is not a certificate in PEM.",)


def test_a_host_without_certificates_says_so(tmp_path: Path) -> None:
    assert contents.certificates(tmp_path / "pki").faults == (f"There is none in {tmp_path}/pki.",)
