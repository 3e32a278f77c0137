"""What a person tries in a cluster: a Deployment with a Service, and pods that ask."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import objects
from bare_node import Node

NODE_PORT = 30080
# Its page is its name; /cgi-bin/who has the client's address besides.
SERVE = r"""
mkdir -p /www/cgi-bin && hostname >/www/index.html
printf '#!/bin/sh\necho; echo $(hostname) $REMOTE_ADDR\n' >/www/cgi-bin/who && chmod +x /www/cgi-bin/who
echo serving; trap exit TERM; httpd -f -p 0.0.0.0:80 -h /www & wait
"""
SLEEP = "trap exit TERM; sleep 86400 & wait"
# What a node hears that changes another, which from 1.32 on it does not even read.
ANOTHER_NODE = re.compile("is not allowed to modify node|only its own Node object")
TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"


def _container(image: str, script: str, **more: Any) -> dict[str, Any]:
    command = ["sh", "-c", script]
    return {"name": "main", "image": image, "imagePullPolicy": "Never", "command": command, **more}


def _spec(image: str, script: str, **more: Any) -> dict[str, Any]:
    return {"terminationGracePeriodSeconds": 1, "containers": [_container(image, script, **more)]}


def web(image: str, replicas: int = 2) -> list[dict[str, Any]]:
    """A Deployment of web servers that say their names, on as many nodes as there are, and their Service."""
    labels = {"app": "web"}
    probe = {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 1}
    spread = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"}
    spec = {
        **_spec(image, SERVE, readinessProbe=probe),
        "topologySpreadConstraints": [{**spread, "labelSelector": {"matchLabels": labels}}],
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }
    service = {"selector": labels, "type": "NodePort", "ports": [{"port": 80, "nodePort": NODE_PORT}]}
    return [deployment, {"kind": "Service", "metadata": {"name": "web"}, "spec": service}]


def client(node: Node, image: str, name: str) -> dict[str, Any]:
    """A pod placed as in the article, in which commands are run."""
    return {
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"nodeName": node.name, **_spec(image, SLEEP)},
    }


def reader(node: Node, image: str) -> list[dict[str, Any]]:
    """A pod with the host's kubectl and a ServiceAccount that may read ConfigMaps, and nothing else."""
    group, name = "rbac.authorization.k8s.io", "reader"
    pod = client(node, image, name)
    mount = {"name": "kubectl", "mountPath": "/kubectl", "readOnly": True}
    pod["spec"] = {
        **pod["spec"],
        "serviceAccountName": name,
        "containers": [_container(image, SLEEP, volumeMounts=[mount])],
        "volumes": [{"name": "kubectl", "hostPath": {"path": "/usr/local/bin/kubectl", "type": "File"}}],
    }
    return [
        {"kind": "ServiceAccount", "metadata": {"name": name}},
        {
            "apiVersion": f"{group}/v1",
            "kind": "Role",
            "metadata": {"name": name},
            "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}],
        },
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": group, "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name}],
        },
        pod,
    ]


def get(node: Node, *what: str) -> Any:
    """What `kubectl get` says in JSON; None if there is nothing."""
    printed = node.run("kubectl", "get", *what, "--ignore-not-found", "--output", "json")
    return json.loads(printed) if printed else None


def pods(node: Node, app: str) -> dict[str, dict[str, Any]]:
    """The pods of an app, by their names."""
    there = get(node, "pods", "--selector", f"app={app}") or {"items": []}
    return {pod["metadata"]["name"]: pod for pod in there["items"]}


def placed(node: Node, app: str) -> list[str]:
    """The names of the pods of an app that are on a node and Ready."""

    def ready(pod: dict[str, Any]) -> bool:
        conditions = {each["type"]: each["status"] for each in pod["status"].get("conditions", [])}
        return conditions.get("Ready") == "True" and pod["spec"].get("nodeName") == node.name

    return [name for name, pod in pods(node, app).items() if ready(pod)]


def endpoints(node: Node, name: str) -> set[str]:
    """The names of the pods that are behind a Service."""
    subsets = (get(node, "endpoints", name) or {}).get("subsets", [])
    return {each["targetRef"]["name"] for subset in subsets for each in subset.get("addresses", [])}


def come(node: Node, *names: str) -> None:
    """Wait until pods of those names are Ready."""
    objects.until(
        node, lambda: all(name in placed(node, name) for name in names), f"{' and '.join(names)} are Ready"
    )


def within(node: Node, pod: str, script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell's script in a pod, whatever comes of it."""
    command = ["docker", "exec", node.name, "kubectl", "exec", pod, "--", "sh", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=False)
