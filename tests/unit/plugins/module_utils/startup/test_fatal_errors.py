"""A component that cannot read its command line is not waited for; any other may still come up."""

from __future__ import annotations

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api.nodes import StaticPod
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import Details
from ansible_collections.mink8s.kubernetes.plugins.module_utils.startup import fatal_errors

POD = StaticPod("etcd", "kube-system", {}, [("etcd:3.4.3-0", ["etcd", "--log-level=$$x"])])


@pytest.mark.parametrize(
    "line",
    [
        "Error: unknown flag: --foo",
        "Error: unknown shorthand flag: 'f' in -foo",
        'Error: invalid argument "many" for "--v" flag: strconv.ParseInt: parsing "many": invalid syntax',
        'invalid argument "Foo=true" for "--feature-gates" flag: unrecognized feature gate: Foo',
        "F1126 12:00:00.000000    711 server.go:155] unknown flag: --foo",
        "F1126 12:00:00.000000    711 server.go:198] failed to load Kubelet config file /x.yaml",
        "error verifying flags, flag provided but not defined: -foo. See 'etcd --help'.",
        '{"level":"warn","msg":"failed to verify flags","error":"flag provided but not defined: -foo"}',
    ],
)
def test_what_a_component_says_that_will_never_start(line: str) -> None:
    assert fatal_errors.UNREADABLE.search(line)


@pytest.mark.parametrize(
    "line",
    [
        "Error: context deadline exceeded",
        "failed to create listener: failed to listen on 127.0.0.1:6443: bind: address already in use",
        'Get "http://127.0.0.1:8080/api": dial tcp 127.0.0.1:8080: connect: connection refused',
        "I1126 12:00:00.000000       1 flags.go:59] FLAG: --v=4",
    ],
)
def test_what_may_pass_is_waited_for(line: str) -> None:
    assert not fatal_errors.UNREADABLE.search(line)


def test_only_a_container_of_the_present_command_line_that_failed_counts() -> None:
    present = ("etcd", "--log-level=$x")
    assert fatal_errors.ended_with(POD, Details(runs=False, code=1, command=present))
    older = ("etcd", "--log-level=older")
    assert not fatal_errors.ended_with(POD, Details(runs=False, code=1, command=older))
    assert not fatal_errors.ended_with(POD, Details(runs=False, code=0, command=present))
    assert not fatal_errors.ended_with(POD, Details(runs=True, code=1, command=present))
