"""A daemon gets the values of its proxy as they are."""

from __future__ import annotations

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import proxy


def test_a_value_reaches_the_daemon_as_it_is() -> None:
    # systemd takes % for a specifier, and \\ and " for its own.
    said = proxy.environment('http_proxy=http://u:p%40s@proxy:3128\nNo_Proxy=a b,"c"\\d\nx=')
    assert said == (
        '[Service]\nEnvironment="HTTP_PROXY=http://u:p%%40s@proxy:3128"\n'
        'Environment="NO_PROXY=a b,\\"c\\"\\\\d"\nEnvironment="X="\n'
    )
    assert proxy.environment("") == ""


@pytest.mark.parametrize("line", ["s3cret", "=s3cret", "a b=s3cret", "http_proxy=x\nExecStartPre s3cret"])
def test_a_variable_without_a_name_is_refused_and_not_shown(line: str) -> None:
    with pytest.raises(ValueError, match="NAME=VALUE") as caught:
        proxy.environment(line)
    assert "s3cret" not in str(caught.value)
