"""What is made is noted before, once, and with what it took the place of."""

from __future__ import annotations

import multiprocessing
from functools import partial
from pathlib import Path

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import ledger_file
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.ledger_file import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.json"


def noted(ledger: Path) -> Ledger:
    found = ledger_file.read(ledger)
    assert found
    return found


def note_package(ledger: Path, name: str) -> None:
    ledger_file.note(ledger, packages=[name])


def test_a_host_on_which_nothing_was_made_has_none(ledger: Path) -> None:
    assert ledger_file.read(ledger) is None
    ledger_file.note(ledger, files=[ledger.parent.parent])
    assert not ledger.exists()


def test_only_root_reads_it_and_everybody_its_directory(ledger: Path) -> None:
    ledger_file.note(ledger, packages=["socat"])
    assert ledger.stat().st_mode & 0o777 == 0o600
    assert ledger.parent.stat().st_mode & 0o777 == 0o755


def test_what_is_there_already_is_not_ours(ledger: Path, tmp_path: Path) -> None:
    theirs, new = tmp_path / "theirs", tmp_path / "a" / "b" / "new"
    theirs.write_text("theirs")
    dangling = tmp_path / "link"
    dangling.symlink_to("nowhere")
    ledger_file.note(ledger, files=[theirs, dangling, new], directories=[tmp_path])
    assert noted(ledger).paths == {
        str(tmp_path / "a"): "directory",
        str(tmp_path / "a" / "b"): "directory",
        str(new): "file",
    }


def test_what_was_removed_again_is_forgotten_and_may_be_noted_anew(ledger: Path, tmp_path: Path) -> None:
    ledger_file.note(ledger, files=[tmp_path / "a", tmp_path / "b"], units=["a.service", "b.service"])
    ledger_file.forget(ledger, files=[tmp_path / "a", tmp_path / "never"], units=["a.service"])
    found = noted(ledger)
    assert str(tmp_path / "a") not in found.paths
    assert found.paths[str(tmp_path / "b")] == "file"
    assert found.units == ["b.service"]
    ledger_file.note(ledger, units=["a.service"])
    assert noted(ledger).units == ["b.service", "a.service"]


def test_the_first_note_stays(ledger: Path, tmp_path: Path) -> None:
    ledger_file.note(ledger, trees=[tmp_path / "tree"], images={"pause:1": "sha256:old"}, units=["a.service"])
    (tmp_path / "tree").mkdir()
    ledger_file.note(ledger, directories=[tmp_path / "tree"], images={"pause:1": "sha256:ours"})
    ledger_file.note(ledger, units=["a.service", "b.service"], packages=["a", "b"])
    found = noted(ledger)
    assert found.paths[str(tmp_path / "tree")] == "tree"
    assert (found.images, found.units) == ({"pause:1": "sha256:old"}, ["a.service", "b.service"])


def test_a_directory_that_is_there_and_empty_is_the_clusters_inside(ledger: Path, tmp_path: Path) -> None:
    for name in ("empty", "disk", "full"):
        (tmp_path / name).mkdir()
    (tmp_path / "disk" / "lost+found").mkdir()
    (tmp_path / "full" / "theirs").mkdir()
    ledger_file.note(ledger, trees=[tmp_path / name for name in ("empty", "disk", "full")])
    assert noted(ledger).paths == {str(tmp_path / "empty"): "contents", str(tmp_path / "disk"): "contents"}


def test_settings_keep_the_text_before_the_first_change(ledger: Path) -> None:
    ledger_file.note(ledger, settings={"/daemon.json": {"before": None, "ours": {"a": 1}}})
    ledger_file.note(ledger, settings={"/daemon.json": {"before": "{}", "ours": {"a": 1, "b": 2}}})
    assert noted(ledger).settings == {"/daemon.json": {"before": None, "ours": {"a": 1, "b": 2}}}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"other": 1}'])
def test_a_damaged_one_is_an_error_that_says_what_to_do(ledger: Path, content: str) -> None:
    ledger.parent.mkdir()
    ledger.write_text(content)
    with pytest.raises(ledger_file.LedgerError, match=r"ledger.json is no ledger .* Put back the one it was"):
        ledger_file.note(ledger, packages=["socat"])
    assert ledger.read_text() == content


def test_processes_that_note_at_once_lose_nothing(ledger: Path) -> None:
    names = [f"package-{number}" for number in range(40)]
    with multiprocessing.Pool(4) as pool:
        pool.map(partial(note_package, ledger), names, chunksize=1)
    assert sorted(noted(ledger).packages) == sorted(names)
