"""Settings are read from JSON and TOML, and written so that comments, order and layout of the rest stay."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import settings_format
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.settings_format import JSON, TOML
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import nested_settings

USERS = """# Mine.
title = 'x'  # single quotes
level = 1    # how loud

[plugins]
  [plugins."a.b"]
    # first
    port = "1"
    names = [
      "one", # 1
      "two",
    ]
    [plugins."a.b".net]
      bin = "/opt"

[metrics]
address = "127.0.0.1:1"

[plugins."a.b".tls]
verify = true
"""
# Comments stand where keys could.
COMMENTED = """# License.
disabled = ["x"]

#[grpc]
#  uid = 0
"""


def merged(text: str, wanted: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The text with further settings in it, and all settings that it then has to have."""
    settings = nested_settings.merge(TOML.parse("x.toml", text.encode()), wanted)
    return TOML.render(settings, text), settings


def test_a_file_is_of_the_format_that_its_name_says() -> None:
    assert settings_format.of("/etc/x/config.toml") is TOML
    assert settings_format.of("/etc/x/x.json") is JSON
    assert settings_format.of("/etc/x/x") is JSON


def test_values_are_pythons_own() -> None:
    text = 'a = true\nb = [false, 1, 2.5, "x"]\nc = {d = 1}\n[[e]]\nf = 1\n[[e]]\nf = 2\n'
    read = TOML.parse("x", text.encode())
    assert read == {"a": True, "b": [False, 1, 2.5, "x"], "c": {"d": 1}, "e": [{"f": 1}, {"f": 2}]}
    assert [type(value) for value in read["b"]] == [bool, int, float, str]
    assert {type(value) for value in (read["c"], *read["e"])} == {dict}


def test_a_new_file_has_a_table_for_each_dictionary() -> None:
    wanted = {"version": 2, "plugins": {"a.b": {"net": {"bin": "/x", "on": True}}, "c": {}}, "names": ["x"]}
    assert TOML.render(wanted, "") == (
        'version = 2\nnames = ["x"]\n\n[plugins."a.b".net]\nbin = "/x"\non = true\n\n[plugins.c]\n'
    )


def test_what_changes_does_so_in_its_place_and_a_new_table_comes_behind() -> None:
    text, settings = merged(
        USERS, {"level": 2, "plugins": {"a.b": {"port": "2", "net": {"bin": "/usr"}, "new": {"x": 1}}}}
    )
    assert TOML.parse("x", text.encode()) == settings
    assert text.startswith(
        USERS.replace("level = 1 ", "level = 2 ").replace('"1"\n', '"2"\n').replace("opt", "usr")
    )
    assert text.endswith('verify = true\n\n[plugins."a.b".new]\nx = 1\n')


def test_a_new_setting_comes_into_its_table() -> None:
    text, settings = merged(USERS, {"colour": "red", "plugins": {"a.b": {"net": {"conf": "/etc"}}}})
    assert TOML.parse("x", text.encode()) == settings
    assert [line for line in USERS.splitlines() if line and line not in text.splitlines()] == []
    lines = [line.strip() for line in text.splitlines()]
    assert lines.index('conf = "/etc"') == lines.index('bin = "/opt"') + 1
    assert lines.index('colour = "red"') < lines.index("[plugins]")


def test_comments_stay_where_there_is_no_table_yet() -> None:
    text, settings = merged(COMMENTED, {"disabled": ["y"], "version": 2, "plugins": {"a.b": {"x": 1}}})
    assert TOML.parse("x", text.encode()) == settings
    assert [line for line in COMMENTED.splitlines() if line.startswith("#") and line not in text] == []
    assert text.endswith('\n\n[plugins."a.b"]\nx = 1\n')


def test_what_goes_leaves_the_rest_as_it_was() -> None:
    settings = TOML.parse("x", USERS.encode())
    del settings["title"], settings["plugins"]["a.b"]["net"], settings["plugins"]["a.b"]["port"]
    text = TOML.render(settings, USERS)
    assert TOML.parse("x", text.encode()) == settings
    assert {"# Mine.", "level = 1    # how loud", '      "one", # 1'} <= set(text.splitlines())


@pytest.mark.parametrize(
    "text",
    [
        'plugins = { "a.b" = { port = "1", net = { bin = "/opt" } } }\n',
        'plugins."a.b".port = "1"',
        "version = 2",
        '[[x]]\na = 1\n[plugins."a.b".net]\nbin = "/opt"\n[y]\nb = 1\n[plugins."a.b".tls.more]\nc = 1\n',
    ],
)
def test_whatever_form_the_file_has_its_settings_are_right(text: str) -> None:
    written, settings = merged(
        text,
        {"version": 2, "plugins": {"a.b": {"port": "2", "net": {"bin": "/usr"}, "new": {"x": {"y": 1}}}}},
    )
    assert TOML.parse("x", written.encode()) == settings
    before = TOML.parse("x", text.encode())
    assert TOML.parse("x", TOML.render(before, written).encode()) == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a = 1\nb = [\n", "x.toml, line "),
        (b"a = 1\na = 2\n", 'Key "a" already exists'),
        (b"a = tru\n", "x.toml, line 1, column "),
        (b'a = "\xff"', "x.toml, line 1, column 6: not UTF-8"),
    ],
)
def test_what_is_no_toml_is_said_with_its_place(content: bytes, message: str) -> None:
    with pytest.raises(settings_format.UnreadableError) as caught:
        TOML.parse("x.toml", content)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{,\n", "x.toml, line 1, column 1: Invalid statement, seen: {,"),
        (b"a = 1\na = 2\n", "x.toml, line 2, column 6: Cannot overwrite a value, seen: a = 2"),
        (b"a = [", "x.toml, line 1, column 1: Invalid value, seen: a = ["),
    ],
)
def test_python_itself_reads_what_it_can(
    monkeypatch: pytest.MonkeyPatch, content: bytes, message: str
) -> None:
    monkeypatch.setattr(settings_format, "HAS_TOMLKIT", False)
    assert TOML.parse("x.toml", b"[a]\nb = 1\n") == {"a": {"b": 1}}
    with pytest.raises(settings_format.UnreadableError) as caught:
        TOML.parse("x.toml", content)
    assert str(caught.value) == message


def test_nothing_has_no_form_in_toml() -> None:
    for like in ("", "a = 1\n"):
        with pytest.raises(ValueError, match=r"^b\.c is null"):
            TOML.render({"a": 1, "b": {"c": None}}, like)


def test_without_the_library_only_what_is_new_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_format, "HAS_TOMLKIT", False)
    monkeypatch.setattr(settings_format, "HAS_TOMLLIB", False)
    assert TOML.parse("x.toml", b"\n") == {}
    assert TOML.render({"a": {"b": 1}}, "") == "[a]\nb = 1\n"
    with pytest.raises(settings_format.UnreadableError, match="without the Python library tomlkit"):
        TOML.parse("x.toml", b"a = 1")
