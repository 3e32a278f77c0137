# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Container Runtime Interface (CRI) v1, as the kubelet speaks it, over containerd's socket.

Field numbers: k8s.io/cri-api, pkg/apis/runtime/v1/api.proto. Only what is used is declared; gRPC passes over
the rest.
"""

from __future__ import annotations

import os
from contextlib import closing
from functools import lru_cache
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    ContainerRuntimeError,
)

# Read as the library is loaded: after a call without an answer, 1.51 waits for ever before a fork.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
try:
    import grpc
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
except ImportError:
    HAS_GRPC = False
else:
    HAS_GRPC = True

SOCKET = "/run/containerd/containerd.sock"
# Seconds for an answer, and for one that comes when the work is done: pulling and stopping.
SHORT, LONG = 30, 1800
# The states of a container and of a pod's sandbox, by their numbers.
STATES = ("created", "running", "exited", "unknown")

# Each field as NAME=NUMBER or NAME=NUMBER:TYPE; a text without a type, * for many.
MESSAGES = {
    "Entry": "key=1 value=2",
    "ImageSpec": "image=1",
    "Named": "name=1",
    "VersionRequest": "version=1",
    "VersionResponse": "runtime_name=2 runtime_version=3",
    "ListPodSandboxRequest": "",
    "ListPodSandboxResponse": "items=1:*PodSandbox",
    "PodSandboxMetadata": "name=1 uid=2 namespace=3",
    "PodSandbox": "id=1 metadata=2:PodSandboxMetadata state=3:int created_at=4:int",
    "ListContainersRequest": "",
    "ListContainersResponse": "containers=1:*Container",
    "Container": "id=1 pod_sandbox_id=2 metadata=3:Named image_ref=5 state=6:int created_at=7:int",
    "ContainerStatusRequest": "container_id=1 verbose=2:bool",
    "ContainerStatusResponse": "status=1:ContainerStatus info=2:*Entry",
    "ContainerStatus": "state=3:int started_at=5:int finished_at=6:int exit_code=7:int log_path=15",
    "StopContainerRequest": "container_id=1 timeout=2:int",
    "StopContainerResponse": "",
    "RemoveContainerRequest": "container_id=1",
    "RemoveContainerResponse": "",
    "StopPodSandboxRequest": "pod_sandbox_id=1",
    "StopPodSandboxResponse": "",
    "RemovePodSandboxRequest": "pod_sandbox_id=1",
    "RemovePodSandboxResponse": "",
    "ListImagesRequest": "",
    "ListImagesResponse": "images=1:*Image",
    "Image": "id=1 repo_tags=2:* repo_digests=3:*",
    "ImageStatusRequest": "image=1:ImageSpec verbose=2:bool",
    "ImageStatusResponse": "image=1:Image info=2:*Entry",
    "AuthConfig": "username=1 password=2",
    "PullImageRequest": "image=1:ImageSpec auth=2:AuthConfig",
    "PullImageResponse": "image_ref=1",
}
# The methods of the image service; all others are the runtime service's.
IMAGE_SERVICE = ("ListImages", "ImageStatus", "PullImage")


def call(method: str, seconds: int = SHORT, **fields: Any) -> Any:
    """What containerd answers to a method. Raises ContainerRuntimeError.

    fields: of the request; a message in it is a dictionary.
    """
    if not HAS_GRPC:
        raise ContainerRuntimeError(
            "The Python library grpc, with which containerd is asked, is not on this host. Install"
            " python3-grpcio and python3-protobuf"
        )
    service = "ImageService" if method in IMAGE_SERVICE else "RuntimeService"
    request, response = _kind(f"{method}Request"), _kind(f"{method}Response")
    with closing(grpc.insecure_channel(f"unix://{SOCKET}")) as channel:
        ask = channel.unary_unary(
            f"/runtime.v1.{service}/{method}",
            request_serializer=request.SerializeToString,
            response_deserializer=response.FromString,
        )
        try:
            return ask(request(**fields), timeout=seconds)
        except grpc.RpcError as error:
            raise ContainerRuntimeError(_words(error)) from error


def _words(error: Any) -> str:
    if error.code() == grpc.StatusCode.UNAVAILABLE:
        return f"containerd does not answer at {SOCKET}"
    if error.code() == grpc.StatusCode.UNIMPLEMENTED:
        return f"containerd at {SOCKET} has no CRI v1: its cri plugin is disabled, or it is older than 1.6"
    if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
        return f"containerd at {SOCKET} gives no answer in time"
    return f"containerd: {error.details()}"


def _kind(name: str) -> Any:
    return _kinds()[name]


@lru_cache(maxsize=1)
def _kinds() -> dict[str, Any]:
    """The classes of the messages."""
    file = descriptor_pb2.FileDescriptorProto(name="cri.proto", package="runtime.v1", syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field in fields.split():
            key, _equals, rest = field.partition("=")
            number, _colon, kind = rest.partition(":")
            _add(message, key, int(number), kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    descriptors = {name: pool.FindMessageTypeByName(f"runtime.v1.{name}") for name in MESSAGES}
    # Up to protobuf 4 there is only the other.
    make = getattr(message_factory, "GetMessageClass", None) or message_factory.MessageFactory().GetPrototype
    return {name: make(descriptor) for name, descriptor in descriptors.items()}


def _add(message: Any, key: str, number: int, kind: str) -> None:
    types = descriptor_pb2.FieldDescriptorProto
    many, kind = kind.startswith("*"), kind.lstrip("*")
    label = types.LABEL_REPEATED if many else types.LABEL_OPTIONAL
    scalar = {"": types.TYPE_STRING, "int": types.TYPE_INT64, "bool": types.TYPE_BOOL}.get(kind)
    field = message.field.add(name=key, number=number, label=label, type=scalar or types.TYPE_MESSAGE)
    if scalar is None:
        field.type_name = f".runtime.v1.{kind}"
