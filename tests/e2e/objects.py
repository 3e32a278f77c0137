"""What a person has in a cluster: objects, and a pod whose container and volumes are on the node."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

from bare_node import Node, runtime

# What etcd has of an object, without what the kubelet reports over and over.
LASTING = ("uid", "name", "namespace", "labels", "annotations", "creationTimestamp")
# What makes a Deployment of two web servers behind a Service, of an image that bare_node.load brings.
WEB = """
kubectl create deployment web --image=mink8s-web:1
kubectl scale deployment web --replicas=2
kubectl expose deployment web --port=80
kubectl rollout status deployment web --timeout=120s
"""

# Asks etcd as kube-apiserver does.
ETCD = """
import re, ssl, urllib.request
text = open("/etc/kubernetes/manifests/kube-apiserver.yaml").read()
flags = dict(re.findall(r"--etcd-(\\w+)=(\\S+)", text))
context = ssl.create_default_context(cafile=flags.get("cafile"))
if "certfile" in flags:
    context.load_cert_chain(flags["certfile"], flags["keyfile"])
def ask(path, data=None):
    request = urllib.request.Request(flags["servers"] + path, data)
    return urllib.request.urlopen(request, context=context).read().decode()
"""


def etcd(node: Node, script: str) -> str:
    """What a script prints that asks etcd."""
    return node.run("python3", "-c", ETCD + script)


def apply(node: Node, *manifests: dict[str, Any]) -> None:
    """Give objects to the API."""
    items = [{"apiVersion": "v1", **manifest} for manifest in manifests]
    document = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    command = node.command("kubectl", "apply", "--filename", "-")
    done = subprocess.run(command, input=document, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def write(node: Node) -> None:
    """A namespace, a ConfigMap, a Secret, and a running pod that has both as volumes."""
    apply(
        node,
        {"kind": "Namespace", "metadata": {"name": "lesson", "labels": {"term": "autumn"}}},
        {"kind": "ConfigMap", "metadata": {"name": "words"}, "data": {"greeting": "hello"}},
        {"kind": "Secret", "metadata": {"name": "key"}, "stringData": {"key": "open sesame"}},
        pod(
            node,
            "reader",
            [
                {"name": "words", "configMap": {"name": "words"}},
                {"name": "key", "secret": {"secretName": "key"}},
            ],
        ),
    )
    runs(node, "reader")


def pod(node: Node, name: str, volumes: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """A pod of the image that every sandbox has."""
    image = next(name for name in runtime().tags(node) if "/pause:" in name)
    mounts = [{"name": each["name"], "mountPath": f"/{each['name']}"} for each in volumes or []]
    container = {
        "name": name,
        "image": image,
        "imagePullPolicy": "Never",
        "volumeMounts": mounts,
        # Without a request a kubelet that starts under memory pressure does not take the pod back.
        "resources": {"requests": {"memory": "1Mi"}},
    }
    spec = {"nodeName": node.name, "containers": [container], "volumes": volumes or []}
    return {
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {**spec, "terminationGracePeriodSeconds": 1},
    }


def read(node: Node) -> dict[str, Any]:
    """Everything a person has written, as the API has it."""
    listed = node.run("kubectl", "get", "namespaces,configmaps,secrets,pods", "--output", "json")
    return {
        f"{item['kind']} {item['metadata']['name']}": {
            **{key: value for key, value in item.items() if key in ("data", "type", "spec")},
            "metadata": {key: item["metadata"].get(key) for key in LASTING},
        }
        for item in json.loads(listed)["items"]
    }


def secret_on_the_host(node: Node) -> str:
    """What the pod's volume has of the Secret."""
    uid = read(node)["Pod reader"]["metadata"]["uid"]
    return node.run("cat", f"/var/lib/kubelet/pods/{uid}/volumes/kubernetes.io~secret/key/key")


def containers(node: Node) -> dict[str, str]:
    """The ID of each running container of a pod, by its name; the newest, where one before it still ends."""
    return {each.name: each.key for each in runtime().containers(node) if each.name != "POD"}


def pods(node: Node) -> dict[str, str]:
    """The ID of each running container of a pod, by the pod's name."""
    return {each.pod: each.key for each in runtime().containers(node) if each.name != "POD"}


def kubelet(node: Node) -> str:
    """The kubelet's process."""
    return node.run("systemctl", "show", "--property", "MainPID", "--value", "kubelet").strip()


def runs(node: Node, name: str) -> None:
    """Wait until a container of that name runs."""
    until(node, lambda: name in containers(node), f"{name} runs")


def ended(node: Node, name: str) -> None:
    """Wait until no container of that name runs."""
    until(node, lambda: name not in containers(node), f"{name} has ended")


def until(node: Node, done: Callable[[], bool], what: str, seconds: int = 90) -> None:
    """Wait for something to come true; on time-out show what a person would look at."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"{what}: not in {seconds} s\n{node.tell()}"
        time.sleep(0.5)
