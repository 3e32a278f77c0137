"""Packages that are in the way of Docker are known by what dpkg says of them."""

from __future__ import annotations

from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker import conflicts


def test_packages_that_are_in_the_way_of_docker_are_known_by_what_they_conflict_with() -> None:
    shown = (
        "containerd.io\tinstalled\tcontainerd, runc, \n"
        "docker-ce-cli\tinstalled\tdocker, docker.io, \n"
        "docker-ce\tconfig-files\tdocker.io, \n"
        "containerd\tinstalled\t, docker.io (<< 1.12)\n"
        "podman-docker\tinstalled\tdocker.io, \n"
        "old-thing\tinstalled\t, runc (<< 1)\n"
        "socat\tinstalled\t, \n"
    )
    assert conflicts.parse(shown) == ["containerd.io", "docker-ce-cli", "podman-docker"]
