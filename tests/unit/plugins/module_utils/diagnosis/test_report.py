"""Questions to a host, and an archive that says what could not be had."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

from ansible_collections.mink8s.kubernetes.plugins.module_utils.diagnosis import report
from ansible_collections.mink8s.kubernetes.plugins.module_utils.diagnosis.report import Answer, Part

ASK = """
import json
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.diagnosis import report
module = AnsibleModule({"question": {"type": "raw"}, "bin_dir": {"type": "str"}})
question = module.params["question"]
report.SECONDS = 1
question = tuple(question) if isinstance(question, list) else question
answer = report.ask(module, question, module.params["bin_dir"])
module.exit_json(answer=[answer.question, answer.text, answer.fault])
"""


def ask(question: list[str] | str, bin_dir: Path = Path("/usr/bin")) -> Answer:
    """What a module on this machine is answered."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path}\n{ASK}"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": {"question": question, "bin_dir": str(bin_dir)}}),
        text=True,
        capture_output=True,
        check=True,
    )
    return Answer(*json.loads(done.stdout)["answer"])


def test_a_command_answers() -> None:
    assert ask(["echo", "a word"]) == Answer("$ echo a word", "a word\n")
    assert ask(["true"]).text == "(nothing)"


def test_a_command_is_looked_for_where_the_collection_puts_programs(tmp_path: Path) -> None:
    program = tmp_path / "kubelet"
    program.write_text("#!/bin/sh\necho Kubernetes v1\n")
    program.chmod(0o755)
    assert ask(["kubelet"], tmp_path).text == "Kubernetes v1\n"
    assert ask(["no-such-program"]).fault == "There is no command no-such-program on this host."


def test_a_command_that_fails_says_why_and_what_it_said_before_is_kept() -> None:
    answer = ask(["sh", "-c", "echo some; echo why >&2; exit 3"])
    assert (answer.text, answer.fault) == ("some\n", "It ended with code 3: why")


def test_a_command_that_hangs_is_not_waited_for() -> None:
    assert "did not end" in ask(["sleep", "60"]).fault


def test_a_file_and_one_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"text \xff\n")
    assert ask(str(tmp_path / "there")).text == "text \ufffd\n"
    assert "No such file" in ask(str(tmp_path / "missing")).fault


def test_a_server_that_does_not_answer() -> None:
    assert "refused" in ask("http://127.0.0.1:9/version").fault


def test_each_answer_stands_under_its_question() -> None:
    answers = [Answer("$ one", "first\n"), Answer("$ two", "half", "It ended with code 1: why")]
    made = report.part("both.txt", "two answers", answers)
    assert made.text == "### $ one\nfirst\n\n### $ two\nhalf\nUnavailable: It ended with code 1: why\n"
    assert made.faults == ("$ two: It ended with code 1: why",)


def test_a_fault_is_redacted_too() -> None:
    part = Part("a", "b", "token: abcdefgh", ("http://user:word@host: why",)).redacted()
    assert part == Part("a", "b", "token: [removed]", ("http://[removed]@host: why",))


def test_the_archive_has_an_index_and_says_in_place_of_a_text_why_there_is_none() -> None:
    parts = [Part("a/full.txt", "all of it", "text\n"), Part("missing.txt", "none of it", "", ("one", "two"))]
    content = report.pack("host-1", "The host", parts)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        texts = {member.name: archive.extractfile(member) for member in archive.getmembers()}
        read = {name: stream.read().decode() for name, stream in texts.items() if stream}
        assert {member.mode for member in archive.getmembers()} == {0o600}
    assert list(read) == ["host-1/README.txt", "host-1/a/full.txt", "host-1/missing.txt"]
    assert read["host-1/a/full.txt"] == "text\n"
    assert read["host-1/missing.txt"] == "Unavailable: one\nUnavailable: two\n"
    assert read["host-1/README.txt"].startswith("The host\n")
    assert "missing.txt: none of it\n  Unavailable: one\n" in read["host-1/README.txt"]
