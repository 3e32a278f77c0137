"""Secrets leave a text, and what helps to find a fault stays in it."""

from __future__ import annotations

import json

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.redact import REMOVED, redact

KEY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n"
PEM = f"-----BEGIN PRIVATE KEY-----\n{KEY}-----END PRIVATE KEY-----\n"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJkZWZhdWx0In0.c2lnbmF0dXJl"
SECRET = "s3cr3t+/Word"


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "ENCRYPTED "])
def test_a_private_key_goes_and_what_is_around_it_stays(kind: str) -> None:
    pem = PEM.replace("PRIVATE", f"{kind}PRIVATE")
    assert redact(f"before\n{pem}after\n") == f"before\n{REMOVED}\nafter\n"


def test_two_keys_take_nothing_between_them_along() -> None:
    assert redact(f"{PEM}between\n{PEM}") == f"{REMOVED}\nbetween\n{REMOVED}\n"


@pytest.mark.parametrize(
    "text",
    [
        f"Nov 23 10:00:00 host app[1]: -----BEGIN PRIVATE KEY-----\nNov 23 10:00:00 host app[1]: {KEY}",
        f"{KEY}-----END EC PRIVATE KEY-----\n",
        json.dumps({"key": PEM}),
        json.dumps({"file": json.dumps({"key": PEM})}),
    ],
)
def test_a_key_goes_from_a_log_that_was_cut_and_from_a_string(text: str) -> None:
    said = redact(text)
    assert [line for line in KEY.split() if line in said] == []


def test_a_certificate_stays() -> None:
    certificate = f"-----BEGIN CERTIFICATE-----\n{KEY}-----END CERTIFICATE-----\n"
    assert redact(certificate) == certificate


@pytest.mark.parametrize(
    "text",
    [
        f'Environment="HTTPS_PROXY=http://user:{SECRET.replace("/", "%2F")}@proxy.example:3128"',
        "https_proxy=user:s3cr3t+@proxy.example:3128",
        '{"http-proxy": "http://user:s3cr3t+@proxy.example:3128"}',
        "Get http://s3cr3t+@proxy.example:3128: EOF",
        ' HTTP Proxy: http://user:s3cr3t+"quoted\\@proxy.example:3128',
        'Docker Info: &{ID:A HTTPSProxy:http://user:s3cr3t+"quoted\\@proxy.example:3128 NoProxy: Name:host}',
        'Environment="HTTP_PROXY=http://user:s3cr3t+\\"quoted\\\\@proxy.example:3128"',
    ],
)
def test_who_asks_the_proxy_goes_and_the_proxy_stays(text: str) -> None:
    said = redact(text)
    assert "s3cr3t" not in said
    assert "@proxy.example:3128" in said


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}{SECRET}",
        "authorization: basic dXNlcjpzM2NyM3QrL1dvcmQ=",
        f"said {JWT}.",
        f"token: {JWT}",
        f"    token: {SECRET}",
        f"    password: {SECRET}",
        f'password: "two {SECRET} words"',
        f'{{"password": "quote \\" {SECRET}"}}',
        f"--token={SECRET} --v=2",
        f"DB_PASSWORD={SECRET}",
        f"registry-passwd: '{SECRET}'",
        f"aws_secret_access_key = {SECRET}",
        "client-key-data: LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t",
        '{"auths": {"registry.example": {"auth": "dXNlcjpzM2NyM3QrL1dvcmQ="}}}',
        json.dumps({"before": '{"auths": {"r.example": {"auth": "dXNlcjpzM2NyM3QrL1dvcmQ="}}}'}),
        json.dumps({"before": json.dumps({"identitytoken": f"a {SECRET}"})}),
    ],
)
def test_what_lets_one_in_goes(text: str) -> None:
    said = redact(text)
    assert REMOVED in said
    for secret in (SECRET, "dXNlcjpz", "LS0tLS1C", JWT.partition(".")[2]):
        assert secret not in said


@pytest.mark.parametrize(
    "text",
    [
        "- --anonymous-auth=false\n- --service-account-key-file=/etc/kubernetes/pki/sa.pub\n",
        "authentication:\n  anonymous:\n    enabled: false\n",
        "automountServiceAccountToken: false",
        'MountVolume.SetUp failed: secret "words" not found',
        "volumes:\n- secret:\n    secretName: words\n",
        "registry.example:5000/etcd:3.4.13-0@sha256:4ad90a11b55313b182afc186b9876c8e891531b8db4c9bf1541953",
        "client-certificate-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
        "Get https://127.0.0.1:6443/api/v1/pods?fieldSelector=a@b: EOF",
        "basic authentication is off, bearer tokens too",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_of_a_proxy_everything_else_stays() -> None:
    unit = f'Environment="HTTPS_PROXY=http://user:{SECRET}@127.0.0.1:9"'
    assert redact(unit) == f'Environment="HTTPS_PROXY=http://{REMOVED}@127.0.0.1:9"'
