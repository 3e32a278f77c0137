"""What worked is kept as it was first, and comes back to the byte."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import file_set, previous_configuration
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import ledger_file
from ansible_collections.mink8s.kubernetes.plugins.modules.configuration_restore import may_go_back

WORKED = b"image: registry.k8s.io/kube-apiserver:v1.20.15\n"


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    """A ledger of a host with a cluster."""
    path = str(tmp_path / "state" / "ledger.json")
    ledger_file.note(path, units=["kubelet.service"])
    return path


def test_what_is_kept_first_stays_until_it_is_dropped(tmp_path: Path, ledger: str) -> None:
    file, new = tmp_path / "kube-apiserver.yaml", tmp_path / "new"
    file.write_bytes(WORKED)
    file.chmod(0o600)
    previous_configuration.keep(ledger, [str(file), str(new)])
    file.write_text("never worked")
    file.chmod(0o644)
    new.touch()
    previous_configuration.keep(ledger, [str(file), str(new)])
    kept = previous_configuration.read(ledger)
    assert kept.files == {str(file): previous_configuration.File(WORKED, 0o600), str(new): None}
    assert sorted(previous_configuration.put_back(kept)) == [str(file), str(new)]
    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode), new.exists()) == (WORKED, 0o600, False)
    assert kept.differing() == []
    assert previous_configuration.put_back(kept) == []
    previous_configuration.drop(ledger)
    assert previous_configuration.read(ledger) == previous_configuration.Previous()
    previous_configuration.drop(ledger)


def test_nobody_else_reads_it_and_reset_knows_of_it(tmp_path: Path, ledger: str) -> None:
    previous_configuration.keep(ledger, [str(tmp_path / "file")])
    path = previous_configuration.path(ledger)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found = ledger_file.read(ledger)
    assert found
    assert found.paths[str(path)] == "file"


def test_a_removed_file_comes_back_with_its_directory(tmp_path: Path, ledger: str) -> None:
    file = tmp_path / "below" / "file"
    file.parent.mkdir()
    file.write_text("text")
    previous_configuration.keep(ledger, [str(file)])
    file.unlink()
    file.parent.rmdir()
    previous_configuration.put_back(previous_configuration.read(ledger))
    assert file.read_text() == "text"


def test_a_first_cluster_has_nothing_to_go_back_to(tmp_path: Path) -> None:
    ledger = str(tmp_path / "ledger.json")
    previous_configuration.keep(ledger, [str(tmp_path / "kubelet.yaml")])
    # The unit is enabled later in the same run, and noted then.
    ledger_file.note(ledger, units=["kubelet.service"])
    previous_configuration.keep(ledger, [str(tmp_path / "kubelet.yaml"), str(tmp_path / "other")])
    assert len(previous_configuration.read(ledger).files) == 2
    assert not may_go_back(previous_configuration.read(ledger), "v1.20.15")


def test_another_release_is_not_put_back(tmp_path: Path, ledger: str) -> None:
    file = tmp_path / "kube-apiserver.yaml"
    file.write_bytes(WORKED)
    previous_configuration.keep(ledger, [str(file)])
    kept = previous_configuration.read(ledger)
    assert kept.release == "v1.20.15"
    assert may_go_back(kept, "v1.20.15")
    assert not may_go_back(kept, "v1.21.14")
    # A release that has not changed leaves kube-apiserver's manifest, or at least its image, alone.
    assert may_go_back(replace(kept, files={str(file): None}), "v1.21.14")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"had_cluster": true, "files": []}'])
def test_a_file_that_is_not_ours_is_an_error_in_words(tmp_path: Path, ledger: str, text: str) -> None:
    previous_configuration.path(ledger).write_text(text)
    with pytest.raises(ledger_file.LedgerError, match="is not what the collection kept any more"):
        previous_configuration.read(ledger)


@pytest.mark.parametrize("asked", [True, False])
def test_file_sets_keep_what_they_replace_if_asked_to(tmp_path: Path, ledger: str, asked: bool) -> None:
    file = tmp_path / "file"
    file.write_text("worked")
    options = {"ledger": ledger, "keep_previous": asked}
    file_set.keep(options, [str(file)])
    assert list(previous_configuration.read(ledger).files) == ([str(file)] if asked else [])
