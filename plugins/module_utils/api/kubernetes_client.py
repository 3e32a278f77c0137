# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Talk to the host's kube-apiserver with the `kubernetes` client."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import library, no_answer

try:
    from kubernetes import client, config
    from kubernetes.client.rest import ApiException
    from urllib3.exceptions import HTTPError
    from yaml import YAMLError
except ImportError:
    HAS_KUBERNETES = False
else:
    HAS_KUBERNETES = True

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

ARGUMENTS: dict[str, dict[str, Any]] = {
    "kubeconfig": {"type": "path", "default": "/etc/kubernetes/admin.conf"},
    "timeout": {"type": "int", "default": 180},
}
REQUEST_TIMEOUT = 10


class KubeconfigError(ValueError):
    """A file is no kubeconfig."""


def connect(module: AnsibleModule) -> Any:
    """An ApiClient for the cluster of the module's kubeconfig; None in check mode on a host without one.

    The client is a package of the distribution, so a module that was started by another Python
    starts itself again with the system's. Ends the module with an error where there is no client,
    or where the kubeconfig cannot be used.
    """
    kubeconfig = module.params["kubeconfig"]
    if not Path(kubeconfig).exists():
        if module.check_mode:
            return None
        module.fail_json(
            msg=f"{kubeconfig} does not exist, so there is no cluster to talk to. "
            "Run the role control_plane first, or set kubeconfig."
        )
    require(module)
    try:
        return load(kubeconfig)
    except KubeconfigError as error:
        return module.fail_json(msg=str(error))


def load(kubeconfig: str) -> Any:
    """An ApiClient for the cluster of a kubeconfig, where there is a client. Raises KubeconfigError."""
    settings = client.Configuration()
    try:
        config.load_kube_config(config_file=kubeconfig, client_configuration=settings)
    except (config.ConfigException, OSError, TypeError, YAMLError) as error:
        raise KubeconfigError(f"{kubeconfig} cannot be used as a kubeconfig: {error}") from error
    # A proxy set for the internet must not carry what goes to this host's own API.
    settings.proxy = None
    settings.retries = False
    return client.ApiClient(configuration=settings)


def require(module: AnsibleModule) -> None:
    """Have the client, if need be by starting the module again with the system's Python."""
    if not HAS_KUBERNETES:
        library.respawn("kubernetes")
        library.fail(module, "kubernetes")


def core(api: Any) -> Any:
    """The API of the core group."""
    return client.CoreV1Api(api)


def coordination(api: Any) -> Any:
    """The API of the group coordination.k8s.io."""
    return client.CoordinationV1Api(api)


def rbac(api: Any) -> Any:
    """The API of the group rbac.authorization.k8s.io."""
    return client.RbacAuthorizationV1Api(api)


def version(api: Any) -> str:
    """What kube-apiserver says of its version, such as v1.18.20."""
    return str(client.VersionApi(api).get_code(_request_timeout=REQUEST_TIMEOUT).git_version)


def api_exceptions() -> tuple[type[Exception], ...]:
    """What a request may raise: an answer that is an error, or no answer."""
    return (ApiException, HTTPError)


def get(read: Callable[..., Any], *args: str) -> Any:
    """What read(*args) returns, or None where the API says there is no such object."""
    try:
        return read(*args, _request_timeout=REQUEST_TIMEOUT)
    except ApiException as error:
        if error.status == 404:
            return None
        raise


def unhealthy(api: Any) -> list[str]:
    """One line that says why kube-apiserver is not healthy; empty if it is."""
    host = api.configuration.host
    # The one way to ask for a bare path that old and new clients share.
    pool = api.rest_client.pool_manager
    headers = {auth["key"]: auth["value"] for auth in api.configuration.auth_settings().values()}
    try:
        answer = pool.request("GET", f"{host}/healthz", headers=headers, timeout=REQUEST_TIMEOUT)
        if answer.status != HTTPStatus.OK:
            raise ApiException(status=answer.status, reason=f"{answer.reason} {answer.data.decode()}")
    except api_exceptions() as error:
        return [f"kube-apiserver at {host} is not healthy: {explain(error)}"]
    return []


def explain(error: Exception) -> str:
    """What went wrong with a request, in one line."""
    status = getattr(error, "status", None)
    if status:
        body = getattr(error, "body", None) or ""
        return " ".join(f"HTTP {status} {getattr(error, 'reason', '')} {body}".split())
    return no_answer.words(error)
