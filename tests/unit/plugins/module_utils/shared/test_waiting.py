"""A wait ends when nothing is missing or when time is up, and says what was missing at the last look."""

from __future__ import annotations

import time

from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import waiting


def test_it_ends_when_nothing_is_missing() -> None:
    looks = [["node", "pod"], ["pod"], [], ["never looked at"]]
    assert waiting.until_none(lambda: looks.pop(0), timeout=60, interval=0) == []
    assert looks == [["never looked at"]]


def test_it_looks_once_when_there_is_no_time() -> None:
    looks = [["node"], ["never looked at"]]
    assert waiting.until_none(lambda: looks.pop(0), timeout=0) == ["node"]
    assert looks == [["never looked at"]]


def test_what_was_missing_last_is_returned_when_time_is_up() -> None:
    looks = iter(range(1_000_000))
    seen = waiting.until_none(lambda: [f"look {next(looks)}"], timeout=0.05, interval=0.01)
    assert seen == [f"look {next(looks) - 1}"]


def test_a_host_that_is_slow_to_answer_is_left_alone_as_long() -> None:
    asked = []

    def missing() -> list[str]:
        asked.append(True)
        time.sleep(0.1)
        return ["something"]

    waiting.until_none(missing, timeout=0.6, interval=0)
    assert len(asked) <= 4


def test_what_is_waited_for_in_vain_is_given_up() -> None:
    asked = []

    def missing() -> list[str]:
        asked.append(True)
        return ["something"]

    assert waiting.until_none(missing, timeout=60, interval=0, give_up=lambda: len(asked) == 3) == [
        "something"
    ]
    assert len(asked) == 3
    assert waiting.until_none(lambda: [], timeout=60, give_up=lambda: True) == []
