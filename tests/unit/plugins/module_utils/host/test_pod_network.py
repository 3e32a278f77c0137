"""Where a kubelet's pods are is told by its unit, and by no CNI configuration but the collection's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import pod_network

OWN = "ExecStart=/usr/local/bin/kubelet \\\n  --config=/etc/kubernetes/kubelet.yaml\n"
CALLS = OWN + "  --network-plugin=cni\n"
ASKS = OWN + "  --container-runtime-endpoint=unix:///run/x.sock\n"
BRIDGE = {"plugins": [{"type": "bridge", "ipam": {"ranges": [[{"subnet": "10.244.0.0/24"}]]}}]}


@pytest.mark.parametrize("unit", [CALLS, ASKS])
@pytest.mark.parametrize(
    ("text", "subnet"), [(json.dumps(BRIDGE), "10.244.0.0/24"), ("{", None), ('{"plugins": []}', None)]
)
def test_pods_are_where_the_configuration_says(
    tmp_path: Path, unit: str, text: str, subnet: str | None
) -> None:
    path = tmp_path / "10-mink8s.conflist"
    assert pod_network.subnet(unit, path) is None
    path.write_text(text)
    assert pod_network.subnet(unit, path) == subnet
    # Such as one that a run has left which was killed before it came to the kubelet.
    assert pod_network.subnet(OWN, path) == ""
    assert pod_network.subnet("", path) is None


def test_routes_to_other_nodes_are_known_by_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pod_network.programs, "find", lambda name: f"/sbin/{name}")

    def run(command: list[str]) -> tuple[int, str, str]:
        assert command[1:] == ["-4", "route", "show", "proto", "118"]
        return 0, "10.244.1.0/24 via 192.0.2.8 dev eth0 \n10.244.2.0/24 via 192.0.2.9 dev eth0 \n", ""

    assert pod_network.routes(run) == ("10.244.1.0/24", "10.244.2.0/24")
    assert pod_network.routes(lambda command: (0, "", "")) == ()
