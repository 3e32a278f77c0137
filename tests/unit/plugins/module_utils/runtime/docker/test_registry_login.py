"""What `docker login` has kept is shown to the registry it is for."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import programs
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker import registry_login
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.image_reference import Reference

LOGIN = base64.b64encode(b"name:secret").decode()
OWN = Reference.parse("registry.example:5000/thing:1")
HUB = Reference.parse("busybox:1")


def shown(reference: Reference) -> dict[str, str]:
    """What a registry is shown."""
    header = registry_login.header(reference).get("X-Registry-Auth", "")
    found: dict[str, str] = json.loads(base64.urlsafe_b64decode(header)) if header else {}
    return found


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path / "config.json"


def test_each_registry_is_shown_its_own(config: Path) -> None:
    config.write_text(json.dumps({"auths": {"registry.example:5000": {"auth": LOGIN}}}))
    assert shown(OWN) == {"username": "name", "password": "secret", "serveraddress": "registry.example:5000"}
    assert shown(HUB) == {}


def test_docker_hub_has_a_name_of_its_own(config: Path) -> None:
    config.write_text(json.dumps({"auths": {registry_login.INDEX: {"auth": LOGIN}}}))
    assert shown(HUB)["serveraddress"] == registry_login.INDEX


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"auths": {"registry.example:5000": {}}}'])
def test_without_a_login_nothing_is_shown(config: Path, content: str) -> None:
    assert shown(OWN) == {}
    config.write_text(content)
    assert shown(OWN) == {}


@pytest.mark.parametrize(
    ("settings", "told", "expected"),
    [
        ({"credsStore": "test"}, ("name", "kept"), {"username": "name", "password": "kept"}),
        (
            {"credHelpers": {"registry.example:5000": "test"}},
            ("<token>", "kept"),
            {"identitytoken": "kept"},
        ),
        ({"credsStore": "missing"}, ("name", "kept"), {}),
    ],
)
def test_a_helper_is_asked(
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, object],
    told: tuple[str, str],
    expected: dict[str, str],
) -> None:
    config.write_text(json.dumps(settings))
    helper = config.parent / "docker-credential-test"
    answer = json.dumps(dict(zip(("Username", "Secret"), told)))
    helper.write_text(
        f'#!/bin/sh\n[ "$1" = get ] && [ "$(cat)" = registry.example:5000 ] && echo \'{answer}\'\n'
    )
    helper.chmod(0o755)
    monkeypatch.setattr(programs, "PATH", f"{config.parent}:/usr/bin:/bin")
    server = {"serveraddress": "registry.example:5000"} if expected else {}
    assert shown(OWN) == {**expected, **server}
