"""A snapshot goes where etcd's manifest says, and data is exchanged whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mink8s.kubernetes.plugins.module_utils.backup import restore
from ansible_collections.mink8s.kubernetes.plugins.modules import etcd_restore
from ansible_collections.mink8s.kubernetes.plugins.modules.etcd_restore import Place

ARTICLE = Path(__file__).parents[2] / "article" / "etcd.yaml"


def test_the_articles_manifest_says_where_the_data_is() -> None:
    manifest: dict[str, Any] = yaml.safe_load(ARTICLE.read_text())
    found = etcd_restore.place(manifest)
    assert found == Place(manifest["spec"]["containers"][0]["image"], Path("/var/lib/etcd"))


def test_the_directory_is_the_hosts() -> None:
    manifest: dict[str, Any] = yaml.safe_load(ARTICLE.read_text())
    manifest["spec"]["volumes"][0]["hostPath"]["path"] = "/srv/etcd"
    assert etcd_restore.place(manifest).directory == Path("/srv/etcd")


def test_a_restore_is_always_a_change() -> None:
    decided = etcd_restore.plan("/root/etcd.db", Place("etcd:3.4.3-0", Path("/srv/etcd")))
    assert decided.reasons == ("/root/etcd.db replaces the data in /srv/etcd",)
    assert "not there yet" in etcd_restore.plan("/root/etcd.db", None).reasons[0]


def test_everything_is_renamed(tmp_path: Path) -> None:
    current, new, old = tmp_path / "member", tmp_path / "new", tmp_path / "old"
    current.write_text("old")
    new.write_text("new")
    restore.rename([(current, old), (new, current)])
    assert (current.read_text(), old.read_text(), new.exists()) == ("new", "old", False)


def test_where_the_new_cannot_be_put_in_place_the_old_stays(tmp_path: Path) -> None:
    current, old = tmp_path / "member", tmp_path / "old"
    current.write_text("old")
    with pytest.raises(FileNotFoundError):
        restore.rename([(current, old), (tmp_path / "missing", current)])
    assert (current.read_text(), old.exists()) == ("old", False)
