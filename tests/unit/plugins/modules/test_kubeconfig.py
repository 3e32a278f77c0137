"""A kubeconfig for the controller stands alone, or beside what is a person's own, which stays as it was."""

from __future__ import annotations

import base64
import difflib
import json
import os
import ssl
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import access, kubeconfig
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api.access import Seen
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api.kubeconfig import KubeconfigError
from ansible_collections.mink8s.kubernetes.plugins.module_utils.pki import signing
from ansible_collections.mink8s.kubernetes.plugins.module_utils.pki import x509 as pki

KEY = base64.b64encode(b"-----BEGIN PRIVATE KEY-----").decode()
NAMES = ("localhost", "192.0.2.7", "kubernetes.example.com")
THEIRS = """\
# my clusters
apiVersion: v1
kind: Config
clusters:
- name: work   # the big one
  cluster:
    server: https://work.example.com

contexts:
  - context: {cluster: work, user: me}
    name: work
current-context: work
users:
- name: me
  user:
    token: "abc"
# the end
"""


def admin(authority: str = "") -> dict[str, Any]:
    """What admin.conf on a host has."""
    cluster = {
        "certificate-authority-data": base64.b64encode(authority.encode()).decode(),
        "server": "https://127.0.0.1:6443",
    }
    user = {"client-certificate-data": "Y2VydA==", "client-key-data": KEY}
    return {
        "clusters": [{"name": "mink8s", "cluster": cluster}],
        "contexts": [{"name": "mink8s", "context": {"cluster": "mink8s", "user": "kubernetes-admin"}}],
        "users": [{"name": "kubernetes-admin", "user": user}],
    }


OURS = kubeconfig.entries(admin(), "host-1", "https://192.0.2.7:6443")


def test_alone_it_has_the_hosts_name_and_the_address_from_elsewhere() -> None:
    text = kubeconfig.alone(OURS)
    assert text.startswith("# Written by mink8s.kubernetes.")
    assert "&" not in text
    made = yaml.safe_load(text)
    assert made["current-context"] == "host-1"
    assert made["clusters"][0]["cluster"]["server"] == "https://192.0.2.7:6443"
    assert made["contexts"][0]["context"]["user"] == made["users"][0]["name"] == "host-1"
    assert made["users"][0]["user"]["client-key-data"] == KEY


def lost(text: str) -> list[str]:
    """The lines that were there before and are not any more."""
    compared = difflib.unified_diff(THEIRS.splitlines(), text.splitlines(), n=0, lineterm="")
    return [line for line in compared if line.startswith("-") and line != "--- "]


def test_among_others_these_stay_to_the_letter() -> None:
    made = kubeconfig.merged(THEIRS, OURS, "config")
    assert lost(made) == []
    document = yaml.safe_load(made)
    assert [item["name"] for item in document["contexts"]] == ["host-1", "work"]
    assert document["current-context"] == "work"
    assert document["clusters"][1:] == yaml.safe_load(THEIRS)["clusters"]
    assert kubeconfig.merged(made, OURS, "config") == made


def test_entries_of_ours_are_replaced_and_the_rest_stays_to_the_letter() -> None:
    second = kubeconfig.entries(admin(), "host-2", "https://192.0.2.8:6443")
    both = kubeconfig.merged(kubeconfig.merged(THEIRS, OURS, "config"), second, "config")
    moved = kubeconfig.entries(admin(), "host-1", "https://192.0.2.9:6443")
    made = kubeconfig.merged(both, moved, "config")
    servers = {item["name"]: item["cluster"]["server"] for item in yaml.safe_load(made)["clusters"]}
    assert servers == {
        "host-1": "https://192.0.2.9:6443",
        "host-2": "https://192.0.2.8:6443",
        "work": "https://work.example.com",
    }
    assert lost(made) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing yet\n",
        "apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\ncurrent-context: ''\n",
        "apiVersion: v1\nkind: Config\nclusters:\ncontexts: null\ncurrent-context:\npreferences: {}",
        '{"clusters": [], "contexts": [], "users": [], "kind": "Config"}',
    ],
)
def test_where_there_is_no_current_context_it_becomes_the_current_one(text: str) -> None:
    document = yaml.safe_load(kubeconfig.merged(text, OURS, "config"))
    assert document["current-context"] == "host-1"
    for kind in kubeconfig.LISTS:
        assert document[kind] == [OURS[kind]]
    assert {**(yaml.safe_load(text) or {}), **document} == document


def test_a_name_that_is_somebody_elses_is_refused() -> None:
    theirs = THEIRS.replace("name: me", "name: host-1")
    with pytest.raises(KubeconfigError, match="an entry host-1 among its users that is not"):
        kubeconfig.merged(theirs, OURS, "config")


@pytest.mark.parametrize("text", ["- a\n", "clusters: {a: b}\n", "a: [\n", "clusters: [1]\n", "word\n"])
def test_what_is_no_kubeconfig_is_refused(text: str) -> None:
    with pytest.raises(KubeconfigError, match="config is no kubeconfig"):
        kubeconfig.merged(text, OURS, "config")


@pytest.mark.parametrize(
    ("server", "seen", "said"),
    [
        ("192.0.2.7", Seen("https://127.0.0.1:6443", ("0.0.0.0",), NAMES, own=True), ""),
        ("192.0.2.7", Seen("https://127.0.0.1:6443", ("::",), NAMES, own=True), ""),
        ("192.0.2.7", Seen("https://192.0.2.7:6443", ("192.0.2.7",), NAMES, own=True), ""),
        ("Kubernetes.example.com", Seen("https://127.0.0.1:6443", ("0.0.0.0",), NAMES, own=False), ""),
        ("192.0.2.7", Seen("http://127.0.0.1:8080", (), (), own=True), "Set cluster_authentication to cert"),
        (
            "192.0.2.7",
            Seen("https://127.0.0.1:6443", ("127.0.0.1",), NAMES, own=True),
            "listens on 127.0.0.1, where nobody beyond the host reaches it. Set cluster_apiserver_bind_addre",
        ),
        (
            "192.0.2.7",
            Seen("https://192.0.2.9:6443", ("192.0.2.9",), NAMES, own=True),
            "listens on 192.0.2.9, and not on 192.0.2.7",
        ),
        (
            "api.example.com",
            Seen("https://127.0.0.1:6443", ("0.0.0.0",), NAMES, own=False),
            "Add api.example.com to cluster_apiserver_alternative_names",
        ),
        ("", Seen("https://127.0.0.1:6443", ("0.0.0.0",), NAMES, own=False), "Set kubeconfig_server"),
    ],
)
def test_what_keeps_others_from_the_api_is_said_with_what_to_set(server: str, seen: Seen, said: str) -> None:
    problem = access.problem(server, seen)
    assert said in problem
    assert bool(said) == bool(problem)


def test_without_a_wish_it_is_the_address_that_is_listened_on() -> None:
    assert access.usual(["0.0.0.0"], "192.0.2.7") == "192.0.2.7"
    assert access.usual(["127.0.0.1"], "192.0.2.7") == "192.0.2.7"
    assert access.usual(["192.0.2.9"], "192.0.2.7") == "192.0.2.9"
    assert access.is_own("127.0.0.1")
    assert not access.is_own("192.0.2.7")
    assert not access.is_own("kubernetes.example.com")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A TLS server on loopback, and the authority of its certificate."""
    directory, now = tmp_path_factory.mktemp("server"), datetime.now(timezone.utc).replace(microsecond=0)
    end = now + timedelta(days=1)
    root = signing.sign(pki.Request("ca", pki.Contents("ca"), 1), pki.Found(), None, now, end)
    contents = pki.Contents("server", ip_addresses=("127.0.0.1",), usages=("server",))
    leaf = signing.sign(pki.Request("server", contents, 1, "ca"), pki.Found(), root, now, end)
    path = directory / "server.pem"
    path.write_bytes(pki.certificate_pem(leaf.certificate) + pki.private_pem(leaf.key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as running:
        running.socket = context.wrap_socket(running.socket, server_side=True)
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{running.server_port}", pki.certificate_pem(root.certificate).decode()
        running.shutdown()


def run(**options: object) -> dict[str, Any]:
    """The module's result."""
    done = subprocess.run(
        [sys.executable, "-m", "ansible_collections.mink8s.kubernetes.plugins.modules.kubeconfig"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": {"_ansible_diff": True, **options}}),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
        capture_output=True,
        check=False,
    )
    assert KEY not in done.stdout
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_the_module_writes_what_is_asked_for_and_nothing_twice(
    server: tuple[str, str], tmp_path: Path
) -> None:
    url, authority = server
    path = tmp_path / ".kube" / "config"
    options = {
        "content": yaml.safe_dump(admin(authority)),
        "server": url,
        "name": "host-1",
        "path": str(path),
    }
    assert run(**options, _ansible_check_mode=True)["changed"]
    assert not path.parent.exists()
    made = run(**options)
    assert (made["changed"], made["context"]) == (True, "host-1")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not run(**options)["changed"]
    path.write_text(THEIRS)
    path.chmod(0o600)
    refused = run(**options)
    assert refused["failed"]
    assert f"{path} is not the collection's" in refused["msg"]
    assert path.read_text() == THEIRS
    merged = run(**options, merge=True)
    assert merged["diff"]["after"] == f"{path}: context host-1\n{path}: context work\n"
    assert lost(path.read_text()) == []
    assert not run(**options, merge=True)["changed"]


def test_an_api_that_is_not_reached_or_somebody_elses_is_named(
    server: tuple[str, str], tmp_path: Path
) -> None:
    url, authority = server
    path = tmp_path / "file"
    options = {"content": yaml.safe_dump(admin(authority)), "name": "host-1", "path": str(path)}
    for address, said in (
        ("https://127.0.0.1:9", "connection refused"),
        (url.replace("127.0.0.1", "localhost"), "certificate"),
    ):
        refused = run(**options, server=address)
        assert refused["failed"]
        assert f"The API of host-1 is not reached at {address} from here" in refused["msg"]
        assert said in refused["msg"]
    assert not path.exists()
