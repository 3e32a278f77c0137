"""What went wrong with a request is said in one line that a person can act on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import kubernetes_client
from kubernetes.client.exceptions import ApiException

if TYPE_CHECKING:
    from typing import NoReturn


def refuse(status: int, body: str = "") -> ApiException:
    error = ApiException(status=status, reason="Reason")
    error.body = body
    return error


def test_an_answer_is_explained_by_its_status_and_its_body_in_one_line() -> None:
    body = "[+]ping ok\n[-]etcd failed: reason withheld\nhealthz check failed\n"
    assert kubernetes_client.explain(refuse(500, body)) == (
        "HTTP 500 Reason [+]ping ok [-]etcd failed: reason withheld healthz check failed"
    )


def test_an_object_that_is_not_there_is_none() -> None:
    def read(name: str, **_options: object) -> NoReturn:
        raise refuse(404, name)

    assert kubernetes_client.get(read, "host-1") is None


def test_any_other_answer_is_an_error() -> None:
    def read(name: str, **_options: object) -> NoReturn:
        raise refuse(403, name)

    with pytest.raises(kubernetes_client.api_exceptions(), match="403"):
        kubernetes_client.get(read, "host-1")


def test_every_request_has_a_time_limit() -> None:
    def read(name: str, namespace: str, **options: object) -> object:
        return (name, namespace, options)

    assert kubernetes_client.get(read, "a", "b") == (
        "a",
        "b",
        {"_request_timeout": kubernetes_client.REQUEST_TIMEOUT},
    )
