# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The parts of Kubernetes that run as static pods."""

from __future__ import annotations

ARTICLE = ("etcd", "kube-apiserver")
COMPONENTS = (*ARTICLE, "kube-controller-manager", "kube-scheduler", "kube-proxy", "coredns")
