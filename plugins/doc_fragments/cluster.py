# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of what a cluster is to be like, which the module preflight checks."""

from __future__ import annotations


class ModuleDocFragment:
    """The variables of the role cluster that say so."""

    DOCUMENTATION = r"""
options:
  node_name:
    description: Name of the node; empty for the host's name.
    type: str
    default: ""
  address:
    description: IPv4 address the node is to register with; empty for that of the default route.
    type: str
    default: ""
  components:
    description: Components that are to run.
    type: list
    elements: str
    default: [etcd, kube-apiserver]
  authentication:
    description: V(none) or V(certificates); empty for what the release can.
    type: str
    default: ""
  apiserver_bind_address:
    description: Address kube-apiserver's TLS port is to listen on.
    type: str
    default: 127.0.0.1
  apiserver_alternative_names:
    description: Further names and addresses by which clients reach kube-apiserver.
    type: list
    elements: str
    default: []
  service_account_namespaces:
    description: Namespaces that are to get a default ServiceAccount.
    type: list
    elements: str
    default: []
  service_network:
    description: IPv4 network of the Services.
    type: str
    default: 10.0.0.0/24
  pod_network:
    description: IPv4 network of the pods; empty if the container runtime decides it.
    type: str
    default: ""
  kubeconfig_users:
    description: Logins on the host that are to get a kubeconfig.
    type: list
    elements: str
    default: []
  image_registry:
    description: Registry at the beginning of the images' names.
    type: str
    default: ""
  config_directory:
    description: Directory for kubeconfigs, certificates and manifests.
    type: path
    default: /etc/kubernetes
  etcd_data_directory:
    description: Directory for etcd's data.
    type: path
    default: /var/lib/etcd
  arguments:
    description: Further command-line arguments by component, and fields of V(KubeletConfiguration).
    type: dict
    default: {}
  article_exact:
    description: Whether the cluster has to be the article's to the letter.
    type: bool
    default: false
"""
