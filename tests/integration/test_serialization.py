"""kube-apiserver writes maps in every form it offers, and lives on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml
from kubernetes import client

if TYPE_CHECKING:
    from servers import Apiserver

LABELS = {"one": "1", "two": "2"}


def test_an_object_with_labels_is_had_as_yaml(apiserver: Apiserver, namespace: str) -> None:
    core = apiserver.core()
    metadata = client.V1ObjectMeta(name="labelled", labels=LABELS)
    core.create_namespaced_config_map(namespace, client.V1ConfigMap(metadata=metadata))
    response = core.api_client.rest_client.request(
        "GET",
        f"{apiserver.url}/api/v1/namespaces/{namespace}/configmaps/labelled",
        headers={"Accept": "application/yaml"},
    )
    assert yaml.safe_load(response.read())["metadata"]["labels"] == LABELS
    assert not apiserver.ended()
