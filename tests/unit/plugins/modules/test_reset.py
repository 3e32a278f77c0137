"""The ledger alone says what goes, and goes last."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.reset.removable_paths import Seen
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import ledger_file
from ansible_collections.mink8s.kubernetes.plugins.modules import reset


class Host:
    """A directory as a host, with a ledger, and the module run on it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ledger = root / "state" / "ledger.json"

    def run(self, **options: object) -> dict[str, Any]:
        """The module's result."""
        arguments = {"ledger": str(self.ledger), **options}
        done = subprocess.run(
            [sys.executable, "-m", "ansible_collections.mink8s.kubernetes.plugins.modules.reset"],
            input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            text=True,
            stdout=subprocess.PIPE,
            check=False,
        )
        result: dict[str, Any] = json.loads(done.stdout)
        return result

    def left(self) -> list[str]:
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*"))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host with a file, a tree with etcd's data, and something of others'."""
    host = Host(tmp_path)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "theirs").write_text("theirs")
    ledger_file.note(host.ledger, files=[tmp_path / "etc" / "ours"], trees=[tmp_path / "lib" / "etcd"])
    (tmp_path / "etc" / "ours").write_text("ours")
    (tmp_path / "lib" / "etcd" / "member" / "wal").mkdir(parents=True)
    return host


def test_everything_goes_and_then_the_ledger(host: Host) -> None:
    checked = host.run(_ansible_check_mode=True)
    assert checked["changed"]
    assert "etc/ours" in host.left()
    result = host.run()
    assert result["reasons"] == checked["reasons"]
    assert result["reasons"] == [
        f"{host.root}/etc/ours is the collection's",
        f"{host.root}/lib/etcd is the cluster's, with all in it",
        f"{host.ledger} lists nothing any more",
        f"{host.ledger.parent} is the collection's",
        f"{host.root}/lib is the collection's",
    ]
    assert host.left() == ["etc", "etc/theirs"]
    again = host.run()
    assert (again["changed"], again["reasons"], again["kept"]) == (False, [], [])


def test_data_that_is_kept_stays_in_the_ledger(host: Host) -> None:
    result = host.run(keep_etcd_data=True)
    assert result["kept"] == [f"{host.root}/lib/etcd stays, as you asked: etcd's data is in it."]
    noted = ledger_file.read(host.ledger)
    assert noted == ledger_file.Ledger({f"{host.root}/lib": "directory", f"{host.root}/lib/etcd": "tree"})
    assert not host.run(keep_etcd_data=True)["changed"]
    assert host.run()["changed"]
    assert host.left() == ["etc", "etc/theirs"]


def test_a_host_without_a_ledger_is_left_alone(tmp_path: Path) -> None:
    host = Host(tmp_path)
    assert not host.run()["changed"]
    assert host.left() == []


def test_what_others_put_beside_the_ledger_stays(host: Host) -> None:
    (host.ledger.parent / "theirs").write_text("")
    assert host.run()["kept"] == [f"{host.ledger.parent} is not empty: theirs."]
    assert "state/theirs" in host.left()


def test_a_damaged_ledger_is_an_error_and_nothing_goes(host: Host) -> None:
    host.ledger.write_text("{")
    result = host.run()
    assert result["failed"]
    assert f"{host.ledger} is no ledger" in result["msg"]
    assert "etc/ours" in host.left()


@pytest.mark.parametrize(
    ("runtime", "seen", "said"),
    [
        ("ours", Seen("directory"), ""),
        ("absent", Seen(), ""),
        ("absent", Seen("directory"), "goes if reset_container_runtime is true"),
        ("foreign", Seen("directory"), "is left of the Docker that the collection installed."),
        ("foreign", Seen("directory", data=True), "etcd's data is in it"),
    ],
)
def test_why_a_tree_stays_is_said(runtime: str, seen: Seen, said: str) -> None:
    line = reset.why("/tree", seen, runtime, "Docker")
    assert line.startswith("/tree") is bool(said)
    assert said in line
